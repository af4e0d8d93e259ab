#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who is on line: phones of three kinds register with Kamailio over UDP, TCP,
TLS 1.2 and 1.3, WebSocket and secure WebSocket, refresh, unregister, run out,
are killed and fall silent. Three Earshots see it: one by siptrace alone, one
by device with a key log, one by both. Judge is Kamailio's ul.dump.
"""
import os
import ssl
import time

import ends
import harness as h

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
# user, transport, TLS version as Earshot names it
PHONES = [
    ('ulf', 'udp', None), ('tom', 'tcp', None), ('lea', 'tls', 'TLSv1.2'),
    ('lou', 'tls', 'TLSv1.3'), ('wes', 'ws', None), ('sue', 'wss', 'TLSv1.3'),
]
VERSIONS = {'TLSv1.2': V12, 'TLSv1.3': V13, None: None}


def accounts(ear, *words):
    return ear.must('accounts', '--json', '-n', '0', *words)


def sessions(ear, *words):
    return ear.must('sessions', '--json', '-n', '0', *words)


def summary(ear):
    return {(r['username'], r['contact'], r['user_agent'])
            for r in accounts(ear)}


def dumped(office):
    return {(r['user'], r['contact'], r['User-Agent']) for r in office.dump()
            if not r['Expires'].startswith(('expired', 'deleted'))}


def agree(tap, office, ears, when, seconds=15):
    """Accounts are Kamailio's bindings, until when they hold too."""
    for name, ear in ears.items():
        good = h.wait_for(lambda: summary(ear) == dumped(office), seconds, .3)
        tap.ok(good, f'{when}, {name}: accounts are those of ul.dump',
               sorted(summary(ear) ^ dumped(office)))
        left = {r['contact']: int(r['Expires']) for r in office.dump()
                if r['Expires'].isdigit()}
        now = time.time()
        far = [(r['username'], ends.unix(r['expires']) - now,
                left[r['contact']]) for r in accounts(ear)
               if r['contact'] in left and
               abs(ends.unix(r['expires']) - now - left[r['contact']]) > 2]
        tap.equal(far, [], f'{when}, {name}: and expire as it says')


def disconnects(ear, user):
    return [(r['details'], r['reconciled']) for r in sessions(
        ear, f'event == DISCONNECT and peername == {user}')]


def told(tap, ears, user, want, what):
    for name, ear in ears.items():
        got = h.wait_for(lambda: disconnects(ear, user), 15, .3)
        tap.equal(got, [(want, True)], f'{what}, {name}: {want} of {user}')


def baresip(where, office, user, transport):
    """A phone with a configuration of its own and no sound."""
    home = os.path.join(where, 'baresip-' + user)
    os.mkdir(home)
    remote = office.tls if transport == 'tls' else office.port
    with open(os.path.join(home, 'accounts'), 'w') as f:
        f.write(f'<sip:{user}@office.example>;auth_user={user};auth_pass='
                f'secret-{user};regint=300;outbound="sip:127.0.0.1:{remote};'
                f'transport={transport}"\n')
    with open(os.path.join(home, 'config'), 'w') as f:
        f.write('module_path /usr/lib/baresip/modules\n'
                'module_app account.so\nmodule_app menu.so\n'
                'module g711.so\nsip_listen 127.0.0.1:0\n'
                'sip_verify_server no\n')
    open(os.path.join(home, 'contacts'), 'w').close()
    return h.start(['baresip', '-f', home], os.path.join(home, 'log'))


def baresips(tap, where, office):
    if h.have('baresip'):
        tap.skip('baresip', h.have('baresip'))
        return []
    found = [baresip(where, office, 'bea', 'udp'),
             baresip(where, office, 'ben', 'tcp')]
    tap.ok(h.wait_for(lambda: {'bea', 'ben'} <= {
        r['user'] for r in office.dump()}, 10), 'baresip is registered')
    return found


def register_all(where, office, keylog):
    phones = {}
    for user, transport, version in PHONES:
        phones[user] = ends.Phone(
            user, office, transport, keylog=keylog,
            version=VERSIONS[version], agent=f'phone of {user}')
        assert phones[user].register() == 200, user
    return phones


