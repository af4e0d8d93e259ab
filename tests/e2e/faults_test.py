#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Things that go wrong around Earshot: a full disk, damaged files, a clock
that goes back, the largest messages, a reader that does not read."""
import glob
import os
import subprocess
import sys
import threading
import time

import harness as h
import hep


def send(sender, name, n, first=0, pause=0, **more):
    for i in range(first, first + n):
        if not sender.send(hep.hep3(hep.options(f'{name}-{i:06d}'), **more)):
            return False
        if pause:
            time.sleep(pause)
    return True


def ids(rows):
    return sorted(r['call_id'] for r in rows)


def wanted(name, n):
    return [f'{name}-{i:06d}' for i in range(n)]


def told(ear, *span):
    """What a search says of its completeness: (complete, why)."""
    rows = ear.must('search', '--json', '--summary', '--limit', '0', *span)
    found = rows[-1]['found']
    return found['complete'], found['why']


def disk_full(tap):
    """On a small disk of its own; needs the right to mount one."""
    with h.folder() as where:
        disk = os.path.join(where, 'disk')
        os.mkdir(disk)
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=48m', 'none',
                           disk], capture_output=True).returncode:
            tap.skip('a full disk', 'cannot mount a tmpfs')
            return
        try:
            disk_full_on(tap, where, disk)
        finally:
            h.stop_children()
            subprocess.run(['umount', disk])


def disk_full_on(tap, where, disk):
    ear = h.Earshot(where, os.path.join(disk, 'data'),
                    journal={'min_free': '8M'}, retention={'min_free': '12M'})
    ear.start()
    begun = time.time()
    udp = hep.Udp(ear.port)
    tap.ok(send(udp, 'before', 200, pause=0.0005) and ear.settle(200),
           'disk full: before it, messages are kept', ear.totals())
    ballast = os.path.join(disk, 'ballast')
    # unbuffered: what is left in a buffer would fail at the close
    with open(ballast, 'wb', buffering=0) as f:
        try:
            while True:
                f.write(bytes(65536))
        except OSError:
            pass
    time.sleep(0.6)  # free space is looked at four times a second
    send(udp, 'during', 300, pause=0.0005)
    t = h.wait_for(lambda: (x := ear.totals())['received'] >= 500 and x)
    tap.ok(t, 'disk full: taps go on counting', ear.totals())
    t = t or ear.totals()
    tap.ok(t['dropped'] > 0 and
           sum(r['journal_full'] for r in ear.status()['ledger']) +
           sum(r['store_full'] for r in ear.status()['ledger']) > 0,
           'disk full: what is not taken is counted with its reason', t)
    tap.ok(h.wait_for(lambda: [n for n in ear.notices() if 'full' in n], 5),
           'disk full: a notice says so', ear.notices())
    tap.ok(h.wait_for(lambda: not (x := told(ear))[0] and
                      'lost to a full' in x[1], 5),
           'disk full: a search says that its answer is not complete, '
           'and why', told(ear))
    found = ids(ear.search('call_id ~ "^before"'))
    tap.equal(found, wanted('before', 200), 'disk full: searching works')
    os.unlink(ballast)

    def flows():
        was = ear.totals()['accepted']
        send(udp, 'probe', 1)
        time.sleep(0.1)
        return ear.totals()['accepted'] > was
    tap.ok(h.wait_for(flows, 15, 0.2),
           'disk full: it is accepted again by itself', ear.totals())
    send(udp, 'after', 200, pause=0.0005)

    def all_there():
        return ids(ear.search('call_id ~ "^after"')) == wanted('after', 200)
    tap.ok(h.wait_for(all_there, 20, 0.5),
           'disk full: what comes after it is kept', ear.status())
    t = h.wait_for(lambda: (x := ear.totals())['open'] == 0 and x, 10)
    tap.ok(t, 'disk full: the sums meet', ear.totals())
    complete, why = told(ear, '--from', '-1h')
    tap.ok(not complete and 'lost to a full' in why,
           'disk full: a search over that time still says so', why)
    tap.equal(told(ear, '--to', str(int(begun) - 1)), (True, ''),
              'disk full: the time before it is complete')
    tap.equal(ear.stop(), 0, 'disk full: ends with 0')
    complete, why = told(ear)
    tap.ok(not complete and 'lost to a full' in why,
           'disk full: it is known without the server', why)


def damage(path, at, bytes_=b'\xff' * 64):
    with open(path, 'r+b') as f:
        f.seek(at)
        f.write(bytes_)


def damaged_segment(tap):
    with h.folder() as where:
        ear = h.Earshot(where, store={'segment_time': '1s'}).start()
        udp = hep.Udp(ear.port)
        for part in range(3):
            send(udp, f'part{part}', 300, pause=0.0005)
            ear.settle(300 * (part + 1))
            time.sleep(1.3)
        ear.stop()
        files = sorted(glob.glob(ear.data + '/**/*.seg', recursive=True),
                       key=os.path.getmtime)
        if not tap.ok(len(files) >= 2, 'damaged segment: there are some',
                      *glob.glob(ear.data + '/**', recursive=True)):
            return
        size = os.path.getsize(files[0])
        for at in range(0, size, max(64, size // 40)):
            damage(files[0], at)
        ear.start()
        rows = ear.search()
        tap.ok(600 <= len(rows) <= 900,
               f'damaged segment: the others are found ({len(rows)} of 900)')
        code, out, err = ear.run('search', '--json', '--limit', '100000')
        said = ear.status()['store'].get('damaged', 0) or \
            any('damage' in n or 'corrupt' in n for n in ear.notices()) or \
            any(r.get('complete') is False for r in out) or \
            'complete' in err
        tap.ok(said, 'damaged segment: it is said', ear.notices(), err)
        send(udp, 'later', 50, pause=0.0005)
        tap.ok(h.wait_for(lambda: ids(ear.search('call_id ~ "^later"')) ==
                          wanted('later', 50), 15, 0.3),
               'damaged segment: it goes on')
        tap.equal(ear.stop(), 0, 'damaged segment: ends with 0')


def damaged_journal(tap):
    """The pump is kept from the store by killing the server at once; then the
    journal's files are damaged before the restart."""
    with h.folder() as where:
        ear = h.Earshot(where, store={'commit': '5s'},
                        listener={'threads': 1}).start()
        tcp = hep.Tcp(ear.port)
        send(tcp, 'j', 2000, pause=0.0002)
        h.wait_for(lambda: ear.totals()['accepted'] >= 2000)
        ear.kill()
        files = glob.glob(ear.data + '/**/*.journal', recursive=True)
        big = max(files, key=os.path.getsize)
        size = os.path.getsize(big)
        damage(big, size // 2)
        with open(big, 'ab') as f:
            f.write(b'EARJ' + b'torn' * 20)
        ear.start()
        h.wait_for(lambda: ear.status()['journal']['bytes'] == 0, 20)
        time.sleep(6)
        found = ids(ear.search())
        tap.ok(len(found) == len(set(found)) and 1900 < len(found) < 2001,
               f'damaged journal: the rest is found, once ({len(found)} of '
               '2000)')
        tap.ok(ear.status()['journal']['lost_bytes'] > 0,
               'damaged journal: the loss is counted', ear.status()['journal'])
        said = [n for n in ear.notices() if n.startswith('journal.')]
        tap.ok('journal.torn' in said or 'journal.corrupt' in said,
               'damaged journal: notices say so', said)
        send(hep.Udp(ear.port), 'later', 50, pause=0.0005)
        tap.ok(h.wait_for(lambda: ids(ear.search('call_id ~ "^later"')) ==
                          wanted('later', 50), 20, 0.3),
               'damaged journal: it goes on')
        complete, why = told(ear)
        tap.ok(not complete and 'journal' in why,
               'damaged journal: a search says so', why)
        tap.equal(ear.stop(), 0, 'damaged journal: ends with 0')


def clock_back(tap):
    with h.folder() as where:
        ear = h.Earshot(where).start()
        udp = hep.Udp(ear.port)
        now = time.time()
        for i in range(500):  # each two seconds before the last
            send(udp, 'c', 1, first=i, pause=0.0005, at=now - 2 * i)
        tap.ok(ear.settle(500), 'clock back: all is searchable', ear.totals())
        rows = ear.search()
        tap.equal(ids(rows), wanted('c', 500), 'clock back: all is found')
        times = [r['at'] for r in rows]
        tap.ok(times == sorted(times) or times == sorted(times, reverse=True),
               'clock back: a search is in the order of time')
        span = ear.must('search', '--json', '--limit', '1000',
                        '--from', str(int(now) - 210), '--to',
                        str(int(now) - 100))
        n = len([r for r in span if 'call_id' in r])
        tap.ok(53 <= n <= 57, f'clock back: a span finds its own ({n})')
        for at in (0, 1, 4294967295):
            send(udp, f'odd{at}', 1, at=at)
        tap.ok(h.wait_for(lambda: len(ear.search()) == 503, 10),
               'clock back: 1970 and 2106 are kept', len(ear.search()))
        tap.equal(ear.stop(), 0, 'clock back: ends with 0')


def large(tap):
    with h.folder() as where:
        ear = h.Earshot(where).start()
        tcp, udp = hep.Tcp(ear.port), hep.Udp(ear.port)
        sizes = []
        for i in range(40):
            message = hep.options(f'big-{i:06d}', size=65535 - 80 - i * 7)
            sizes.append(len(message))
            tcp.send(hep.hep3(message))
            if i % 2:
                message = hep.options(f'udp-{i:06d}', size=65507 - 120)
                sizes.append(len(message))
                udp.send(hep.hep3(message))
                time.sleep(0.01)
        tap.ok(min(sizes) > 64000, 'large: they are large')
        tap.ok(ear.settle(len(sizes)), 'large: all is searchable',
               ear.totals())
        tap.equal(sorted(r['size'] for r in ear.search()), sorted(sizes),
                  'large: none is cut')
        tap.equal(ear.totals()['malformed'], 0, 'large: none is malformed')
        tap.equal(ear.stop(), 0, 'large: ends with 0')


def slow_reader(tap):
    """Searches whose output nobody reads, during full ingest."""
    with h.folder() as where:
        ear = h.Earshot(where).start()
        tcp = hep.Tcp(ear.port)
        send(tcp, 'a', 20000)
        h.wait_for(lambda: ear.totals()['searchable'] >= 20000, 20)
        stuck = [subprocess.Popen(
            [h.EARSHOT, 'search', '--json', '--data', ear.data, '--limit',
             '1000000'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL) for _ in range(3)]
        for p in stuck:
            p.stdout.read(1000)  # has begun, and now hangs
        begin = time.monotonic()
        threading.Thread(target=send, args=(tcp, 'b', 20000),
                         daemon=True).start()
        done = h.wait_for(
            lambda: ear.totals()['searchable'] >= 40000, 30, 0.1)
        tap.ok(done, 'slow reader: ingest goes on '
               f'({time.monotonic() - begin:.1f} s)', ear.totals())
        tap.equal(ear.totals()['dropped'], 0, 'slow reader: nothing is lost')
        tap.equal(len(ear.search('call_id == "b-019999"')), 1,
                  'slow reader: others find')
        counts = []
        for p in stuck:
            out = p.stdout.read()
            p.wait()
            counts.append(out.count(b'"call_id"'))
        tap.ok(all(c > 19900 for c in counts),
               f'slow reader: and gets all in the end {counts}')
        tap.equal(ear.stop(), 0, 'slow reader: ends with 0')


def main():
    parts = (disk_full, damaged_segment, damaged_journal, clock_back, large,
             slow_reader)
    with h.Tap() as tap:
        for part in parts:
            if sys.argv[1:] and part.__name__ not in sys.argv[1:]:
                continue
            try:
                part(tap)
            except Exception as e:  # the other parts still count
                tap.ok(False, f'{part.__name__} runs to its end', repr(e))
                h.stop_children()


main()
