#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kamailio with siptrace in automatic mode, once per HEP version and over UDP
and TCP, SIPp calling and registering through it: Earshot's messages per method
and status equal what SIPp and Kamailio's own statistics say.

HEP 1 and 2 have no length of their own and cannot be framed on a stream: over
TCP they must be refused and counted, not lost in silence.
"""
import collections
import glob
import os
import re
import sys

import harness as h

SCENARIOS = os.path.join(h.ROOT, 'packaging', 'sample', 'scenarios')
CALLS = 30
# scenario, user, last field, password, how often
CALLERS = [
    ('register', 'bob', '3600', 'secret-bob', 1),
    ('register', 'alice', '3600', 'secret-alice', 10),
    ('register-refused', 'carol', '3600', 'wrong', 7),
    ('call', 'alice', 'bob', 'secret-alice', CALLS),
    ('call-refused', 'alice', 'nobody', 'secret-alice', 5),
    ('options', 'alice', '', '', 9),
]


def sipp_counts(where):
    """What SIPp sent and received, repetitions included, per method of the
    requests and per status of the replies, and what it did not expect."""
    count, unexpected = collections.Counter(), 0
    for name in glob.glob(where + '/*_counts.csv'):
        with open(name) as f:
            rows = [line.rstrip('\n').split(';') for line in f]
        for key, value in zip(rows[0], rows[-1]):
            m = re.fullmatch(r'\d+_(\w+?)_(Sent|Recv|Retrans|\w+)', key)
            if not m or not value.isdigit():
                continue
            if m[2] in ('Sent', 'Recv', 'Retrans'):
                count[m[1]] += int(value)
            elif m[2] in ('Unexp', 'Unexpected'):
                unexpected += int(value)
    return count, unexpected


def run_sipp(where, kamailio, name, user, port, fields, calls, *more):
    run = os.path.join(where, f'{name}-{user}-{port}')
    os.mkdir(run)
    inf = os.path.join(run, 'fields.csv')
    with open(inf, 'w') as f:
        f.write('SEQUENTIAL\n' + ';'.join(fields) + '\n')
    return run, h.start_sipp(
        run, os.path.join(SCENARIOS, name + '.xml'),
        f'127.0.0.1:{kamailio.port}', port, '-inf', inf, '-m', calls,
        '-r', 20, '-s', user, '-trace_counts', '-fd', 1, '-timeout', 60,
        *more)


def traffic(where, kamailio, tap):
    """Calls and registrations; gives SIPp's counts."""
    phone = h.free_port()
    runs = []
    callee = None
    for name, user, last, password, calls in CALLERS:
        if name == 'call':
            run, callee = run_sipp(where, kamailio, 'phone-answers', 'bob',
                                   phone, ['-'], calls)
            runs.append(run)
        run, child = run_sipp(
            where, kamailio, name, user, h.free_port(),
            [user, user.title(),
             f'[authentication username={user} password={password}]',
             last, 'SIPp'], calls, '-key', 'contact_port', phone)
        runs.append(run)
        if child.wait(60):
            tap.note(f'{name}: {child.returncode}')
    if callee.wait(30):
        tap.note(f'phone-answers: {callee.returncode}')
    total, unexpected = collections.Counter(), 0
    for run in runs:
        count, bad = sipp_counts(run)
        total += count
        unexpected += bad
    tap.equal(unexpected, 0, 'SIPp saw nothing it did not expect')
    return dict(sorted(total.items()))


def ours(rows):
    """Messages per method (requests) and status (replies)."""
    count = collections.Counter(
        str(r['status']) if r['status'] else r['method'] for r in rows)
    return dict(sorted(count.items()))


def compare_kamailio(tap, kamailio, rows):
    """Directions are told by Kamailio's port."""
    stats = kamailio.statistics()
    mine = f'127.0.0.1:{kamailio.port}'
    came = [r for r in rows if r['dst'] == mine]
    went = [r for r in rows if r['src'] == mine]
    tap.equal(len(came) + len(went), len(rows),
              'each message is from or to Kamailio')
    requests = ours(r for r in came if not r['status'])
    tap.equal(requests,
              {m: n for m in ('ACK', 'BYE', 'INVITE', 'OPTIONS', 'REGISTER')
               if (n := stats[f'core:rcv_requests_{m.lower()}'])},
              "requests in: Kamailio's core:rcv_requests_*")
    tap.equal(sum(1 for r in came if r['status']), stats['core:rcv_replies'],
              "replies in: Kamailio's core:rcv_replies")
    sent = re.search(r'rpl_sent: (\d+)', kamailio.rpc('tm.stats'))
    tap.equal(sum(1 for r in went if r['status']),
              int(sent[1]) + stats['sl:sent_replies'],
              "replies out: Kamailio's tm rpl_sent and sl:sent_replies")


def one(tap, version, transport):
    tap.note(f'HEP {version} over {transport}')
    with h.folder() as where:
        ear = h.Earshot(where).start()
        uri = f'sip:127.0.0.1:{ear.port}'
        if transport == 'tcp':
            uri += ';transport=tcp'
        kamailio = h.Kamailio(where, uri, version).start()
        told = traffic(where, kamailio, tap)
        if transport == 'tcp' and version != 3:
            refused = h.wait_for(
                lambda: sum(r['refused'] for r in ear.status()['ledger']), 10)
            tap.ok(refused, 'HEP 1 and 2 on a stream are refused and counted')
            tap.equal(len(ear.search()), 0, 'and nothing is made of them')
        else:
            want = sum(told.values())
            total = ear.settle(want)
            tap.ok(total, 'all that came in became searchable', ear.totals())
            rows = ear.search()
            tap.equal(ours(rows), told, f'HEP {version}/{transport}: per '
                      'method and status as SIPp counted')
            compare_kamailio(tap, kamailio, rows)
            totals = ear.totals()
            tap.equal((totals['dropped'], totals['received']), (0, want),
                      'received as many as SIPp saw, dropped none')
            code, found, _ = ear.run(
                'search', '--json', '--limit', '100000',
                'method == INVITE and status == 0 and to.user == bob')
            found = [r for r in found if 'call_id' in r]
            tap.equal(len(found), sum(
                1 for r in rows if r['method'] == 'INVITE' and
                not r['status'] and r['to_user'] == 'bob'),
                'a search by method, status and user finds its share')
            calls = {r['call_id'] for r in found}
            tap.equal(len(calls), CALLS, 'as many calls as were made')
        kamailio.stop()
        tap.equal(ear.stop(), 0, 'Earshot ends with 0')


def main():
    with h.Tap() as tap:
        why = h.have('kamailio', 'kamcmd', 'sipp')
        if why:
            tap.skip('Kamailio and SIPp', why)
            return
        only = sys.argv[1:]
        for version in (1, 2, 3):
            for transport in ('udp', 'tcp'):
                if not only or f'{version}/{transport}' in only:
                    one(tap, version, transport)


main()
