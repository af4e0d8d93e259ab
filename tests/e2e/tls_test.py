#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIP over TLS and secure WebSocket to a real Kamailio, read from the packets
with the clients' key log: in a capture file beside it, with the key log inside
the file, and live while the key log grows. Judges: what the clients said and
heard, tshark with the same key log, Kamailio's location table.
"""
import os
import socket
import ssl
import subprocess
import time

import harness as h
import wire

METHODS = {'TLS 1.2': ('TLSv1.2', ssl.TLSVersion.TLSv1_2),
           'TLS 1.3': ('TLSv1.2+', ssl.TLSVersion.TLSv1_3)}


class Kamailio(h.Kamailio):
    """With a certificate; its own configuration."""

    def __init__(self, where, method):
        super().__init__(where, '', 3)
        with open(os.path.join(h.HERE, 'kamailio_tls.cfg')) as f:
            text = f.read()
        for key, value in {'PORT': self.port, 'RUN': where, 'METHOD': method,
                           'MODULES': h.MODULES}.items():
            text = text.replace(f'@{key}@', str(value))
        with open(self.cfg, 'w') as f:
            f.write(text)
        h.certificate(where, 'proxy.example')


class Phone:
    """A client that keeps what it sent and heard."""

    def __init__(self, name, port, version, keylog, web=False):
        self.name, self.port, self.web = name, port, web
        self.sent, self.heard, self.seq = 0, 0, 0
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        context.keylog_filename = keylog
        self.sock = context.wrap_socket(
            socket.create_connection(('127.0.0.1', port), 10),
            server_hostname='proxy.example')
        self.sock.settimeout(10)
        self.cipher = self.sock.cipher()
        if web:
            wire.upgrade(self.sock, 'proxy.example')

    def ask(self, method, extra=''):
        self.seq += 1
        via = 'WSS' if self.web else 'TLS'
        text = (f'{method} sip:office.example SIP/2.0\r\n'
                f'Via: SIP/2.0/{via} 127.0.0.1:4;branch=z9hG4bK'
                f'{self.name}{self.seq}\r\n'
                f'From: <sip:{self.name}@office.example>;tag=1\r\n'
                f'To: <sip:{self.name}@office.example>\r\n'
                f'Call-ID: {self.name}\r\nCSeq: {self.seq} {method}\r\n'
                f'Max-Forwards: 70\r\n{extra}Content-Length: 0\r\n\r\n')
        text = text.encode()
        self.sock.sendall(wire.frame(text) if self.web else text)
        self.sent += 1
        got = b''
        while b'\r\n\r\n' not in got:
            piece = self.sock.recv(4096)
            if not piece:
                raise RuntimeError(f'{self.name}: {got}')
            got += piece
        self.heard += got.count(b'SIP/2.0 ')
        return got

    def register(self):
        transport = 'ws' if self.web else 'tls'
        return self.ask('REGISTER', f'Contact: <sip:{self.name}@127.0.0.1:'
                        f'4;transport={transport}>\r\nExpires: 600\r\n')

    def close(self):
        try:
            self.sock.unwrap()
        except OSError:
            pass
        self.sock.close()


def talk(port, version, keylog, names, before_end=lambda: None):
    """Phones, over WSS where their names begin so; @return them"""
    phones = []
    for name in names:
        phone = Phone(name, port, version, keylog, web=name.startswith('web'))
        phone.register()
        for _ in range(3):
            phone.ask('OPTIONS')
        phones.append(phone)
    before_end()
    for phone in phones:
        phone.close()
    return phones


class Dump:
    def __init__(self, path, port):
        self.child = subprocess.Popen(
            ['tcpdump', '-i', 'lo', '-U', '--immediate-mode', '-s', '0', '-w',
             path, 'port', str(port)], stderr=subprocess.PIPE)
        while b'listening' not in self.child.stderr.readline():
            if self.child.poll() is not None:
                raise RuntimeError('tcpdump ended')

    def stop(self):
        time.sleep(.5)
        self.child.terminate()
        self.child.wait()
        self.child.stderr.close()


def tshark_counts(path, keylog):
    out = subprocess.run(
        ['tshark', '-r', path, '-o', f'tls.keylog_file:{keylog}', '-d',
         f'tls.port=={tshark_counts.port},sip', '-Y', 'sip', '-T', 'fields',
         '-e', 'sip.CSeq.method'], capture_output=True, text=True, check=True)
    return len(out.stdout.split())


def check_found(tap, what, rows, phones):
    for phone in phones:
        mine = [r for r in rows if r['call_id'] == phone.name]
        tap.equal((sum(1 for r in mine if r['kind'] == 'request'),
                   sum(1 for r in mine if r['kind'] == 'reply')),
                  (phone.sent, phone.heard),
                  f'{what}: all of {phone.name} is found')
        tap.equal({r['transport'] for r in mine},
                  {'wss' if phone.web else 'tls'},
                  f'{what}: {phone.name} over what it used')


def import_one(where, name, path, *more):
    ear = h.Earshot(where, data=os.path.join(where, f'import-{name}'))
    return ear.must('import', '--json', *more, path)[0], ear.search()


def check_ports(tap, where, what, path, phones):
    """What is seen of TLS that no key opens, where it is told to be SIP."""
    port = str(tshark_counts.port)
    conf = os.path.join(where, 'ports.conf')
    with open(conf, 'w') as f:
        f.write('capture "a" { device = "lo" tls_ports = {"1", "%s"} }\n'
                % port)
    for name, *more in (('no-ports', ), ('ports', '--tls-ports', f'1,{port}'),
                        ('conf-ports', '-c', conf)):
        import_one(where, name, path, *more)
        ear = h.Earshot(where, data=os.path.join(where, f'import-{name}'))
        opened = [r for r in ear.must('sessions', '--json', '-n', '0')
                  if r['event'] == 'CONNECT']
        tap.equal(len(opened), len(phones) if more else 0,
                  f'{what}: {name}: connections without their keys')


def check_files(tap, where, what, path, keylog, phones):
    messages = sum(p.sent + p.heard for p in phones)
    done, rows = import_one(where, 'keys', path, '--keylog', keylog)
    tap.equal(done['messages'], messages, f'{what}: import with a key log')
    tap.equal((done['tls']['connections'], sum(done['tls']['unread'].values())),
              (len(phones), 0), f'{what}: every connection is read')
    check_found(tap, what, rows, phones)
    done, _ = import_one(where, 'none', path)
    tap.equal((done['messages'], done['tls']['records']), (0, 0),
              f'{what}: without it, nothing')
    check_ports(tap, where, what, path, phones)
    empty = os.path.join(where, 'empty.log')
    open(empty, 'w').close()
    done, _ = import_one(where, 'empty', path, '--keylog', empty)
    tap.equal((done['messages'], done['tls']['unread']['no_key']),
              (0, len(phones)), f'{what}: with an empty one, and why')
    inside = path + 'ng'
    subprocess.run(['editcap', '--inject-secrets', f'tls,{keylog}', path,
                    inside], check=True)
    done, rows = import_one(where, 'inside', inside)
    tap.equal(done['messages'], messages,
              f'{what}: the key log inside of the file')
    if all(not p.web for p in phones):
        tap.equal(tshark_counts(path, keylog), messages,
                  f'{what}: tshark finds as many')


def check_secret(tap, where, what, keylog):
    """No key on the disk, but in its own file."""
    with open(keylog) as f:
        secrets = {line.split()[2] for line in f if line[:1] not in '#\n'}
    wanted = [s.encode() for s in secrets] + [bytes.fromhex(s) for s in secrets]
    found = []
    for folder, _, names in os.walk(where):
        for name in names:
            path = os.path.join(folder, name)
            if 'data' not in folder or not os.path.isfile(path):
                continue
            with open(path, 'rb') as f:
                data = f.read()
            found += [name for s in wanted if s in data]
    tap.equal(found, [], f'{what}: no key is kept')


def live(tap, where, what, version, kamailio):
    """The server captures; the key log grows while it does."""
    keylog = os.path.join(where, 'live.log')
    ear = h.Earshot(where, data=os.path.join(where, 'live-data'),
                    **{'capture lo': {
                        'device': 'lo', 'filter': f'port {kamailio.port}',
                        'tls_ports': [str(kamailio.port)],
                        'keylog': keylog}})
    ear.start()
    phones = talk(kamailio.port, version, keylog, ['live1', 'weblive'])
    want = sum(p.sent + p.heard for p in phones)
    h.wait_for(lambda: len(ear.search()) >= want, 15, .2)
    check_found(tap, f'{what}, live', ear.search(), phones)

    # Late: the log line comes a second behind the packets.
    slow = os.path.join(where, 'slow.log')

    def write_keys():
        time.sleep(1)
        with open(slow) as f, open(keylog, 'a') as g:
            g.write(f.read())
        time.sleep(1)

    phones = talk(kamailio.port, version, slow, ['late1'], write_keys)
    h.wait_for(lambda: len(ear.search()) >= want + 8, 15, .2)
    check_found(tap, f'{what}, live, keys come late', ear.search(), phones)
    want = len(ear.search())

    # Rotated: the name means another file now.
    os.rename(keylog, keylog + '.1')
    phones = talk(kamailio.port, version, keylog, ['turned1'])
    h.wait_for(lambda: len(ear.search()) >= want + 8, 15, .2)
    check_found(tap, f'{what}, live, another key log', ear.search(), phones)
    check_sessions(tap, what, ear, kamailio.port)
    ear.stop()
    check_secret(tap, where, f'{what}, live', keylog)


def refuse(port, version):
    """A client that does not trust the certificate."""
    context = ssl.create_default_context()
    context.minimum_version = context.maximum_version = version
    try:
        context.wrap_socket(socket.create_connection(('127.0.0.1', port), 10),
                            server_hostname='proxy.example')
    except ssl.SSLCertVerificationError:
        return
    raise RuntimeError('trusted what it should not')


def check_sessions(tap, what, ear, port):
    """What the handshakes and the ends of connections became."""
    rows = h.wait_for(lambda: [
        r for r in ear.must('sessions', '--json') if
        r['event'] == 'REGISTER' and r['peername'] == 'live1'], 10, .2) or []
    tap.equal({(r['tls_version'], r['tls_cipher'][:4], r['transport'])
               for r in rows}, {('TLSv' + what[4:], 'TLS_', 'tls')},
              f'{what}, live: the session has version and cipher')
    if what != 'TLS 1.2':
        return  # in TLS 1.3 this alert is encrypted
    refuse(port, ssl.TLSVersion.TLSv1_2)
    rows = h.wait_for(lambda: [
        r for r in ear.must('sessions', '--json') if
        r['event'] == 'DISCONNECT' and r['details'] == 'TLS_ERROR'], 10, .2)
    tap.equal([r['source'] for r in rows or []], ['CLIENT'],
              f'{what}, live: a refused certificate is a TLS_ERROR')


def main():
    with h.Tap() as tap, h.folder() as folder:
        why = h.have('kamailio', 'openssl', 'tcpdump', 'tshark', 'editcap')
        if not why and not os.path.exists(h.MODULES + 'tls.so'):
            why = "no Kamailio module for TLS"
        if not why and os.geteuid():
            why = 'only root may capture'
        if why:
            tap.skip('TLS', why)
            return
        for what, (method, version) in METHODS.items():
            where = os.path.join(folder, method)
            os.mkdir(where)
            kamailio = Kamailio(where, method).start()
            tshark_counts.port = kamailio.port
            pcap = os.path.join(where, 'tls.pcap')
            keylog = os.path.join(where, 'keys.log')
            dump = Dump(pcap, kamailio.port)
            phones = talk(kamailio.port, version, keylog, ['alice', 'bob'])
            dump.stop()
            check_files(tap, where, what, pcap, keylog, phones)
            pcap = os.path.join(where, 'wss.pcap')
            keylog = os.path.join(where, 'wss.log')
            dump = Dump(pcap, kamailio.port)
            phones = talk(kamailio.port, version, keylog, ['carol', 'webdave'])
            dump.stop()
            os.makedirs(where + '/wss')
            check_files(tap, where + '/wss', what + ' and WSS', pcap, keylog,
                        phones)
            live(tap, where, what, version, kamailio)
            kamailio.stop()


if __name__ == '__main__':
    main()
