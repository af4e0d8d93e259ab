#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIPp registers through Kamailio over UDP and TCP, refreshes, unregisters and
is refused; what Earshot makes of the traced messages is what Kamailio's own
ul.dump says, and stays so through kill -9. Then the wire is captured beside,
and a phone with three accounts on one connection is killed."""
import hashlib
import os
import re
import socket
import struct
import sys
import time

import harness as h

SCENARIOS = os.path.join(h.ROOT, 'packaging', 'sample', 'scenarios')
# transport, scenario, user, expires, password, how often
PHONES = [
    ('u1', 'register', 'bob', '3600', 'secret-bob', 1),
    ('u1', 'register', 'alice', '3600', 'secret-alice', 10),
    ('u1', 'register-refused', 'carol', '3600', 'wrong', 3),
    ('t1', 'register', 'bob', '1800', 'secret-bob', 2),
]


def register(where, kamailio, tap, phone, port):
    transport, name, user, expires, password, calls = phone
    run = os.path.join(where, f'{name}-{port}-{expires}')
    os.mkdir(run)
    inf = os.path.join(run, 'fields.csv')
    credentials = f'[authentication username={user} password={password}]'
    with open(inf, 'w') as f:
        f.write('SEQUENTIAL\n' + ';'.join(
            [user, user.title(), credentials, expires, 'SIPp']) + '\n')
    child = h.start_sipp(
        run, os.path.join(SCENARIOS, name + '.xml'),
        f'127.0.0.1:{kamailio.port}', port, '-inf', inf, '-m', calls,
        '-r', 20, '-s', user, '-timeout', 60, '-key', 'contact_port', port,
        '-t', transport)
    if child.wait(60):
        tap.note(f'{name} {user}: {child.returncode}')


def dumped(kamailio):
    """ul.dump: {(user, contact): user agent}"""
    found, user, contact = {}, '', ''
    for line in kamailio.rpc('ul.dump').splitlines():
        key, _, value = line.strip().partition(': ')
        if key == 'AoR':
            user = value.split('@')[0]
        elif key == 'Address':
            contact = value.strip('<>')
        elif key == 'User-Agent':
            found[user, contact] = value
    return found


def listed(ear, *words):
    return {(r['username'], r['contact']): r['user_agent']
            for r in ear.must('accounts', '--json', '-n', '0', *words)}


def registered(ear):
    return ear.must('sessions', '--json', '-n', '0', 'event == REGISTER')


def settled(ear, want):
    return h.wait_for(lambda: listed(ear) == want, 15, 0.3)


class Phone:
    """Registers accounts over one TCP connection."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), 5)
        self.socket.settimeout(10)
        self.me = '127.0.0.1:%d' % self.socket.getsockname()[1]

    def register(self, user, cseq, more=''):
        party = f'"{user.title()}" <sip:{user}@office.example>'
        self.socket.sendall(
            f'REGISTER sip:office.example SIP/2.0\r\n'
            f'Via: SIP/2.0/TCP {self.me};branch=z9hG4bK{user}{cseq};rport\r\n'
            f'Max-Forwards: 70\r\nFrom: {party};tag=1\r\nTo: {party}\r\n'
            f'Call-ID: {user}-{self.me}\r\nCSeq: {cseq} REGISTER\r\n'
            f'Contact: <sip:{user}@{self.me};transport=tcp>\r\n'
            f'Expires: 600\r\n{more}Content-Length: 0\r\n\r\n'.encode())
        return self.socket.recv(9000).decode()

    def login(self, user):
        def md5(text):
            return hashlib.md5(text.encode()).hexdigest()

        uri, realm = 'sip:office.example', 'office.example'
        nonce = re.search('nonce="([^"]+)"', self.register(user, 1))[1]
        answer = md5(f'{md5(f"{user}:{realm}:secret-{user}")}:{nonce}:'
                     f'{md5("REGISTER:" + uri)}')
        return ' 200 ' in self.register(
            user, 2, f'Authorization: Digest username="{user}", '
            f'realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{answer}"\r\n')

    def kill(self):
        """A reset, as of a machine that knows nothing of it any more."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack('ii', 1, 0))
        self.socket.close()


def killed(tap):
    with h.folder() as where:
        ear = h.Earshot(where)
        kamailio = h.Kamailio(where, f'sip:127.0.0.1:{ear.port}', 3)
        with open(ear.config, 'a') as f:
            f.write(ear.section('capture lo', {
                'device': 'lo', 'filter': f'tcp port {kamailio.port}'}))
        try:
            ear.start()
        except RuntimeError as e:
            tap.skip('a phone is killed', f'no live capture: {e}'[:200])
            return
        kamailio.start()
        phone, other = Phone(kamailio.port), Phone(kamailio.port)
        tap.ok(all(phone.login(u) for u in ('sara', 'bob', 'eve')) and
               other.login('tom'), 'four accounts register')
        time.sleep(1)
        phone.kill()

        def ends():
            return [(r['event'], r['details'], r['peername'], r['inferred'])
                    for r in ear.must('sessions', '--json',
                                      f'remote == "{phone.me}"')
                    if 'CONNECT' in r['event']]

        want = [('DISCONNECT', 'NETWORK_ERROR', 'sara,bob,eve', False),
                ('CONNECT', '', 'sara,bob,eve', False)]
        h.wait_for(lambda: ends() == want, 15, 0.3)
        tap.equal(ends(), want, 'killed: a reset, on all its accounts, seen '
                  'by the capture and not inferred')
        tap.equal(sorted((r['username'], r['state'])
                         for r in ear.must('accounts', '--json')),
                  [('bob', 'unreachable'), ('eve', 'unreachable'),
                   ('sara', 'unreachable'), ('tom', 'on line')],
                  'on line, but unreachable')
        tap.equal(len(ear.must('sessions', '--json', 'event == REGISTER')), 4,
                  'HEP and capture together make one row of each')
        again = Phone(kamailio.port)
        tap.ok(again.login('sara'), 'it is back')
        h.wait_for(lambda: ('sara', 'on line') in [
            (r['username'], r['state'])
            for r in ear.must('accounts', '--json')], 15, 0.3)
        tap.equal(sorted(r['state'] for r in ear.must(
            'accounts', '--json', 'username == sara')),
            ['on line', 'unreachable'], 'by another contact')
        kamailio.stop()
        tap.equal(ear.stop(), 0, 'ends well')


def main():
    with h.Tap() as tap:
        missing = h.have('kamailio', 'sipp', 'kamcmd')
        if missing:
            tap.skip('presence', missing)
            return 0
        with h.folder() as where:
            ear = h.Earshot(where).start()
            kamailio = h.Kamailio(
                where, f'sip:127.0.0.1:{ear.port}', 3).start()
            ports = [h.free_port() for _ in PHONES]
            for phone, port in zip(PHONES, ports):
                register(where, kamailio, tap, phone, port)
            want = dumped(kamailio)
            tap.ok(len(want) == 3, 'Kamailio has three bindings', want)
            tap.ok(settled(ear, want), 'accounts are those of ul.dump',
                   (listed(ear), want))
            tap.ok(h.wait_for(lambda: len(registered(ear)) == 13, 15, 0.3),
                   'a REGISTER per 200', registered(ear))
            rows = ear.must('sessions', '--json', '-n', '0')
            tap.equal({r['details'] for r in rows
                       if r['event'] == 'REGISTER'}, {'200 OK'},
                      'and none else without --failures')
            tcp = [r for r in rows if r['event'] == 'CONNECT']
            tap.ok(tcp and all(r['inferred'] for r in tcp),
                   'TCP connections are inferred', tcp)
            tap.ok(all(r['peername'] == 'bob' and r['reconciled']
                       for r in tcp), 'and bound to bob', tcp)
            failed = [r for r in ear.must('sessions', '--json', '--failures',
                                          'peername == carol')]
            tap.equal(len(failed), 3, 'refusals are in the extended view')
            ear.kill()
            ear.start()
            tap.ok(settled(ear, want), 'the same after kill -9',
                   (listed(ear), want))
            register(where, kamailio, tap, (
                'u1', 'register', 'alice', '0', 'secret-alice', 1), ports[1])
            want = dumped(kamailio)
            tap.ok(len(want) == 2, 'Kamailio has two bindings left', want)
            tap.ok(settled(ear, want), 'what unregistered is gone',
                   (listed(ear), want))
            rows = ear.must('sessions', '--json', 'event == UNREGISTER')
            tap.equal([(r['peername'], r['details'], r['source'])
                       for r in rows], [('alice', '200 OK', 'CLIENT')],
                      'one UNREGISTER')
            kamailio.stop()
            tap.equal(ear.stop(), 0, 'ends well')
        killed(tap)
    return 0


if __name__ == '__main__':
    sys.exit(main())
