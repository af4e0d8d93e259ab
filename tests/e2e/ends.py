# SPDX-License-Identifier: Apache-2.0
"""Both ends of SIP for tests: Kamailio as registrar and proxy over UDP, TCP,
TLS and WebSocket with its own books of calls, SIPp phones, and a small phone
whose connection a test can hold in its hand.

    with ends.Office(where, f'127.0.0.1:{ear.port}') as office:
        p = ends.Phone('sara', office, 'tls')
        p.register()
        p.reset()
"""
import hashlib
import os
import re
import select
import socket
import ssl
import struct
import threading
import time
import uuid

import harness as h
import wire

SCENARIOS = os.path.join(h.ROOT, 'packaging', 'sample', 'scenarios')


def sip_port():
    """A free one of those where a capture takes TLS for that of SIP."""
    for port in range(5062, 5100):
        if h.claim(port) and h.is_free(port):
            return port
    raise RuntimeError('no free port of SIP')


def missing():
    why = h.have('kamailio', 'kamcmd', 'sipp', 'openssl')
    for name in ('tls', 'websocket'):
        if not why and not os.path.exists(f'{h.MODULES}{name}.so'):
            why = f'no module {name} of Kamailio'
    return why


class Office(h.Kamailio):
    def __init__(self, where, collector):
        super().__init__(where, '', 3)
        self.tls = sip_port()
        with open(os.path.join(h.HERE, 'kamailio_ends.cfg')) as f:
            text = f.read()
        for key, value in {'PORT': self.port, 'TLS': self.tls, 'RUN': where,
                           'COLLECTOR': collector,
                           'MODULES': h.MODULES}.items():
            text = text.replace(f'@{key}@', str(value))
        with open(self.cfg, 'w') as f:
            f.write(text)
        h.certificate(where, 'office.example')

    def books(self, begin):
        """Lines of acc's log that begin with this, as dicts."""
        with open(self.log, errors='replace') as f:
            lines = re.findall(f': ((?:{begin}).*)', f.read())
        return [dict(re.findall(r'(\w+)=([^;]*)', line)) for line in lines]

    def dump(self):
        """ul.dump, a dict for each contact."""
        found, user = [], ''
        for line in self.rpc('ul.dump').splitlines():
            key, _, value = line.strip().partition(': ')
            if key == 'AoR':
                user = value.split('@')[0]
            elif key == 'Address':
                found.append({'user': user, 'contact': value.strip('<>')})
            elif key in ('Expires', 'User-Agent', 'Received', 'State'):
                found[-1][key] = value
        return found


def run_sipp(where, office, name, user, field, n=1, rate=20, transport='u1',
             contact=0, password=None, agent='SIPp', own=None):
    """A SIPp phone for the sample's scenarios; gives its child and folder."""
    port = own or h.free_port()
    remote = office.port
    if transport[0] == 'l':  # Debian's SIPp is built without TLS
        transport, remote = 't' + transport[1:], tunnel(office.tls)
    run = os.path.join(where, f'{name}-{user}-{port}')
    os.mkdir(run)
    secret = password or f'secret-{user}'
    with open(os.path.join(run, 'fields.csv'), 'w') as f:
        f.write('SEQUENTIAL\n' + ';'.join(
            [user, user.title(), f'[authentication username={user} '
             f'password={secret}]', field, agent]) + '\n')
    return h.start_sipp(
        run, os.path.join(SCENARIOS, name + '.xml'), f'127.0.0.1:{remote}',
        port, '-inf', os.path.join(run, 'fields.csv'), '-m', n, '-r', rate,
        '-s', user, '-key', 'contact_port', contact or port, '-t', transport,
        '-timeout', 40, '-trace_stat', '-fd', 600, '-stf',
        os.path.join(run, 'stat.csv')), run


