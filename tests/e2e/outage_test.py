#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What fails around the trackers and their records: a full disk under them
and under everything, with kill -9 in the middle; clocks that are wrong next to
clocks that are right; server and import that are killed while they write the
same file. What is not lost has its rows at the end, each once.

    outage_test.py [records_full|all_full|clocks|two_writers …]
"""
import collections
import ctypes
import os
import random
import subprocess
import sys
import threading
import time

import harness as h
import hep
import traffic
import web
from traffic import ask, mkpcap


NEWNS = 0x20000


def own_mounts():
    """Where this program ends, however it does, its mounts are gone."""
    return not ctypes.CDLL(None).unshare(NEWNS) and not subprocess.run(
        ['mount', '--make-rprivate', '/'], capture_output=True).returncode


class Disk:
    """A file system of its own, so small that it can be filled."""

    def __init__(self, where, megabytes):
        self.at = os.path.join(where, 'disk')
        self.ballast = os.path.join(self.at, 'ballast')
        os.mkdir(self.at)
        self.there = own_mounts() and subprocess.run(
            ['mount', '-t', 'tmpfs', '-o', f'size={megabytes}m', 'none',
             self.at], capture_output=True).returncode == 0

    def fill(self):
        # unbuffered: what is left in a buffer would fail at the close
        with open(self.ballast, 'ab', buffering=0) as f:
            try:
                while True:
                    f.write(bytes(65536))
            except OSError:
                pass

    def room(self):
        os.unlink(self.ballast)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        h.stop_children()
        if self.there:
            subprocess.run(['umount', self.at])


def small_disk(tap, what, run):
    with h.folder() as where, Disk(where, 64) as disk:
        if disk.there:
            run(tap, where, disk)
        else:
            tap.skip(what, 'cannot mount a tmpfs')


def records(ear):
    return ear.status()['records']


def send_all(ear, packets):
    sender = hep.Tcp(ear.port)
    sender.send(b''.join(packets))
    sender.close()


def imported(where, *scripts):
    """What one clean import of these makes."""
    ear = h.Earshot(where, data=os.path.join(
        where, 'clean-' + '-'.join(s.name for s in scripts)))
    for script in scripts:
        pcap = os.path.join(where, f'{script.name}.pcap')
        script.pcap(pcap)
        ear.must('import', '--json', pcap)
    return ear


# --- a full disk --------------------------------------------------------------


def only_records(tap, where, disk):
    """The journal and the store have room; records.db has none. min_free 0:
    SQLite meets the end of the disk, and not our own limit before it."""
    for min_free in ('1M', '0'):
        name = f'records full, min_free {min_free}'
        data = os.path.join(disk.at, 'data' + min_free)
        os.mkdir(data)
        for part in ('journal', 'store'):
            real = os.path.join(where, part + min_free)
            os.mkdir(real)
            os.symlink(real, os.path.join(data, part))
        run = os.path.join(where, 'run' + min_free)
        os.mkdir(run)
        ear = h.Earshot(run, data, retention={'min_free': min_free}).start()
        script, want = traffic.office('f', 1200, time.time() - 3000)
        packets = script.packets()
        third = len(packets) // 3
        send_all(ear, packets[:third])
        h.wait_for(lambda: records(ear)['waiting'] == 0 and
                   len(ask(ear, 'calls')) > 300, 20)
        before = len(ask(ear, 'calls'))
        disk.fill()
        send_all(ear, packets[third:2 * third])
        tap.ok(h.wait_for(lambda: records(ear)['full'], 10),
               f'{name}: the status says so', records(ear))
        tap.ok(h.wait_for(lambda: 'records.full' in ear.notices(), 5),
               f'{name}: so does a notice', ear.notices())
        found = len(ask(ear, 'calls'))
        tap.ok(before and found >= before, f'{name}: what is there is read',
               before, found)
        ear.kill()
        ear.start()
        tap.ok(h.wait_for(lambda: records(ear)['full'], 10),
               f'{name}: killed and started while full, and it says so',
               records(ear))
        send_all(ear, packets[2 * third:])
        tap.ok(h.wait_for(lambda: ear.totals()['received'] >= third, 10),
               f'{name}: taps go on', ear.totals())
        ear.kill()
        ear.start()
        disk.room()
        traffic.check_calls(tap, ear, want, name)
        tap.ok(not records(ear)['full'] and
               h.wait_for(lambda: 'records.writes' in ear.notices() or
                          'records.full' not in ear.notices(), 5),
               f'{name}: over by itself, and said', ear.notices())
        tap.equal(ear.totals()['dropped'], 0, f'{name}: nothing is lost')
        traffic.same(tap, ear, imported(run, script), name)
        tap.equal(ear.stop(), 0, f'{name}: ends well')


def everything(tap, where, disk):
    """Journal, store and records on one disk, which is filled under load, and
    kill -9 meanwhile. What was taken has its rows; the rest is counted."""
    ear = h.Earshot(where, os.path.join(disk.at, 'data'),
                    journal={'min_free': '8M'},
                    retention={'min_free': '12M'}).start()
    script, _ = traffic.office('e', 3000, time.time() - 4000)
    packets = script.packets()
    quarter = len(packets) // 4
    send_all(ear, packets[:quarter])
    h.wait_for(lambda: ear.totals()['accepted'] >= quarter, 20)
    load = threading.Thread(target=slowly, args=(
        ear, packets[quarter:2 * quarter]))
    load.start()
    time.sleep(0.3)
    disk.fill()
    load.join()
    t = h.wait_for(lambda: (x := ear.totals())['dropped'] and x, 20)
    tap.ok(t, 'all full: what finds no room is counted', ear.totals())
    s = ear.status()
    tap.ok(t and s['totals']['dropped'] == sum(
        r['journal_full'] + r['store_full'] for r in s['ledger']),
        'all full: with its reason', s['ledger'])
    tap.ok([n for n in ear.notices() if 'full' in n],
           'all full: a notice says so', ear.notices())
    ear.kill()
    ear.start()
    tap.ok(ear.status(), 'all full: it starts after kill -9')
    slowly(ear, packets[2 * quarter:2 * quarter + 500])
    tap.ok(h.wait_for(lambda: ear.totals()['dropped'], 10),
           'all full: and counts again', ear.totals())
    disk.room()

    def flows():
        was = ear.totals()['accepted']
        slowly(ear, [hep.hep3(hep.options('probe'))])
        time.sleep(0.1)
        return ear.totals()['accepted'] > was
    tap.ok(h.wait_for(flows, 20, .2), 'all full: it goes on by itself',
           ear.totals())
    late, want = traffic.office('l', 400, time.time() - 600)
    send_all(ear, late.packets())

    def there():
        found = {r['call_id']: r['disposition'] for r in ask(
            ear, 'calls', 'call_id ~ "^l-"')}
        return found == want
    tap.ok(h.wait_for(there, 30, .5), 'all full: calls after it are right')
    tap.ok(h.wait_for(lambda: not records(ear)['full'] and
                      ear.totals()['open'] == 0, 10),
           'all full: the sums meet', ear.totals(), records(ear))
    calls = [r['call_id'] for r in ask(ear, 'calls')]
    kept = {r['call_id'] for r in ear.search('method == INVITE')}
    tap.ok(len(calls) == len(set(calls)) and kept <= set(calls),
           'all full: each call that is kept has a row, and one',
           sorted(kept - set(calls))[:5], len(calls), len(set(calls)))
    tap.equal(ear.stop(), 0, 'all full: ends well')


def slowly(ear, packets):
    """As datagrams, which do not wait for room."""
    sender = hep.Udp(ear.port)
    for i, p in enumerate(packets):
        sender.send(p)
        if i % 20 == 0:
            time.sleep(.002)
    sender.close()


def records_full(tap):
    small_disk(tap, 'a disk that is full for the records', only_records)


def all_full(tap):
    small_disk(tap, 'a disk that is full for all', everything)


# --- clocks -------------------------------------------------------------------


class Odd(traffic.Script):
    """From an agent whose clock is wrong, and its own addresses."""

    def packets(self):
        src = {'192.0.2.1': '198.51.100.1', '192.0.2.2': '198.51.100.2'}
        return [hep.hep3(data, us / 1e6, (src[a[0]], a[1]), (src[b[0]], b[1]),
                         agent=88)
                for us, a, b, data in self.rows]


def odd(name, began, n=20, step=0):
    """Registrations and calls; the clock steps by so many seconds halfway."""
    s = Odd(name, began)
    for i in range(n):
        if i == n // 2:
            s.at += int(step * 1e6)
        s.register(i)
        s.call(i)
    return s


def mixed(scripts):
    """Packets of all, each one's in order, one after the other."""
    lines = [collections.deque(s.packets()) for s in scripts]
    chance, out = random.Random(1), []
    while lines:
        line = chance.choice(lines)
        out.append(line.popleft())
        if not line:
            lines.remove(line)
    return out


