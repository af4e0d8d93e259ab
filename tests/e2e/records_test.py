#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sessions, accounts, calls and connections as commands: of a running server
and of a data directory right after import; their keys, filters, times, CSV and
errors. The same traffic by HEP, from a file and from a device makes the same
rows, each once, also when it is read twice and through kill -9.

    records_test.py [lists|killed|alike …]
"""
import csv
import io
import os
import re
import socket
import subprocess
import sys
import time

import harness as h
import hep
from traffic import PROXY, Script, accepted, ask, check_calls, mkpcap, \
    office, same

LISTS = ('sessions', 'accounts', 'calls', 'connections')
KEYS = {
    'sessions': 'at event source peername account details user_agent remote '
                'tls_version tls_cipher reconciled inferred',
    'accounts': 'id username ip port description expires user_agent state',
    'calls': 'at src dst ring_s talk_s disposition code reason call_id note',
    'connections': 'at client server transport closed cause tls_version',
}
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z')
SAMPLE = os.path.join(h.ROOT, 'packaging', 'sample', 'sample.pcap')


def text_of(ear, what, *words):
    return subprocess.run(
        [h.EARSHOT, what, '--data', ear.data, *words], capture_output=True,
        text=True, stdin=subprocess.DEVNULL, timeout=60)


def from_csv(ear, what, *words):
    p = text_of(ear, what, '--csv', '-n', '0', *words)
    rows = list(csv.DictReader(io.StringIO(p.stdout, newline='')))
    return rows


def check_lists(tap, ear, when):
    """What is told of the sample, by whoever reads it."""
    for what in LISTS:
        rows = ask(ear, what)
        if what == 'accounts':
            rows = ask(ear, what, '--history')
        tap.ok(rows, f'{when}: {what} has rows')
        missing = [k for k in KEYS[what].split() if rows and k not in rows[0]]
        tap.equal(missing, [], f'{when}: {what} has its keys')
        ats = [r['at'] for r in rows]
        tap.equal(ats, sorted(ats, reverse=True), f'{when}: newest first')
        more = ['--history'] if what == 'accounts' else []
        table = from_csv(ear, what, *more)
        tap.ok(table and [csv_of(r) for r in rows] == table,
               f'{when}: {what} --csv says what --json says',
               next(((csv_of(a), b) for a, b in zip(rows, table)
                     if csv_of(a) != b), (len(rows), len(table))))
        p = text_of(ear, what, '-n', '1', *more)
        tap.ok(p.returncode == 0 and len(p.stdout.splitlines()) >= 2,
               f'{when}: {what} as a table', p.stdout, p.stderr)
    calls = ask(ear, 'calls')
    failed = ask(ear, 'calls', 'disposition == FAILED and code >= 500')
    tap.equal(failed, [r for r in calls if r['disposition'] == 'FAILED' and
                       r['code'] >= 500], f'{when}: a filter')
    tap.ok(0 < len(failed) < len(calls), f'{when}: that leaves some')
    long = ask(ear, 'calls', '--sort', 'talk_s')
    tap.equal([r['talk_s'] for r in long],
              sorted((r['talk_s'] for r in calls), reverse=True),
              f'{when}: --sort')
    short = ask(ear, 'calls', '--sort', 'talk_s', '--ascending')
    tap.equal([r['talk_s'] for r in short],
              sorted(r['talk_s'] for r in calls), f'{when}: --ascending')
    told = ear.status()['records']
    bound = told['reconciliation']
    tap.ok(told['calls'] == len(calls) and
           sum(bound[k] for k in ('bound', 'ambiguous', 'unbound',
                                  'waiting')) == told['connections'] > 0,
           f'{when}: status counts them, and how they are bound', told)
    middle = calls[len(calls) // 2]['at']
    late = ask(ear, 'calls', '--from', middle)
    early = ask(ear, 'calls', '--to', middle)
    tap.ok(late == [r for r in calls if r['at'] >= middle] and
           early == [r for r in calls if r['at'] <= middle],
           f'{when}: --from and --to')


def csv_of(row):
    """A row of --json as the CSV has it: times for people, to the ms."""
    def text(v):
        if v is None:
            return ''
        if isinstance(v, str) and TIME.fullmatch(v):
            return v[:23].replace('T', ' ')
        return str(v).lower() if isinstance(v, bool) else str(v)
    return {k: text(v) for k, v in row.items()}


def check_times(tap, ear, when):
    """Accounts as of then: by their own spans."""
    every = ask(ear, 'accounts', '--history')
    for at in sorted({r['at'] for r in every} |
                     {r['ended'] for r in every if r['ended']}):
        def there(r):
            if r['at'] > at or (r['ended'] and r['ended'] <= at):
                return False
            return r['expires'] > at
        want = sorted((r['username'], r['at']) for r in every if there(r))
        got = sorted((r['username'], r['at'])
                     for r in ask(ear, 'accounts', '--at', at))
        if got != want:
            tap.equal(got, want, f'{when}: accounts --at {at}')
            return
    tap.ok(True, f'{when}: accounts --at, at each of their times')


def check_errors(tap, ear):
    p = text_of(ear, 'calls', 'disposition == ANSWERED and talk_x > 3')
    lines = p.stderr.splitlines()
    mark = next((n for n, line in enumerate(lines) if '^' in line), 0)
    tap.ok(p.returncode == 2 and mark and lines[mark].index('^') ==
           lines[mark - 1].index('talk_x'),
           'a column that is none is pointed at', p.stderr)
    p = text_of(ear, 'calls', 'disposition == ANSERED')
    tap.ok(p.returncode == 2 and '^' in p.stderr and 'ANSWERED' in p.stderr,
           'a word that is none, with those there are', p.stderr)
    p = text_of(ear, 'sessions', '--sort', 'nothing')
    tap.ok(p.returncode == 2 and 'nothing' in p.stderr,
           'a column to sort by that is none', p.stderr)
    p = text_of(ear, 'sessions', '--at', '10:38')
    tap.ok(p.returncode == 2 and '--at' in p.stderr,
           'an option of another list', p.stderr)
    p = text_of(ear, 'calls', '--json', '--csv')
    tap.ok(p.returncode == 2 and not p.stdout and '--csv' in p.stderr,
           'a table and objects at once', p.stderr)
    p = text_of(ear, 'calls', '--from', '2026-01-02', '--to', '2026-01-01')
    tap.ok(p.returncode == 2 and 'before' in p.stderr,
           'an end before the beginning', p.stderr)
    p = text_of(ear, 'calls', 'FAILED')
    tap.ok(p.returncode == 2 and 'disposition == FAILED' in p.stderr,
           'a value without its column', p.stderr)
    p = text_of(ear, 'calls', '--from', '2200-01-01')
    tap.ok(p.returncode == 0 and 'the last thing recorded is of 20' in
           p.stderr, 'nothing, as what is kept is older', p.stderr)
    for word in ('yesterdayish', '10.38', '1038'):
        p = text_of(ear, 'accounts', '--at', word)
        tap.ok(p.returncode == 2 and word in p.stderr,
               f'a time that is none: {word}', p.stderr)


def lists(tap):
    with h.folder() as where:
        ear = h.Earshot(where)
        for what in LISTS:
            p = text_of(ear, what)
            tap.ok('data' in p.stderr and p.returncode == 1,
                   f'{what}: a directory that is not there', p.stderr)
        done = ear.must('import', '--json', SAMPLE)[0]
        check_lists(tap, ear, 'after import')
        check_times(tap, ear, 'after import')
        check_errors(tap, ear)
        before = {w: ask(ear, w, *(['--history'] if w == 'accounts' else []))
                  for w in LISTS}
        ear.must('import', '--json', SAMPLE)
        tap.equal({w: ask(ear, w, *(['--history'] if w == 'accounts' else []))
                   for w in LISTS}, before, 'imported twice: the same rows')
        ear.start()
        check_lists(tap, ear, 'with a server')
        tap.ok('records.replaced' not in ear.notices(),
               'nothing is wrong with the file', ear.notices())
        tap.equal(ask(ear, 'calls'), before['calls'],
                  'the server has the same calls')
        now = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime())
        tap.equal(ask(ear, 'accounts'), [
            r for r in ask(ear, 'accounts', '--history')
            if r['state'] in ('on line', 'unreachable') and
            r['expires'] > now], 'accounts of a server are as of now')
        tap.equal(ear.stop(), 0, 'ends well')
        tap.ok(done['messages'] > 0, 'the sample has messages')
    with h.folder() as where:
        ear = h.Earshot(where).start()
        for what in LISTS:
            tap.equal(ask(ear, what), [], f'{what}: nothing yet')
            p = text_of(ear, what)
            tap.ok(p.returncode == 0 and '0 ' in p.stderr,
                   f'{what}: and says so', p.stderr)
        ear.stop()


def killed(tap):
    """What was accepted before a kill -9 has its rows, each once."""
    n, rounds = 2000, 8
    with h.folder() as where:
        script, want = office('k', n, time.time() - 4000)
        packets = script.packets()
        ear = h.Earshot(where, listener={'threads': 1})
        for k in range(rounds):
            part = packets[len(packets) * k // rounds:
                           len(packets) * (k + 1) // rounds]
            ear.start()
            sender = hep.Tcp(ear.port)
            sender.send(b''.join(part))
            if k < rounds - 1:
                took = h.wait_for(lambda: accepted(ear) >= len(part), 20, .01)
                if not took:
                    tap.ok(False, f'round {k}: all was accepted', ear.totals())
                ear.kill()
            sender.close()
        check_calls(tap, ear, want, 'kill -9')
        other = h.Earshot(where, data=os.path.join(where, 'other'))
        pcap = os.path.join(where, 'k.pcap')
        script.pcap(pcap)
        other.must('import', '--json', pcap)
        check_calls(tap, other, want, 'import')
        same(tap, ear, other, 'kill -9 and import')
        tap.equal(ear.stop(), 0, 'ends well after all that')


def frames_of(script):
    """Its packets, with three connections that end in their own ways."""
    frames = [mkpcap.ip4(src[0], dst[0], 17, mkpcap.udp(*src, *dst, data))
              for _, src, dst, data in script.rows]
    for user, end in (('tf', 'fin'), ('tr', 'reset'), ('to', '')):
        c = mkpcap.Tcp('192.0.2.3', 40000 + len(frames), *PROXY)
        t = Script(user, 1)
        t.register(0)
        frames += c.open()
        for _, src, _, data in t.rows:
            frames += c.send(int(src == PROXY),
                             data.replace(b'2.0/UDP', b'2.0/TCP'))
        if end == 'fin':
            frames += c.close()
        elif end == 'reset':
            frames.append(c.packet(0, mkpcap.RST))
    return [mkpcap.ether(f) for f in frames]


def put_on_lo(frames):
    """Nobody has these addresses: the kernel drops them behind the capture."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(('lo', 0))
        for i, frame in enumerate(frames):
            s.send(frame)
            if i % 10 == 0:
                time.sleep(.002)


