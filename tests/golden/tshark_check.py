#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares messages that Earshot found in a capture with those of tshark.

    tshark_check.py CAPTURE JSONL    one JSON object a line, as want.jsonl or
                                     as `earshot search --json` prints; lines
                                     without call_id are passed over
    tshark_check.py DIR              each capture-CASE in DIR with its
                                     want.jsonl; prints TAP

Compared are method or status and Call-ID, as a multiset: tshark orders by
packet, Earshot by when a message was whole. Messages that are marked
truncated need not be known to tshark, which leaves out what it cannot finish;
nor those that a case's beyond-tshark.json names, with the reason.
"""
import collections
import glob
import json
import os
import shutil
import subprocess
import sys

# TCP is put in order as Earshot does; HEP is known to tshark by its port.
OPTIONS = ['-o', 'tcp.reassemble_out_of_order:TRUE',
           '-d', 'tcp.port==9060,hep', '-d', 'udp.port==9060,hep']


def dissectors():
    out = subprocess.run(['tshark', '-G', 'protocols'], capture_output=True,
                         text=True, check=True).stdout
    return {line.split('\t')[2] for line in out.splitlines()
            if line.count('\t') >= 2}


def from_tshark(capture, options):
    """Call-IDs, and requests and replies by method and code, counted."""
    cmd = ['tshark', '-r', capture, *options, '-Y', 'sip', '-T', 'json',
           '-e', 'sip.Method', '-e', 'sip.Status-Code', '-e', 'sip.Call-ID']
    run = subprocess.run(cmd, capture_output=True, text=True, check=False)
    calls, lines = collections.Counter(), collections.Counter()
    for packet in json.loads(run.stdout or '[]'):
        layers = packet['_source']['layers']
        calls.update(layers.get('sip.Call-ID', []))
        lines.update(layers.get('sip.Method', []))
        lines.update(layers.get('sip.Status-Code', []))
    return calls, lines


def from_json(path, optional):
    calls, lines = collections.Counter(), collections.Counter()
    cut_calls, cut_lines = collections.Counter(), collections.Counter()
    with open(path, encoding='utf-8') as f:
        for text in f:
            m = json.loads(text)
            if 'call_id' not in m:
                continue
            call = m['call_id']
            line = str(m['status']) if m['status'] else m['method']
            if m.get('truncated') or call in optional:
                cut_calls[call] += 1
                cut_lines[line] += 1
            else:
                calls[call] += 1
                lines[line] += 1
    return (calls, cut_calls), (lines, cut_lines)


def differences(what, tshark, ours):
    whole, cut = ours
    out = []
    for key in sorted(set(tshark) | set(whole)):
        least, most = whole[key], whole[key] + cut[key]
        if not least <= tshark[key] <= most:
            out.append(f'{what} {key!r}: tshark {tshark[key]}, '
                       f'Earshot {least}' + (f' to {most}' if cut[key] else ''))
    return out


def check(capture, want, options, optional=()):
    calls, lines = from_tshark(capture, options)
    our_calls, our_lines = from_json(want, optional)
    return differences('Call-ID', calls, our_calls) + \
        differences('message', lines, our_lines)


def check_case(capture, known):
    """@return (reason for a skip or None, differences)"""
    folder = os.path.dirname(capture)
    beyond = os.path.join(folder, 'beyond-tshark.json')
    optional = {}
    if os.path.exists(beyond):
        with open(beyond, encoding='utf-8') as f:
            optional = json.load(f)
    if os.path.basename(folder) == 'capture-hep' and 'hep' not in known:
        return 'this tshark has no dissector for HEP', []
    options = OPTIONS if 'hep' in known else OPTIONS[:2]
    return None, check(capture, os.path.join(folder, 'want.jsonl'), options,
                       optional)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    if not shutil.which('tshark'):
        print('1..0 # SKIP tshark is not installed')
        return 0
    known = dissectors()
    if len(sys.argv) == 3:
        wrong = check(sys.argv[1], sys.argv[2],
                      OPTIONS if 'hep' in known else OPTIONS[:2])
        print('\n'.join(wrong) or 'tshark agrees')
        return 1 if wrong else 0
    captures = sorted(glob.glob(os.path.join(sys.argv[1],
                                             'capture-*/capture.*')))
    print(f'1..{len(captures)}')
    bad = 0
    for i, capture in enumerate(captures, 1):
        case = os.path.basename(os.path.dirname(capture))
        skip, wrong = check_case(capture, known)
        print(f'{"not ok" if wrong else "ok"} {i} - {case}' +
              (f' # SKIP {skip}' if skip else ''))
        for line in wrong:
            print('#', line)
        bad += bool(wrong)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