def clocks(tap):
    now = time.time()
    with h.folder() as where:
        right, want = traffic.office('n', 120, now - 900)
        wrong = [odd('y1970', 0), odd('y1970b', 3600 * 24),
                 odd('y2106', 4294967295 - 100), odd('back', now - 800,
                                                    step=-7200),
                 odd('forth', now - 800, step=86400 * 40)]
        ear = h.Earshot(where).start()
        send_all(ear, mixed([right, *wrong]))
        os.mkdir(os.path.join(where, 'other'))
        alone = h.Earshot(os.path.join(where, 'other')).start()
        send_all(alone, right.packets())
        normal = 'call_id ~ "^n-"'

        def rows(e, what, *words):
            mine = {'calls': normal, 'sessions': 'peername ~ "^n[0-9]"',
                    'accounts': 'username ~ "^n[0-9]"'}[what]
            return traffic.comparable(ask(e, what, mine, *words))
        h.wait_for(lambda: sum(rows(alone, 'calls').values()) == len(want) and
                   sum(rows(ear, 'calls').values()) == len(want), 20, .5)
        for what, *more in (['calls'], ['sessions', '--failures'],
                            ['accounts', '--history'], ['accounts']):
            a, b = rows(alone, what, *more), rows(ear, what, *more)
            tap.ok(a and a == b, f'clocks: {what} {" ".join(more)} of those '
                   'whose clock is right are as without the others',
                   sum(a.values()), sum(b.values()), *traffic.differ(a, b))
        for what in ('calls', 'sessions'):
            found = ask(ear, what)
            ats = [r['at'] for r in found]
            tap.equal(ats, sorted(ats, reverse=True),
                      f'clocks: {what} come newest first')
            years = collections.Counter(a[:4] for a in ats)
            tap.ok(years['1970'] and all(len(a) == 27 for a in ats),
                   f'clocks: {what} of 1970 are kept', years)
            since = ask(ear, what, '--from', '1980-01-01')
            tap.equal(len(since), len(found) - years['1970'],
                      f'clocks: {what} --from leaves 1970 out')
            early = ask(ear, what, '--to', '1980-01-01')
            tap.equal(len(early), years['1970'],
                      f'clocks: {what} --to has it alone')
        then = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(now - 700))
        at = sorted(r['username'] for r in ask(
            ear, 'accounts', 'username ~ "^n[0-9]"', '--at', then))
        tap.equal(at, sorted(r['username'] for r in ask(
            alone, 'accounts', '--at', then)), 'clocks: accounts --at')
        charts(tap, ear)
        keep(tap, ear, len(want))
        alone.stop()
        tap.equal(ear.stop(), 0, 'clocks: ends well')