def check_columns(tap, ears, phones):
    """Where they come from, as the server saw it; and their TLS."""
    for name, ear in ears.items():
        rows = {r['peername']: r for r in sessions(
            ear, 'event == REGISTER') if r['peername'] in phones}
        tap.equal({u: r['remote'] for u, r in rows.items()},
                  {u: p.address for u, p in phones.items()},
                  f'{name}: the address of each phone')
        tap.equal({(r['account'], r['user_agent'], r['details'])
                   for r in rows.values()},
                  {(u.title(), f'phone of {u}', '200 OK') for u in phones},
                  f'{name}: display name, user agent, reply')
        if name == 'siptrace':
            continue
        tap.equal({u: r['tls_version'] for u, r in rows.items()},
                  {u: v or '' for u, _, v in PHONES},
                  f'{name}: the TLS version of each')
        tap.ok(all(bool(r['tls_cipher']) == bool(r['tls_version'])
                   for r in rows.values()), f'{name}: and the cipher')


def three_on_one(tap, office, ears, keylog):
    """One phone, one connection, three accounts; it is killed."""
    first = ends.Phone('p1', office, 'tls', keylog=keylog)
    others = [ends.Phone(u, office, 'tls', on=first) for u in ('p2', 'p3')]
    for phone in (first, *others):
        phone.register()
    address = first.address
    first.reset()
    for name, ear in ears.items():
        rows = h.wait_for(lambda: sessions(
            ear, f'event == DISCONNECT and remote == "{address}"'), 15, .3)
        tap.equal([(sorted(r['peername'].split(',')), r['details'],
                    r['reconciled']) for r in rows or []],
                  [(['p1', 'p2', 'p3'], 'NETWORK_ERROR', True)],
                  f'{name}: three accounts of one connection are cut off')
        tap.equal(disconnects(ear, 'p2'), [('NETWORK_ERROR', True)],
                  f'{name}: a filter for one of them finds it')
        tap.ok(h.wait_for(lambda: {
            r['username'] for r in accounts(ear, 'state == unreachable')} >=
            {'p1', 'p2', 'p3'}, 10, .3), f'{name}: they are unreachable')


def port_again(tap, office, ears):
    """NAT gives the port of one phone to another, within the second."""
    one = ends.Phone('nat1', office, 'tcp')
    one.register()
    port = one.sock.getsockname()[1]
    one.reset()
    time.sleep(.2)
    two = ends.Phone('nat2', office, 'tcp', local=port)
    two.register()
    for name, ear in ears.items():
        h.wait_for(lambda: sessions(ear, 'event == REGISTER and peername == '
                                    'nat2'), 15, .3)
        h.wait_for(lambda: disconnects(ear, 'nat1'), 10, .3)
        tap.equal(disconnects(ear, 'nat1'), [('NETWORK_ERROR', True)],
                  f'{name}: the first one at a port used again is cut off')
        rows = sessions(ear, f'event == CONNECT and remote == '
                        f'"127.0.0.1:{port}"')
        tap.equal(sorted(r['peername'] for r in rows), ['nat1', 'nat2'],
                  f'{name}: two connections of one address')
    return two


def ways_to_leave(tap, office, ears, phones):
    """ears: those that see connections."""
    seen = {k: v for k, v in ears.items() if k != 'siptrace'}
    phones['lou'].reset()
    told(tap, seen, 'lou', 'NETWORK_ERROR', 'killed')
    assert phones['lea'].register(0) == 200
    phones['lea'].close()
    told(tap, seen, 'lea', 'NORMAL', 'unregistered and closed')
    for name, ear in ears.items():
        rows = h.wait_for(lambda: sessions(
            ear, 'event == UNREGISTER and peername == lea'), 10, .3)
        tap.equal([(r['details'], r['source']) for r in rows or []],
                  [('200 OK', 'CLIENT')], f'{name}: UNREGISTER of lea')
    assert phones['tom'].register(700) == 200


def runs_out(tap, office, ears):
    phone = ends.Phone('max', office, 'udp')
    phone.register(3)
    for name, ear in ears.items():
        rows = h.wait_for(lambda: sessions(
            ear, 'event == UNREGISTER and peername == max'), 20, .3)
        tap.equal([r['source'] for r in rows or []], ['SERVER'],
                  f'{name}: what is not refreshed runs out')


def unasked(tap, office, ears, user, want, what):
    """want: user agents of those that the registrar dropped."""
    for name, ear in ears.items():
        rows = h.wait_for(lambda: [r for r in sessions(
            ear, f'event == UNREGISTER and peername == {user}')
            if r['details'] == 'dropped by the registrar'], 15, .3) or []
        tap.equal([(r['user_agent'], r['source']) for r in rows],
                  [(w, 'SERVER') for w in want], f'{what}, {name}')