def tunnel(port):
    """A port whose connections go on as TLS to that one, as long as the test
    runs: what they carry is known to none but both ends."""
    server = socket.create_server(('127.0.0.1', 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def carry(near):
        far = context.wrap_socket(socket.create_connection(
            ('127.0.0.1', port)), server_hostname='office.example')
        # one thread has both ways: a TLS connection is not for two
        while True:
            if not far.pending():
                ready, _, _ = select.select([near, far], [], [])
            else:
                ready = [far]
            for end, other in ((near, far), (far, near)):
                if end not in ready:
                    continue
                try:  # what comes may be tickets alone
                    end.setblocking(False)
                    data = end.recv(65536)
                except ssl.SSLWantReadError:
                    continue
                finally:
                    end.setblocking(True)
                if not data:
                    near.close()
                    far.close()
                    return
                other.sendall(data)

    def serve():
        while True:
            near, _ = server.accept()
            threading.Thread(target=carry, args=(near,), daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()
    return server.getsockname()[1]


class Phone:
    """One user on a connection of its own, or of another phone."""

    def __init__(self, name, office, transport='udp', keylog=None,
                 version=None, on=None, local=0, agent='e2e phone'):
        self.name, self.office, self.transport = name, office, transport
        self.agent, self.seq, self.buffer = agent, 0, b''
        self.call = f'{name}-{uuid.uuid4().hex[:12]}'
        self.tag, self.instance = uuid.uuid4().hex[:8], uuid.uuid4()
        self.secret = f'secret-{name}'
        if on:
            self.sock, self.tls = on.sock, on.tls
            return
        kind = socket.SOCK_DGRAM if transport == 'udp' else socket.SOCK_STREAM
        self.sock = socket.socket(type=kind)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(('127.0.0.1', local))
        self.sock.settimeout(10)
        self.sock.connect(('127.0.0.1', office.tls if transport in
                           ('tls', 'wss') else office.port))
        self.tls = None
        if transport in ('tls', 'wss'):
            self.wrap(keylog, version)
        if transport in ('ws', 'wss'):
            wire.upgrade(self.sock, 'office.example')

    def wrap(self, keylog, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if version:
            context.minimum_version = context.maximum_version = version
        if keylog:
            context.keylog_filename = keylog
        self.sock = self.tls = context.wrap_socket(
            self.sock, server_hostname='office.example')

    @property
    def address(self):
        return '%s:%d' % self.sock.getsockname()

    def send(self, text):
        data = text.encode()
        if self.transport in ('ws', 'wss'):
            data = wire.frame(data)
        self.sock.sendall(data)

    def receive(self):
        """One message without a body, as text."""
        while True:
            begin = re.search(rb'SIP/2\.0 \d|[A-Z]+ sips?:', self.buffer)
            end = self.buffer.find(b'\r\n\r\n', begin.start()) \
                if begin else -1
            if end >= 0:
                text = self.buffer[begin.start():end + 4].decode()
                self.buffer = self.buffer[end + 4:]
                return text
            piece = self.sock.recv(65536)
            if not piece:
                raise RuntimeError(f'{self.name}: closed, {self.buffer}')
            self.buffer += piece

    def request(self, method, uri, to='', extra='', seq=None, branch=None):
        if not seq:
            self.seq += 1
        seq = seq or self.seq
        to = to or f'<sip:{self.name}@office.example>'
        self.branch = branch or 'z9hG4bK' + uuid.uuid4().hex
        self.send(
            f'{method} {uri} SIP/2.0\r\nVia: SIP/2.0/'
            f'{self.transport.upper()} {self.address};'
            f'branch={self.branch};rport\r\nMax-Forwards: 70\r\n'
            f'From: "{self.name.title()}" <sip:{self.name}@office.example>;'
            f'tag={self.tag}\r\nTo: {to}\r\nCall-ID: {self.call}\r\n'
            f'CSeq: {seq} {method}\r\nContact: {self.contact}\r\n'
            f'User-Agent: {self.agent}\r\n{extra}Content-Length: 0\r\n\r\n')

    @property
    def contact(self):
        transport = 'ws' if self.transport == 'wss' else self.transport
        return f'<sip:{self.name}@{self.address};transport={transport}>'

    def digest(self, reply, method, uri):
        realm = re.search('realm="([^"]*)"', reply)[1]
        nonce = re.search('nonce="([^"]*)"', reply)[1]

        def md5(*parts):
            return hashlib.md5(':'.join(parts).encode()).hexdigest()
        response = md5(md5(self.name, realm, self.secret), nonce,
                       md5(method, uri))
        kind = 'Proxy-' if ' 407 ' in reply else ''
        return (f'{kind}Authorization: Digest username="{self.name}", '
                f'realm="{realm}", nonce="{nonce}", uri="{uri}", '
                f'response="{response}"\r\n')

    def final(self, seq=None):
        while True:
            text = self.receive()
            if text.startswith('SIP/2.0 ') and text[8] != '1' and \
                    f'CSeq: {seq or self.seq} ' in text:
                return text

    def register(self, expires=600):
        """@return the status"""
        uri, head = 'sip:office.example', f'Expires: {expires}\r\n'
        self.request('REGISTER', uri, extra=head)
        reply = self.final()
        if ' 401 ' in reply[:16]:
            self.request('REGISTER', uri, extra=head + self.digest(
                reply, 'REGISTER', uri))
            reply = self.final()
        return int(reply[8:11])

    def invite(self, user, extra=''):
        """@return the final reply, acknowledged where it is none of 2xx"""
        self.uri = f'sip:{user}@office.example'
        to = f'<{self.uri}>'
        auth = ''
        while True:
            self.request('INVITE', self.uri, to, extra + auth)
            reply = self.final()
            if reply[8] == '2':
                return reply
            self.request('ACK', self.uri, self.to_of(reply), seq=self.seq,
                         branch=self.branch)
            if ' 407 ' not in reply[:16] or auth:
                return reply
            auth = self.digest(reply, 'INVITE', self.uri)

    @staticmethod
    def to_of(reply):
        return re.search(r'^To: *(.*)\r$', reply, re.M)[1]

    def dialog(self, reply):
        """Where requests of this dialog go: target and Route."""
        target = re.search(r'^Contact: *<(.*?)>', reply, re.M)[1]
        routes = re.findall(r'^Record-Route: *(.*)\r$', reply, re.M)
        return target, ''.join(f'Route: {r}\r\n' for r in reversed(routes))

    def in_dialog(self, method, reply, extra='', seq=None):
        target, routes = self.dialog(reply)
        self.request(method, target, self.to_of(reply), routes + extra, seq)
        return None if method == 'ACK' else self.final()

    def close(self):
        """As a phone that is switched off properly."""
        if self.tls:
            try:
                self.sock.settimeout(2)
                self.sock = self.tls.unwrap()
            except OSError:
                pass
        self.sock.close()

    def reset(self):
        """As a phone that was killed."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack('ii', 1, 0))
        self.sock.close()


def wait(child, seconds=40):
    """The exit status, or None."""
    h.wait_for(lambda: child.poll() is not None, seconds, .1)
    return child.returncode


def unix(row_time):
    """Seconds since 1970 of a time in --json."""
    head, _, fraction = row_time.rstrip('Z').partition('.')
    return (time.mktime(time.strptime(head, '%Y-%m-%dT%H:%M:%S')) -
            time.timezone + float('0.' + (fraction or '0')))