def alike(tap):
    """One traffic by live capture, from the file that tcpdump made of it, in
    HEP out of what is kept of that; and that file in two halves, twice."""
    if os.geteuid() or h.have('tcpdump', 'editcap'):
        tap.skip('by device, file and HEP', 'not allowed to capture here'
                 if os.geteuid() else h.have('tcpdump', 'editcap'))
        return
    with h.folder() as where:
        pcap = os.path.join(where, 'lo.pcap')
        keys = 'host 192.0.2.2 and port 5060'
        # the same frames of another suite on this machine would be seen too
        if not h.wait_for(lambda: h.claim('192.0.2.2'), 120, .5):
            raise RuntimeError('another test has 192.0.2.2 on lo')
        live = h.Earshot(where, data=os.path.join(where, 'live'), **{
            'capture lo': {'device': 'lo', 'filter': keys}}).start()
        dump = h.start(['tcpdump', '-i', 'lo', '-Q', 'in', '-U',
                        '-B', '32768', '-s', '0', '-w', pcap, keys],
                       os.path.join(where, 'tcpdump.log'))
        h.wait_for(lambda: 'listening' in h.tail(
            os.path.join(where, 'tcpdump.log')), 10)
        script, want = office('a', 200, time.time())
        frames = frames_of(script)
        put_on_lo(frames)
        h.wait_for(lambda: packets_in(pcap) >= len(frames), 10, .2)
        h.stop(dump)
        read = h.Earshot(where, data=os.path.join(where, 'read'))
        read.must('import', '--json', pcap)
        hep_in = h.Earshot(where, data=os.path.join(where, 'hep')).start()
        read.must('export', '--to', f'hep:127.0.0.1:{hep_in.port};transport='
                  'tcp')
        check_calls(tap, read, want, 'file')
        check_calls(tap, live, want, 'device')
        check_calls(tap, hep_in, want, 'HEP')
        near = ('at', 'rang', 'answered', 'ended', 'expires', 'refreshed',
                'talk_ms', 'ring_ms', 'lost', 'closed', 'last')
        same(tap, read, live, 'file and device', near)
        same(tap, read, hep_in, 'file and HEP', near, 'transport == udp')
        ends = {r['peername']: r['details'] for r in ask(
            live, 'sessions', 'event == DISCONNECT')}
        tap.equal(ends, {'tf000': 'NORMAL', 'tr000': 'NETWORK_ERROR'},
                  'the ends of connections, each at its account')
        tap.ok(not any(r['inferred'] for r in ask(live, 'sessions')) and
               not any(r['inferred'] for r in ask(read, 'sessions')),
               'connections of device and file are not inferred')
        tap.equal({(r['event'], r['inferred']) for r in ask(
            hep_in, 'sessions', 'event == CONNECT')}, {('CONNECT', True)},
            'those of HEP are')
        halves(tap, where, pcap, read, len(frames) // 2)
        live.stop()
        hep_in.stop()


def halves(tap, where, pcap, whole, n):
    """In two files, as a capture that was rotated; then both once more."""
    parts = [os.path.join(where, f'half{i}.pcap') for i in (1, 2)]
    subprocess.run(['editcap', '-r', pcap, parts[0], f'1-{n}'], check=True)
    subprocess.run(['editcap', pcap, parts[1], f'1-{n}'], check=True)
    ear = h.Earshot(where, data=os.path.join(where, 'halves'))
    for part in parts:
        ear.must('import', '--json', part)
    same(tap, whole, ear, 'a capture and its two halves', (),
         'transport == udp')
    ear.must('import', '--json', *parts)
    same(tap, whole, ear, 'and once more, in one command', (),
         'transport == udp')


def packets_in(path):
    try:
        with open(path, 'rb') as f:
            data = f.read()[24:]
    except OSError:
        return 0
    at = n = 0
    while at + 16 <= len(data):
        at += 16 + int.from_bytes(data[at + 8:at + 12], 'little')
        n += 1
    return n


def main():
    with h.Tap() as tap:
        for name in sys.argv[1:] or ('lists', 'killed', 'alike'):
            globals()[name](tap)


main()
