#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Mirrors: from Earshot to Earshot over UDP, TCP and TLS and as SIP
duplicates, to sngrep, to collectors that are away, die, or do not exist; and
`earshot export --to`."""
import collections
import os
import socket
import struct
import subprocess
import threading
import time

import harness as h
import hep

T0 = 1700000000


def packets(name, n, first=0):
    """HEP3 packets that differ in all that must come through."""
    for i in range(first, first + n):
        yield hep.hep3(hep.options(f'{name}-{i:06d}'),
                       at=T0 + i + 0.25 + i % 1000 / 1e6,
                       src=(f'192.0.2.{1 + i % 200}', 5060 + i % 7),
                       dst=(f'198.51.100.{1 + i % 100}', 5070 + i % 5))


def send(ear, name, n, first=0, pause=0.0):
    sender = hep.Tcp(ear.port)
    for p in packets(name, n, first):
        sender.send(p)
        if pause:
            time.sleep(pause)
    sender.close()


def facts(rows):
    """What must be the same at both ends, in an order of its own."""
    keys = ('call_id', 'at', 'src', 'dst', 'transport', 'method', 'direction',
            'proto')
    return sorted(tuple(r.get(k) for k in keys) for r in rows)


def pair(where, name, mirrors=None, **sections):
    folder = os.path.join(where, name)
    os.mkdir(folder)
    for title, keys in (mirrors or {}).items():
        sections[f'mirror {title}'] = keys
    return h.Earshot(folder, **sections)


def mirror_of(ear, name):
    for m in ear.status().get('outlets', []):
        if m.get('name') == name:
            return m
    return {}


def arrived(ear, expr, n, seconds=20):
    """The messages that match, once there are so many."""
    h.wait_for(lambda: len(ear.search(expr)) >= n, seconds, 0.3)
    return ear.search(expr)


def carriers(tap, where):
    tls = h.free_port()
    b = pair(where, 'b', **{'listener tls': {
        'transport': 'tls', 'address': f'127.0.0.1:{tls}'}})
    b.start()
    ca = os.path.join(b.data, 'tls', 'earshot.crt')
    if not os.path.exists(ca):
        ca = os.path.join(b.data, 'tls', os.listdir(
            os.path.join(b.data, 'tls'))[0])
    hep_to = f'hep:127.0.0.1:{b.port}'
    a = pair(where, 'a', {
        'udp': {'to': hep_to, 'capture_id': 101},
        'tcp': {'to': hep_to + ';transport=tcp', 'capture_id': 102,
                'node': 'edge'},
        'tls': {'to': f'hep:localhost:{tls};transport=tls',
                'capture_id': 103, 'ca': ca},
        'sip': {'to': f'sip:127.0.0.1:{b.port}'},
        'old': {'to': hep_to, 'capture_id': 104, 'version': 2},
    }).start()
    send(a, 'carried', 300)
    a.settle(300)
    want = facts(a.search())
    tap.equal(len(want), 300, 'carriers: 300 messages came in')
    for name, number in (('udp', 101), ('tcp', 102), ('tls', 103)):
        rows = arrived(b, f'capture_id == {number}', 300)
        tap.equal(facts(rows), want,
                  f'{name}: times, addresses and transports are the same')
        tap.ok(all(r.get('correlation') == r['call_id'] for r in rows),
               f'{name}: each has a correlation id')
    tap.equal({r.get('node') for r in b.search('capture_id == 102')},
              {'edge'}, 'tcp: the node is that of the mirror')
    rows = arrived(b, 'capture_id == 104', 300)
    tap.equal(facts(rows), want, 'HEP 2: times and addresses are the same')
    rows = arrived(b, 'not capture_id', 300)
    tap.equal(facts(rows), want,
              'SIP duplicates: times and addresses are the same')
    by = {n: mirror_of(a, n).get('delivered_by')
          for n in ('udp', 'tcp', 'tls', 'sip')}
    tap.equal(by, {'udp': 'time', 'tcp': 'collector', 'tls': 'collector',
                   'sip': 'time'}, 'by what each knows that it arrived')
    a.stop()
    b.stop()


def ring(tap, where, kind, version):
    """Three in a ring: what goes round ends, also where nothing counts hops"""
    ports = {name: h.free_port() for name in 'abc'}
    ears = [pair(where, f'{kind}{version}-ring-{name}',
                 {'next': {'to': f'{kind}:127.0.0.1:{ports[other]}',
                           'version': version, 'max_hops': 4}},
                 **{'listener ring': {
                     'transport': 'udp',
                     'address': f'127.0.0.1:{ports[name]}'}}).start()
            for name, other in zip('abc', 'bca')]
    send(ears[0], 'ring', 3)

    def refused():
        return sum(line['mirror_refused'] for e in ears
                   for line in e.status()['ledger'])
    h.wait_for(lambda: refused() >= 3, 30, 0.2)
    time.sleep(1)  # a further round would come at once
    tap.equal(refused(), 3, f'a ring of {kind} {version} ends')
    for ear in ears:
        ear.stop()


def hops(tap, where):
    """SIP duplicates through two hops, then a loop that ends by itself."""
    c = pair(where, 'c').start()
    b = pair(where, 'b', {'on': {'to': f'sip:127.0.0.1:{c.port}'}}).start()
    a = pair(where, 'a', {'on': {'to': f'sip:127.0.0.1:{b.port}'}}).start()
    send(a, 'hop', 100)
    a.settle(100)
    want = facts(a.search())
    rows = arrived(c, '', 100)
    tap.equal(facts(rows), want,
              'two hops of SIP duplicates: times and addresses are the same')
    raw = [r['raw'] for r in c.must('export', '-o', '-', '--format', 'json')]
    tap.ok(raw and all(x.count('X-Siptrace-Fromip') == 1 for x in raw),
           'the header fields are replaced, not doubled', raw[:1])
    for ear in (a, b, c):
        ear.stop()

    for kind, version in (('hep', 3), ('hep', 2), ('sip', 3)):
        ring(tap, where, kind, version)

    for kind in ('hep', 'sip'):
        ports = {'a': h.free_port(), 'b': h.free_port()}
        ears = {}
        for name, other in (('a', 'b'), ('b', 'a')):
            ears[name] = pair(
                where, f'{kind}-{name}',
                {'back': {'to': f'{kind}:127.0.0.1:{ports[other]}',
                          'max_hops': 4}},
                **{'listener loop': {'transport': 'udp',
                                     'address': f'127.0.0.1:{ports[name]}'}})
            ears[name].start()
        send(ears['a'], 'loop', 5)

        def found():
            return [len(ears[n].search()) for n in 'ab']
        # out and back twice: 5 in a, then b, a, b, a
        h.wait_for(lambda: found() == [15, 10], 15, 0.2)
        time.sleep(1)  # a further round would come at once
        tap.equal(found(), [15, 10], f'a loop of {kind} ends after 4 hops')
        for ear in ears.values():
            ear.stop()


def away(tap, where):
    """The collector comes later; another one never does."""
    dead = h.free_port()
    b = pair(where, 'b')
    a = pair(where, 'a', {
        'late': {'to': f'hep:127.0.0.1:{b.port};transport=tcp',
                 'capture_id': 201},
        'lateudp': {'to': f'hep:127.0.0.1:{b.port}', 'capture_id': 202},
        'dead': {'to': f'hep:127.0.0.1:{dead};transport=tcp'},
    }).start()
    send(a, 'away', 500)
    a.settle(500)
    waiting = mirror_of(a, 'late').get('waiting')
    tap.equal(waiting, 500, 'a collector that is away: all waits on disk')
    b.start()
    rows = arrived(b, 'capture_id == 201', 500, 45)
    tap.equal(len(rows), 500, 'and comes when it is back')
    tap.equal([r['call_id'] for r in reversed(rows)] if rows and
              rows[0]['call_id'] > rows[-1]['call_id'] else
              [r['call_id'] for r in rows],
              [f'away-{i:06d}' for i in range(500)], 'in order')
    rows = arrived(b, 'capture_id == 202', 500, 45)
    tap.equal(len({r['call_id'] for r in rows}), 500,
              'over UDP too, where nobody listened')
    m = h.wait_for(lambda: (x := mirror_of(a, 'dead')).get('waiting') == 500
                   and x)
    tap.ok(m and not m.get('connected'),
           'one that never comes keeps its own', mirror_of(a, 'dead'))
    began = time.monotonic()
    send(a, 'quick', 2000)
    rows = arrived(b, 'capture_id == 201', 2500, 10)
    tap.ok(len(rows) == 2500 and time.monotonic() - began < 8,
           'and slows no other', len(rows), time.monotonic() - began)
    a.stop()
    b.stop()


def send_hard(ear, name, n):
    """A hundred at a time, so that there is always something on its way."""
    all_of_them = list(packets(name, n))
    sender = hep.Tcp(ear.port)
    for i in range(0, n, 100):
        sender.send(b''.join(all_of_them[i:i + 100]))
        time.sleep(0.004)
    sender.close()


def killed(tap, where):
    """kill -9 of the collector under load, over TCP with acknowledgements."""
    n = 60000
    b = pair(where, 'b')
    b.start()
    a = pair(where, 'a', {
        'c': {'to': f'hep:127.0.0.1:{b.port};transport=tcp'}}).start()
    thread = threading.Thread(target=send_hard, args=(a, 'load', n))
    thread.start()
    for i in range(4):
        delivered = mirror_of(a, 'c').get('delivered', 0)
        h.wait_for(lambda: mirror_of(a, 'c')['delivered'] > delivered + 500,
                   15, 0.01)
        time.sleep(0.05 * i)
        b.kill()
        time.sleep(0.5)
        b.start()
    thread.join()
    a.settle(n, 60)
    h.wait_for(lambda: mirror_of(a, 'c').get('waiting') == 0, 60)
    h.wait_for(lambda: len({r['call_id'] for r in b.search()}) >= n, 30, 1)
    count = collections.Counter(r['call_id'] for r in b.search())
    again = mirror_of(a, 'c').get('handed_again')
    twice = sum(count.values()) - len(count)
    tap.equal(len(count), n, 'killed four times under load: nothing missing')
    tap.note(f'{twice} came twice; handed again {again}')
    tap.ok(again is not None and twice <= again,
           'what came twice is counted', twice, again)
    a.stop()
    b.stop()


def sender_killed(tap, where):
    """kill -9 of the mirroring server, with messages in journal and spool."""
    n = 20000
    b = pair(where, 'b').start()
    a = pair(where, 'a', {
        'c': {'to': f'hep:127.0.0.1:{b.port};transport=tcp'}}).start()
    for i in range(3):
        send_hard(a, f'run{i}', n)
        h.wait_for(lambda: a.totals()['received'] >= n, 20, 0.01)
        a.kill()
        a.start()
    h.wait_for(lambda: len({r['call_id'] for r in b.search()}) >= 3 * n, 40, 1)
    count = collections.Counter(r['call_id'] for r in b.search())
    tap.equal(len(count), 3 * n,
              'the sender killed three times: nothing missing')
    tap.note(f'{sum(count.values()) - len(count)} came twice')
    a.stop()
    b.stop()


def wrong_key(tap, where):
    b = pair(where, 'b', listener={'auth_key': 'right'}).start()
    a = pair(where, 'a', {
        'good': {'to': f'hep:127.0.0.1:{b.port};transport=tcp',
                 'auth_key': 'right'},
        'bad': {'to': f'hep:127.0.0.1:{b.port};transport=tcp',
                'auth_key': 'wrong'}}).start()
    send(a, 'key', 50)
    a.settle(50)
    tap.equal(len(arrived(b, '', 50)), 50, 'the right key: all arrive')
    m = h.wait_for(lambda: (x := mirror_of(a, 'bad')).get('trouble') and x)
    tap.ok(m and 'auth_key' in m['trouble'] and m['waiting'] == 50,
           'a wrong one: it says so, and keeps all', mirror_of(a, 'bad'))
    a.stop()
    b.stop()


def sngrep(tap, where):
    missing = h.have('sngrep')
    if missing:
        tap.skip('sngrep decodes', missing)
        return
    for version in (2, 3):
        port = h.free_port()
        out = os.path.join(where, f'sngrep{version}.pcap')
        child = subprocess.Popen(
            ['sngrep', '-N', '-q', '-L', f'udp:127.0.0.1:{port}', '-O', out],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**os.environ, 'TERM': 'xterm'})
        time.sleep(1)
        a = pair(where, f'a{version}', {
            'c': {'to': f'hep:127.0.0.1:{port}',
                  'version': version}}).start()
        send(a, 'sngrep', 50)
        a.settle(50)
        want = sorted((r['call_id'], r['at'], r['src'], r['dst'])
                      for r in a.search())
        h.wait_for(lambda: mirror_of(a, 'c').get('delivered') == 50, 15)
        time.sleep(1.5)
        a.stop()
        child.terminate()
        child.wait(10)
        seen = h.Earshot(os.path.join(where, f'a{version}'),
                         data=os.path.join(where, f'seen{version}'))
        seen.run('import', out)
        got = sorted((r['call_id'], r['at'], r['src'], r['dst'])
                     for r in seen.search())
        if version == 2:
            # its reader of HEP 2 takes the length from a swapped byte
            tap.note(f'sngrep took {len(got)} of 50 in HEP 2')
            continue
        tap.equal(got, want, f'sngrep -L takes HEP {version} as it was')


def raw_ip(datagram, port):
    """A datagram with UDP and IPv4 before it, as if captured."""
    udp = struct.pack('>HHHH', 40000, port, 8 + len(datagram), 0) + datagram
    loopback = bytes([127, 0, 0, 1])
    return struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(udp), 0, 0, 64, 17,
                       0) + loopback * 2 + udp


def capture(path, datagrams, port):
    """A pcap of raw IP packets."""
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for n, datagram in enumerate(datagrams):
            ip = raw_ip(datagram, port)
            f.write(struct.pack('<IIII', T0, n, len(ip), len(ip)) + ip)


def tshark(tap, where):
    missing = h.have('tshark')
    if missing:
        tap.skip('tshark decodes SIP duplicates', missing)
        return
    port = h.free_port()
    path = os.path.join(where, 'duplicates.pcap')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as to:
        to.bind(('127.0.0.1', port))
        to.settimeout(10)
        a = pair(where, 'a', {'c': {'to': f'sip:127.0.0.1:{port}'}}).start()
        send(a, 'tshark', 50)
        got = [to.recv(65535) for _ in range(50)]
        a.stop()
    capture(path, got, port)
    names = ['sip.Call-ID', 'sip.Method', 'sip.msg_hdr', '_ws.malformed',
             '_ws.expert.severity']
    seen = subprocess.run(
        ['tshark', '-r', path, '-d', f'udp.port=={port},sip', '-T', 'fields',
         '-E', 'separator=/t'] + [w for n in names for w in ('-e', n)],
        capture_output=True, text=True, timeout=60, check=True).stdout
    rows = [line.split('\t') for line in seen.splitlines()]
    tap.equal(sorted(r[0] for r in rows),
              sorted(f'tshark-{i:06d}' for i in range(50)),
              'tshark reads each SIP duplicate')
    # a note for each field that SIP does not know: ours; no warning
    note = '4194304'
    tap.equal({(r[1], r[3], r[4]) for r in rows},
              {('OPTIONS', '', ','.join(5 * [note]))},
              'and has nothing to complain about')
    tap.ok(all('X-Siptrace-Fromip: ' in r[2] and 'X-Siptrace-Dir: ' in r[2]
               for r in rows), 'and sees the X-Siptrace fields', rows[:1])


class Curt(threading.Thread):
    """A collector that ends a connection at a packet without payload."""

    def __init__(self, reset):
        super().__init__(daemon=True)
        self.reset, self.ended, self.taken = reset, 0, 0
        self.door = socket.create_server(('127.0.0.1', 0))
        self.port = self.door.getsockname()[1]
        self.start()

    def run(self):
        while True:
            client, _ = self.door.accept()
            with client, client.makefile('rb') as packets:
                while self.take(client, packets):
                    self.taken += 1

    def take(self, client, packets):
        head = packets.read(6)
        if len(head) < 6:
            return False
        if b'OPTIONS' in packets.read(struct.unpack('>H', head[4:])[0] - 6):
            return True
        self.ended += 1
        if self.reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                              struct.pack('ii', 1, 0))
        return False


def curt(tap, a):
    for reset in (False, True):
        far = Curt(reset)
        code, _, error = a.run('export', '--to',
                               f'hep:127.0.0.1:{far.port};transport=tcp')
        tap.ok(code == 0 and '200 messages sent' in error and
               h.wait_for(lambda: far.taken == 200) and far.ended,
               'a collector that ends connections at our greeting gets none',
               code, error, far.taken, far.ended)


def export(tap, where):
    a = pair(where, 'a').start()
    b = pair(where, 'b').start()
    send(a, 'export', 200)
    a.settle(200)
    want = facts(a.search())
    for i, to in enumerate((f'hep:127.0.0.1:{b.port}',
                            f'hep:127.0.0.1:{b.port};transport=tcp')):
        code, _, error = a.run('export', '--to', to, '--capture-id',
                               str(301 + i))
        tap.ok(code == 0 and '200 messages sent' in error,
               f'export --to {to.split(";")[-1][:4]}: says how many', error)
        tap.equal(facts(arrived(b, f'capture_id == {301 + i}', 200)), want,
                  'and they are the same')
    code, _, error = a.run('export', '--to', f'sip:127.0.0.1:{b.port}',
                           '--speed', '400')
    tap.ok(code == 0, 'export --to sip:', error)
    tap.equal(facts(arrived(b, 'not capture_id', 200)), want,
              'and they are the same')
    curt(tap, a)
    began = time.monotonic()
    code, _, error = a.run('export', 'call_id in (export-000000, '
                           'export-000002)', '--to',
                           f'hep:127.0.0.1:{b.port};transport=tcp',
                           '--speed', 'original')
    spent = time.monotonic() - began
    tap.ok(code == 0 and 1.9 < spent < 5, 'at its original pace', spent, error)
    pcap = os.path.join(where, 'x.pcap')
    a.must('export', '-o', pcap)
    code, _, error = a.run('export', '--read', pcap, '--to',
                           f'hep:127.0.0.1:{b.port}', '--capture-id', '303',
                           'call_id ~ "00[0-4].$"')
    tap.ok(code == 0 and '50 messages sent' in error,
           'straight from a capture, what matches', error)
    rows = arrived(b, 'capture_id == 303', 50)
    tap.equal([(r['at'], r['src'], r['dst']) for r in rows],
              [(r['at'], r['src'], r['dst']) for r in
               a.search('call_id ~ "00[0-4].$"')], 'with its times')
    b.stop()
    for to in ('', ';transport=tcp'):
        code, _, error = a.run('export', '--to',
                               f'hep:127.0.0.1:{b.port}{to}')
        tap.ok(code == 1 and 'earshot export:' in error,
               f'nobody there{to}: it fails and says so', code, error)
    for words in (['--to', 'hep:'], ['--to', 'hep:a b'],
                  ['--to', 'hep:x', '--speed', 'slow'],
                  ['--to', 'hep:x;transport=tcp', '--version', '2'],
                  ['--to', 'hep:x', '--version', '4'],
                  ['--to', 'hep:x', '--version', '0'],
                  ['--to', 'hep:x', '--capture-id', '4294967296'],
                  ['--to', 'hep:x', '--format', 'json'],
                  ['--to', 'hep:x', '--micro'],
                  ['--to', 'hep:x', '--keep-secrets'],
                  ['-o', pcap, '--keep-secrets'], ['-o', pcap, '--read', 'x'],
                  ['-o', pcap, '--no-verify'], ['-o', pcap, '--ca', 'x'],
                  ['-o', pcap, '--speed', 'max'], ['-o', pcap, '--key', 'x'],
                  ['-o', '-', '--format', 'json', '--version', '3'],
                  ['-o', pcap, '--capture-id', '0']):
        code, _, error = a.run('export', *words)
        tap.ok(code == 2 and error, f'used wrongly: {" ".join(words)}', code,
               error)
    a.stop()


def stuck(tap, where):
    """Collectors that take a connection and nothing more."""
    port = h.free_port()
    holds = socket.create_server(('127.0.0.1', port), backlog=64)
    a = pair(where, 'a', {f'm{i}': {
        'to': f'hep:127.0.0.1:{port};transport=tcp', 'acknowledge': 'false'}
        for i in range(8)}).start()
    # more than their kernel holds
    send_hard(a, 'stuck', 20000)
    h.wait_for(lambda: all(m['connected'] and m['waiting'] for m in
                           a.status()['outlets']), 20)
    began = time.monotonic()
    code = a.stop()
    took = time.monotonic() - began
    tap.ok(code == 0 and took < 8, 'eight that take nothing hold up the end '
           'no longer than one', code, took)
    holds.close()


def short_of_disk(tap, where):
    """Copies leave the disk to the store."""
    disk = os.statvfs(where)
    free = disk.f_bavail * disk.f_frsize
    a = pair(where, 'a', {'m': {
        'to': f'hep:127.0.0.1:{h.free_port()};transport=tcp'}},
        retention={'min_free': int(free * 0.95)}).start()
    send(a, 'short', 100)
    a.settle(100)
    m = mirror_of(a, 'm')
    tap.ok(len(a.search()) == 100 and m['lost'] == 100 and m['full'],
           'where the disk is short, the store keeps and the spool does not',
           m, a.totals())
    a.stop()


def main():
    with h.Tap() as tap:
        for part in (export, carriers, hops, away, killed, sender_killed,
                     stuck, short_of_disk, wrong_key, sngrep, tshark):
            with h.folder() as where:
                part(tap, where)


if __name__ == '__main__':
    main()