def charts(tap, ear):
    """Facets and timelines over spans that reach from 1970 to 2106."""
    c = web.admin(ear)
    total = len(ask(ear, 'calls'))
    for span in ({}, {'from': '1970-01-01'}, {'to': '2200-01-01'},
                 {'from': '0001-01-01', 'to': '9999-12-31'}):
        status, body = c.get('calls/facet', by='disposition', **span)
        tap.ok(status == 400 or status == 200 and total == sum(
            v['count'] for v in body['values']),
            f'clocks: facet {span} counts all, or refuses the time',
            total, status, body)
        for buckets in (1, 60, 400):
            status, body = c.get('calls/timeline', by='disposition',
                                 buckets=buckets, **span)
            counts = [] if status != 200 else [
                n for s in body['series'] for n in s['counts']]
            tap.ok(status == 400 or sum(counts) == total and
                   len(body['series'][0]['counts']) <= 400,
                   f'clocks: timeline {span} in {buckets} counts all',
                   total, status, sum(counts), str(body)[:300])
    for path in ('calls', 'sessions', 'accounts', 'connections'):
        status, body = c.get(path, limit=3, **{'from': '1970-01-01'})
        tap.ok(status == 200, f'clocks: {path} since 1970', body)
    status, body = c.get('histogram', **{'from': '1970-01-01',
                                         'to': '2110-01-01'})
    tap.ok(status == 200 and sum(map(sum, body['buckets'])) > 0 and
           len(body['buckets']) <= 400, 'clocks: the histogram', status)


def keep(tap, ear, n):
    """Retention takes what is old by its own time, and that alone."""
    ear.stop()
    with open(ear.config, 'a') as f:
        f.write(ear.section('records', {'max_age': '30d'}))
    ear.start()
    left = h.wait_for(lambda: not ask(ear, 'calls', '--to', '1980-01-01'), 20)
    tap.ok(left, 'clocks: retention takes 1970')
    tap.equal(len(ask(ear, 'calls', 'call_id ~ "^n-"')), n,
              'clocks: and leaves what is of today')


