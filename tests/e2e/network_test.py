#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What networks do to live capture: a link that goes down and comes back, a
phone that is unplugged, ports where nobody listens, and WebSocket that is
compressed, with tshark as the judge.

    network_test.py [links|deflate|refused …]
"""
import collections
import ctypes
import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib

import harness as h

NEWNET = 0x40000000
SERVER, PHONE = '10.9.0.1', '10.9.0.2'


def message(method, user, seq, transport='TCP', extra=''):
    return (f'{method} sip:office.example SIP/2.0\r\n'
            f'Via: SIP/2.0/{transport} {PHONE}:5060;branch=z9hG4bK{user}'
            f'{seq}\r\nMax-Forwards: 70\r\n'
            f'From: <sip:{user}@office.example>;tag=1\r\n'
            f'To: <sip:{user}@office.example>\r\nCall-ID: {user}\r\n'
            f'CSeq: {seq} {method}\r\n{extra}Content-Length: 0\r\n\r\n'
            ).encode()


def answer(request, line='200 OK', extra=''):
    """What a registrar says to it."""
    kept = re.findall(r'^(?:Via|From|To|Call-ID|CSeq|Contact):.*\r\n',
                      request.decode(), re.M)
    return (f'SIP/2.0 {line}\r\n{"".join(kept)}{extra}'
            'Content-Length: 0\r\n\r\n').encode()


def register(user, seq=1, transport='TCP'):
    return message('REGISTER', user, seq, transport,
                   f'Contact: <sip:{user}@{PHONE}:5060>;expires=600\r\n')


# --- links --------------------------------------------------------------------


class Net:
    """A network of its own, as long as its first process lives."""

    def __init__(self, where):
        self.child = h.start(['unshare', '-n', 'sleep', '600'],
                             os.path.join(where, 'net.log'))
        mine = os.stat('/proc/self/ns/net').st_ino
        self.path = f'/proc/{self.child.pid}/ns/net'
        if not h.wait_for(lambda: self.child.poll() is not None or
                          os.stat(self.path).st_ino != mine, 5) or \
                self.child.poll() is not None:
            raise PermissionError('no right to make a network namespace')

    def ip(self, *words):
        for word in words:
            subprocess.run(['nsenter', '--net=' + self.path, 'ip',
                            *word.split()], check=True, capture_output=True)

    def socket(self, kind):
        """One that stays in this network."""
        libc = ctypes.CDLL(None, use_errno=True)
        home = os.open('/proc/self/ns/net', os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        try:
            if libc.setns(there, NEWNET):
                raise OSError(ctypes.get_errno(), 'setns')
            try:
                return socket.socket(type=kind)
            finally:
                libc.setns(home, NEWNET)
        finally:
            os.close(home)
            os.close(there)


def plug(server, phone, name, net):
    """A cable between both."""
    server.ip(f'link add {name}0 type veth peer name {name}1',
              f'link set {name}1 netns {phone.child.pid}',
              f'addr add {net}.1/24 dev {name}0', f'link set {name}0 up')
    phone.ip(f'addr add {net}.2/24 dev {name}1', f'link set {name}1 up')


def capture_of(ear, name):
    return next(c for c in ear.status()['captures'] if c['name'] == name)


class Registrar(threading.Thread):
    """Says 200 to what comes over TCP."""

    def __init__(self, sock, address):
        super().__init__(daemon=True)
        self.sock, self.peers = sock, []
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen()
        self.start()

    def run(self):
        while True:
            try:
                peer, _ = self.sock.accept()
            except OSError:
                return
            self.peers.append(peer)
            peer.sendall(answer(peer.recv(9000)))


def links(tap):
    with h.folder() as where:
        try:
            server, phone = Net(where), Net(where)
        except PermissionError as e:
            tap.skip('links', str(e))
            return
        server.ip('link set lo up')
        plug(server, phone, 'ea', '10.9.0')
        plug(server, phone, 'eb', '10.9.1')
        ear = h.Earshot(where, **{
            'capture ea': {'device': 'ea0', 'filter': 'port 5060'},
            'capture eb': {'device': 'eb0', 'filter': 'port 5060'}})
        ear.start(wrap=['nsenter', '--net=' + server.path])
        registrar = Registrar(server.socket(socket.SOCK_STREAM),
                              (SERVER, 5060))
        tcp = phone.socket(socket.SOCK_STREAM)
        tcp.connect((SERVER, 5060))
        tcp.settimeout(5)
        tcp.sendall(register('sara'))
        tap.ok(b'200 OK' in tcp.recv(9000), 'links: a phone registers')
        tap.ok(h.wait_for(lambda: states(ear) == {'sara': 'on line'}, 10, .2),
               'links: it is on line', states(ear))
        # unplugged: the link stays up, nobody is there any more
        phone.ip('addr del 10.9.0.2/24 dev ea1')
        server.ip(f'neigh replace {PHONE} lladdr 02:00:00:00:00:01 dev ea0')
        began = time.monotonic()
        registrar.peers[0].sendall(message('OPTIONS', 'sara', 2))
        other_link(tap, server, phone, ear)
        tap.ok(h.wait_for(lambda: states(ear) == {'sara': 'unreachable'},
                          100, .5), 'links: unplugged, it is unreachable '
               f'after {time.monotonic() - began:.0f} s', states(ear))
        ends = [(r['event'], r['details'], r['peername'], r['inferred'])
                for r in ear.must('sessions', '--json', '-n', '1')]
        tap.equal(ends, [('DISCONNECT', 'NETWORK_ERROR', 'sara', False)],
                  'links: an error of the network, on its account')
        tap.equal(ear.stop(), 0, 'links: ends well')
        tcp.close()
        registrar.sock.close()


def states(ear):
    return {r['username']: r['state'] for r in ear.must('accounts', '--json')}


def other_link(tap, server, phone, ear):
    """Down and up again while the phone above is silent."""
    udp = phone.socket(socket.SOCK_DGRAM)

    def say(name):
        for i in range(5):
            udp.sendto(message('OPTIONS', f'{name}-{i}', 1, 'UDP'),
                       ('10.9.1.1', 5060))

    def seen(name):
        return len(ear.search(f'call_id ~ "^{name}-"'))
    say('before')
    tap.ok(h.wait_for(lambda: seen('before') == 5, 10, .2),
           'links: the other one carries', capture_of(ear, 'eb'))
    server.ip('link set eb0 down')
    tap.ok(h.wait_for(lambda: not capture_of(ear, 'eb')['open'], 10),
           'links: down, and the status says so', capture_of(ear, 'eb'))
    tap.ok(h.wait_for(lambda: 'capture.gone' in ear.notices(), 5),
           'links: so does a notice', ear.notices())
    tap.ok(capture_of(ear, 'ea')['open'], 'links: the other capture goes on')
    server.ip('link set eb0 up')
    tap.ok(h.wait_for(lambda: capture_of(ear, 'eb')['open'], 10),
           'links: up, and it captures again', capture_of(ear, 'eb'))
    h.wait_for(lambda: seen('after') > 0 or say('after'), 10, .3)
    tap.ok(seen('after') > 0, 'links: messages come again')
    # a device that goes for good and another of that name
    server.ip('link del eb0')
    tap.ok(h.wait_for(lambda: not capture_of(ear, 'eb')['open'], 10),
           'links: the device is gone', capture_of(ear, 'eb'))
    plug(server, phone, 'eb', '10.9.1')
    tap.ok(h.wait_for(lambda: capture_of(ear, 'eb')['open'], 10),
           'links: another of that name is taken', capture_of(ear, 'eb'))
    h.wait_for(lambda: seen('anew') > 0 or say('anew'), 10, .3)
    tap.ok(seen('anew') > 0, 'links: messages come anew')
    p = subprocess.run([h.EARSHOT, 'search', '--data', ear.data, '--limit',
                        '1'], capture_output=True, text=True)
    tap.ok('nothing could be captured' in p.stderr + p.stdout,
           'links: an answer says when nothing could be captured', p.stderr)
    udp.close()


# --- WebSocket, compressed ------------------------------------------------------


class End:
    """One side of a WebSocket with permessage-deflate (RFC 7692)."""

    def __init__(self, sock, masks, takeover=True):
        self.sock, self.masks, self.takeover = sock, masks, takeover
        self.deflate = self.new()

    @staticmethod
    def new():
        return zlib.compressobj(wbits=-15)

    def send(self, data, pieces=1, plain=False):
        if not plain:
            data = self.deflate.compress(data) + \
                self.deflate.flush(zlib.Z_SYNC_FLUSH)
            data = data[:-4]
            if not self.takeover:
                self.deflate = self.new()
        size = -(-len(data) // pieces)
        parts = [data[i:i + size] for i in range(0, len(data), size)]
        for i, part in enumerate(parts):
            first = (1 if not i else 0) | (0 if plain or i else 0x40)
            last = 0x80 if i == len(parts) - 1 else 0
            self.frame(first | last, part)

    def frame(self, first, data):
        n = len(data)
        bit = 0x80 if self.masks else 0
        head = bytes([first]) + (
            bytes([bit | n]) if n < 126 else struct.pack('>BH', bit | 126, n))
        if self.masks:
            mask = os.urandom(4)
            head += mask
            data = bytes(c ^ mask[i % 4] for i, c in enumerate(data))
        self.sock.sendall(head + data)


def compressed(port, takeover, pieces):
    """Both ends talk; how many messages each way."""
    with socket.create_server(('127.0.0.1', port)) as server:
        a = socket.create_connection(('127.0.0.1', port), 5)
        b, _ = server.accept()
    more = '' if takeover else \
        '; client_no_context_takeover; server_no_context_takeover'
    a.sendall((f'GET / HTTP/1.1\r\nHost: office.example\r\nUpgrade: websocket'
               f'\r\nConnection: Upgrade\r\nSec-WebSocket-Key: '
               f'dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'
               f'Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Extensions: '
               f'permessage-deflate; client_max_window_bits\r\n\r\n').encode())
    b.recv(9000)
    b.sendall((f'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n'
               f'Connection: Upgrade\r\nSec-WebSocket-Accept: '
               f's3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip'
               f'\r\nSec-WebSocket-Extensions: permessage-deflate{more}\r\n'
               f'\r\n').encode())
    a.recv(9000)
    client, registrar = End(a, True, takeover), End(b, False, takeover)
    name = f'ws{takeover:d}{pieces:d}'
    for seq in range(1, 21):
        ask = register(name, seq, 'WS')
        client.send(ask, pieces=1 + seq % 3 if pieces else 1,
                    plain=seq % 7 == 0)
        b.recv(9000)
        registrar.send(answer(ask), pieces=1 + seq % 2 if pieces else 1)
        a.recv(9000)
    client.frame(0x88, struct.pack('>H', 1000))
    registrar.frame(0x88, struct.pack('>H', 1000))
    time.sleep(.1)
    for end in (a, b):  # what is left unread would make a reset of it
        end.recv(9000)
        end.shutdown(socket.SHUT_WR)
    a.close()
    b.close()
    return name


def deflate(tap):
    missing = h.have('tshark', 'tcpdump')
    if missing or os.geteuid():
        tap.skip('WebSocket, compressed', missing or
                 'not allowed to capture here')
        return
    with h.folder() as where:
        port = h.free_port()
        path = os.path.join(where, 'ws.pcap')
        ear = h.Earshot(where, **{'capture lo': {
            'device': 'lo', 'filter': f'tcp port {port}'}}).start()
        dump = h.start(['tcpdump', '-i', 'lo', '-U', '-s', '0', '-w', path,
                        f'tcp port {port}'],
                       os.path.join(where, 'tcpdump.log'))
        h.wait_for(lambda: 'listening' in h.tail(
            os.path.join(where, 'tcpdump.log')), 10)
        names = [compressed(port, takeover, pieces)
                 for takeover in (True, False) for pieces in (True, False)]
        time.sleep(1)
        h.stop(dump)
        read = h.Earshot(where, data=os.path.join(where, 'read'))
        read.must('import', '--json', path)
        out = subprocess.run(
            ['tshark', '-r', path, '-d', f'tcp.port=={port},http', '-Y', 'sip',
             '-T', 'fields', '-e', 'sip.Call-ID'], capture_output=True,
            text=True, timeout=60).stdout
        judged = collections.Counter(out.replace(',', '\n').split())
        ear.settle(160)
        for what, e in (('live', ear), ('import', read)):
            rows = e.search('proto == sip')
            tap.equal({n: sum(r['call_id'] == n for r in rows)
                       for n in names}, {n: 40 for n in names},
                      f'deflate: {what}: every message of all')
            tap.equal({r['transport'] for r in rows}, {'ws'},
                      f'deflate: {what}: over WebSocket')
            tap.ok(not any(r['malformed'] for r in rows),
                   f'deflate: {what}: none is malformed')
        # it does not join what is compressed and in pieces
        tap.equal((judged['ws10'], judged['ws00']), (40, 40),
                  'deflate: tshark finds as many where none is in pieces')
        tap.equal({r['username'] for r in ear.must(
            'accounts', '--json', '--history')}, set(names),
            'deflate: who registered over it')
        tap.equal([r['details'] for r in ear.must(
            'sessions', '--json', 'event == DISCONNECT')], ['NORMAL'] * 4,
            'deflate: all ended as they should')
        ear.stop()


# --- a closed port ---------------------------------------------------------------


def refused(tap):
    """A request to a port where nobody listens: the kernel says unreachable by
    ICMP, and the request has no answer."""
    if os.geteuid():
        tap.skip('a closed port', 'not allowed to capture here')
        return
    with h.folder() as where:
        port, phone = h.free_port(), h.free_port()
        ear = h.Earshot(where, **{'capture lo': {
            'device': 'lo', 'filter': f'port {port} or icmp'}}).start()
        s = socket.socket(type=socket.SOCK_DGRAM)
        s.bind(('127.0.0.1', port))
        for seq in range(1, 4):
            s.sendto(message('OPTIONS', 'closed', seq, 'UDP'),
                     ('127.0.0.1', phone))
            time.sleep(.1)
        s.close()
        tap.ok(h.wait_for(lambda: len(ear.search()) == 3, 10, .2),
               'a closed port: the requests are seen', ear.search())
        time.sleep(1)
        c = capture_of(ear, 'lo')
        tap.equal(len(ear.search()), 3,
                  'a closed port: and not once more out of the ICMP')
        tap.ok(c['messages'] == 3, 'a closed port: counted so', c)
        ear.stop()


def main():
    with h.Tap() as tap:
        for name in sys.argv[1:] or ('links', 'deflate', 'refused'):
            globals()[name](tap)


main()