def dropped(tap, office, ears):
    """What the registrar holds no more, though nobody unregistered it."""
    first = ends.Phone('one', office, 'udp', agent='first')
    assert first.register() == 200
    second = ends.Phone('one', office, 'tcp', agent='second')
    assert second.register() == 200
    unasked(tap, office, ears, 'one', ['first'],
            'one contact for each user: the next drops the one before')
    desk = ends.Phone('two', office, 'udp', agent='desk')
    cell = ends.Phone('two', office, 'tcp', agent='cell')
    assert desk.register() == 200 and cell.register() == 200
    gone = next(r['contact'] for r in office.dump()
                if r['user'] == 'two' and r['User-Agent'] == 'cell')
    office.rpc('ul.rm_contact', 'location', 'two@office.example', gone)
    assert desk.register() == 200
    unasked(tap, office, ears, 'two', ['cell'],
            'deleted by hand: the next refresh tells')
    return [first, second, desk, cell]


def silence(tap, where, office):
    """A phone that is unplugged says nothing any more, not even good-bye."""
    here = os.path.join(where, 'silent')
    os.mkdir(here)
    ear = h.Earshot(here, **{'capture lo': {
        'device': 'lo', 'filter': f'port {office.port}', 'idle': '2s'}})
    ear.start()
    phone = ends.Phone('moe', office, 'tcp')
    phone.register()
    rows = h.wait_for(lambda: sessions(
        ear, 'event == DISCONNECT and peername == moe'), 20, .3)
    tap.equal([(r['details'], r['source']) for r in rows or []],
              [('TIMEOUT', 'SERVER')], 'silence ends a connection: TIMEOUT')
    tap.ok(h.wait_for(lambda: accounts(
        ear, 'username == moe and state == unreachable'), 10, .3),
        'and its account is unreachable', accounts(ear))
    phone.close()
    ear.stop()


def watchers(where, keylog):
    """Three Earshots, not started, and what they look at."""
    for name in ('siptrace', 'device', 'both'):
        os.mkdir(os.path.join(where, name))
    ears = {'siptrace': h.Earshot(os.path.join(where, 'siptrace'))}
    office = ends.Office(where, f'127.0.0.1:{ears["siptrace"].port}')
    capture = {'device': 'lo',
               'filter': f'port {office.port} or port {office.tls}'}
    ears['device'] = h.Earshot(os.path.join(where, 'device'), **{
        'capture lo': {**capture, 'keylog': keylog}})
    ears['both'] = h.Earshot(os.path.join(where, 'both'), **{
        'capture lo': capture})
    # what siptrace sends to the first goes on to this one
    with open(ears['siptrace'].config, 'a') as f:
        f.write(h.Earshot.section('mirror both', {
            'to': f'hep:127.0.0.1:{ears["both"].port};transport=tcp'}))
    return ears, office


def main():
    with h.Tap() as tap:
        why = ends.missing() or ('' if not os.geteuid() else
                                 'not allowed to capture here')
        if why:
            tap.skip('accounts', why)
            return
        with h.folder() as where:
            keylog = os.path.join(where, 'keys.log')
            open(keylog, 'w').close()
            ears, office = watchers(where, keylog)
            for ear in reversed(list(ears.values())):
                ear.start()
            office.start()
            phones = register_all(where, office, keylog)
            sipp_phones(where, office)
            phones_of_baresip = baresips(tap, where, office)
            # SIPp shows no keys: only siptrace tells of its TLS
            readable = {k: v for k, v in ears.items() if k != 'device'}
            agree(tap, office, readable, 'registered')
            check_columns(tap, ears, phones)
            seen = {k: v for k, v in ears.items() if k != 'siptrace'}
            ways_to_leave(tap, office, ears, phones)
            three_on_one(tap, office, seen, keylog)
            second = port_again(tap, office, seen)
            runs_out(tap, office, ears)
            silence(tap, where, office)
            kept = dropped(tap, office, ears)
            agree(tap, office, readable, 'at the end')
            for child in phones_of_baresip:
                h.stop(child)
            office.stop()
            for name, ear in ears.items():
                tap.equal(ear.stop(), 0, f'{name} ends well')
            second.close()
            for phone in kept:
                phone.close()


def sipp_phones(where, office):
    """Over UDP, TCP and TLS; they register and go."""
    for user, transport in (('s1', 'u1'), ('s2', 't1'), ('s3', 'l1')):
        child, _ = ends.run_sipp(where, office, 'register', user, '900',
                                 transport=transport, agent=f'SIPp {user}')
        ends.wait(child)


main()
