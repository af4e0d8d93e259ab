#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIPp registers through Kamailio over UDP and TCP, refreshes, unregisters and
is refused; what Earshot makes of the traced messages is what Kamailio's own
ul.dump says, and stays so through kill -9."""
import os
import sys

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
    return 0


if __name__ == '__main__':
    sys.exit(main())
