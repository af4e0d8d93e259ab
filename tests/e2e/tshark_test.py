#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `earshot import` finds in captures is what tshark sees in them: the
sample by tshark and by its expected.json, the golden captures by their
want.jsonl, which tests/golden/tshark_check.py has tshark judge."""
import collections
import glob
import json
import os
import subprocess
import sys

import harness as h

SAMPLE = os.path.join(h.ROOT, 'packaging', 'sample')
CHECK = os.path.join(h.ROOT, 'tests', 'golden', 'tshark_check.py')


def imported(where, capture):
    """An Earshot without a server, the summary, and what a search finds."""
    ear = h.Earshot(where)
    code, rows, error = ear.run('import', '--json', capture)
    if code != (0 if rows[0]['complete'] else 1):
        raise RuntimeError(f'import ends with {code}: {rows} {error}')
    return ear, rows[0], ear.search()


def sample(tap):
    with open(os.path.join(SAMPLE, 'expected.json')) as f:
        want = json.load(f)
    capture = os.path.join(SAMPLE, 'sample.pcap')
    with h.folder() as where:
        ear, summary, rows = imported(where, capture)
        tap.equal((summary['messages'], summary['conversations'],
                   summary['malformed'], summary['complete']),
                  (want['messages'], want['conversations'],
                   want['malformed'], True),
                  'sample: messages, conversations, malformed')
        count = collections.Counter(
            str(r['status']) if r['status'] else r['method'] for r in rows)
        tap.equal(dict(sorted(count.items())),
                  dict(sorted({**want['requests'],
                               **want['replies']}.items())),
                  'sample: a search finds them, per method and status')
        for expr, n in (('status == 486', want['replies']['486']),
                        ('method == REGISTER and status == 0',
                         want['requests']['REGISTER']),
                        ('status == 401', want['replies']['401'])):
            tap.equal(len(ear.search(expr)), n, f'sample: {expr}')
        tap.ok(any(r['transport'] == 'tcp' for r in rows),
               'sample: some came over TCP')
        tap.ok(max(r['size'] for r in rows) > 1500,
               'sample: fragments were put together')
        if h.have('tshark'):
            tap.skip('sample: tshark, now', h.have('tshark'))
            return
        found = os.path.join(where, 'found.jsonl')
        with open(found, 'w') as f:
            for r in rows:
                f.write(json.dumps(r) + '\n')
        p = subprocess.run([sys.executable, CHECK, capture, found],
                           capture_output=True, text=True)
        tap.ok(p.returncode == 0, 'sample: tshark, now', p.stdout, p.stderr)
        again = ear.must('import', '--json', capture)[0]
        tap.equal(again['messages'], want['messages'],
                  'sample: a second import reads as many')


def line(m):
    return (m['call_id'], m['method'], m['status'], m['size'],
            m['transport'], m['src'], m['dst'])


def golden(tap):
    for want in sorted(glob.glob(os.path.join(
            h.ROOT, 'tests', 'golden', 'capture-*', 'want.jsonl'))):
        case = os.path.dirname(want)
        capture = glob.glob(case + '/capture.*')[0]
        with open(want) as f:
            wanted = [line(m) for m in map(json.loads, f) if 'call_id' in m]
        with h.folder() as where:
            _, summary, rows = imported(where, capture)
            got = [line(r) for r in rows]
            diff = [f'only found: {m}' for m in
                    (collections.Counter(got) -
                     collections.Counter(wanted)).elements()]
            diff += [f'not found: {m}' for m in
                     (collections.Counter(wanted) -
                      collections.Counter(got)).elements()]
            name = os.path.basename(case)
            tap.ok(not diff and summary['messages'] == len(wanted) and
                   summary['complete'] == (name != 'capture-damaged'),
                   name, summary, *diff[:20])


def main():
    with h.Tap() as tap:
        sample(tap)
        golden(tap)


main()