def far_files(tap):
    """pcapng has 64 bits for its time: 2200, 2500, and before 1970."""
    frame = mkpcap.udp4(mkpcap.sip(call='far'))
    ns = 10 ** 9
    with h.folder() as where:
        ear = h.Earshot(where)
        for name, resolution, offset, ts in (
                ('2200', 9, 0, 7258118400 * ns),
                ('2500', 6, 0, 16725225600 * 10 ** 6),
                ('most', 9, 0, 2 ** 64 - 1), ('most s', 0, 0, 2 ** 64 - 1),
                ('least', 6, -2 ** 63, 5), ('before', 6, -3600, 5),
                ('year 0', 6, -62167219200, 10 ** 6)):
            path = os.path.join(where, 'far.pcapng')
            with open(path, 'wb') as f:
                f.write(mkpcap.shb() + mkpcap.idb(
                    tsresol=resolution, tsoffset=offset) +
                    mkpcap.epb(mkpcap.ether(frame), ts))
            code, rows, error = ear.run('import', '--json', path)
            tap.ok(code == 0 and rows[0]['messages'] == 1,
                   f'far files: {name} is imported', rows, error)
        found = ear.search()
        tap.ok(len(found) == 7, 'far files: all are found',
               [r['at'] for r in found])
        tap.equal([len(r['at']) for r in found], [len(found[0]['at'])] * 7,
                  'far files: with a time')
        script, want = traffic.office('g', 40, 7258118400)
        # pcap's seconds have 32 bits
        rows = [(us * 1000, mkpcap.ether(mkpcap.ip4(
            a[0], b[0], 17, mkpcap.udp(*a, *b, data))))
            for us, a, b, data in script.rows]
        with open(path, 'wb') as f:
            f.write(mkpcap.shb() + mkpcap.idb(tsresol=9) + b''.join(
                mkpcap.epb(data, at) for at, data in rows))
        ear.must('import', '--json', path)
        traffic.check_calls(tap, ear, want, 'far files: 2200')
        tap.equal({r['at'][:4] for what in ('calls', 'sessions')
                   for r in ask(ear, what)}, {'2200'},
                  'far files: calls and sessions of 2200')
        tap.ok(ask(ear, 'accounts', '--at', '2200-01-01T00:00:30Z'),
               'far files: accounts --at 2200')


# --- two writers --------------------------------------------------------------


def check_files(tap, ear, want):
    """The second file begins a day after the first: as good as the first."""
    found = {r['call_id']: r['disposition'] for r in ask(ear, 'calls')}
    rows = len(ask(ear, 'calls'))
    tap.ok(found == want and rows == len(want),
           'two files, a day apart: a row for each call', rows, len(want))


def own(tap, one, two, name):
    """The same rows of those whose names begin so."""
    for what, filter, *more in (
            ('calls', f'call_id ~ "^{name}-"'),
            ('sessions', f'peername ~ "^{name}[0-9]"', '--failures'),
            ('accounts', f'username ~ "^{name}[0-9]"', '--history')):
        # on line or not is as of the newest row of all
        a = traffic.comparable(ask(one, what, filter, *more), 'state')
        b = traffic.comparable(ask(two, what, filter, *more), 'state')
        tap.ok(a and a == b, f'both killed: the same {what} of {name}',
               sum(a.values()), sum(b.values()), *traffic.differ(a, b))


def two_writers(tap):
    """Server and import into one directory, both killed, several times."""
    chance = random.Random(7)
    with h.folder() as where:
        live, want = traffic.office('s', 1500, time.time() - 3000)
        old, also = traffic.office('i', 3000, time.time() - 90000)
        pcap = os.path.join(where, 'old.pcap')
        old.pcap(pcap)
        packets = live.packets()
        ear = h.Earshot(where, listener={'threads': 1})
        rounds = 6
        killed = 0
        for k in range(rounds):
            part = packets[len(packets) * k // rounds:
                           len(packets) * (k + 1) // rounds]
            ear.start()
            importer = h.start([h.EARSHOT, 'import', '--data', ear.data, pcap],
                               os.path.join(where, 'import.log'))
            sender = hep.Tcp(ear.port)
            sender.send(b''.join(part))
            took = h.wait_for(
                lambda: traffic.accepted(ear) >= len(part), 20, .01)
            if not took:
                tap.ok(False, f'round {k}: all was accepted', ear.totals())
            time.sleep(chance.random() * .4)
            if importer.poll() is None:
                importer.kill()
                killed += 1
            ear.kill()
            importer.wait()
            sender.close()
        tap.ok(killed, f'both killed: {killed} imports in the middle')
        ear.start()
        ear.must('import', '--json', pcap)
        both = {**want, **also}
        traffic.check_calls(tap, ear, both, 'both killed')
        clean = imported(where, old, live)
        check_files(tap, clean, both)
        for script in (old, live):
            own(tap, ear, imported(where, script), script.name)
        tap.ok(not [n for n in ear.notices() if 'damaged' in n or
                    'replaced' in n], 'both killed: the file is whole',
               ear.notices())
        tap.equal(ear.stop(), 0, 'both killed: ends well')


def main():
    with h.Tap() as tap:
        for name in sys.argv[1:] or ('records_full', 'all_full', 'clocks',
                                     'far_files', 'two_writers'):
            globals()[name](tap)


main()
