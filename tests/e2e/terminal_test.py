#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lists as a person sees them: on terminals of several widths no line is
wider than the terminal, what matters most is there and what was left out is
told, hostile names do nothing, and a pipe gets all of it. And of which time
the states of the history are.

    terminal_test.py
"""
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import unicodedata

import harness as h

sys.path.insert(0, os.path.join(h.ROOT, 'tests', 'tools'))
import mkpcap  # noqa: E402

SAMPLE = os.path.join(h.ROOT, 'packaging', 'sample', 'sample.pcap')
LISTS = {'sessions': 'Timestamp', 'accounts': 'Username',
         'calls': 'Call Date', 'connections': 'Opened'}
# The screen, the bell, the direction of writing, wide letters, a formula.
HOSTILE = ('Zoë \x1b[2J\x07\u202egnp.exe 東京都庁の電話番号はこちらです '
           '=1+1 ' + 'x' * 300)
DAY = '2026-11-24T00:00:00Z'


def on_terminal(ear, columns, what, *words, **more):
    """The lines that a terminal of so many columns gets, and what is told
    beside."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ,
                struct.pack('HHHH', 24, columns, 0, 0))
    env = {k: v for k, v in os.environ.items() if k != 'COLUMNS'}
    env.update(LC_ALL='C.UTF-8', NO_COLOR='1', **more)
    p = subprocess.Popen([h.EARSHOT, what, '--data', ear.data, *words],
                         stdin=subprocess.DEVNULL, stdout=slave,
                         stderr=subprocess.PIPE, env=env)
    os.close(slave)
    out = b''
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # the other end was closed
            break
        if not piece:
            break
        out += piece
    os.close(master)
    told = p.communicate(timeout=60)[1].decode()
    return out.decode().replace('\r\n', '\n').splitlines(), told


def wide(line):
    return sum(2 if unicodedata.east_asian_width(c) in 'WF' else 1
               for c in line)


def hostile_capture(where):
    phone, proxy = ('192.0.2.9', 5060), ('192.0.2.2', 5060)
    head = ('REGISTER sip:example.org SIP/2.0\r\n'
            'Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1\r\n'
            f'From: "{HOSTILE}" <sip:evil@example.org>;tag=1\r\n'
            f'To: "{HOSTILE}" <sip:evil@example.org>\r\n'
            'Call-ID: hostile@192.0.2.9\r\nCSeq: 1 REGISTER\r\n'
            'Contact: <sip:evil@192.0.2.9:5060>\r\nExpires: 3600\r\n'
            f'User-Agent: {HOSTILE}\r\nContent-Length: 0\r\n\r\n').encode()
    reply = head.replace(b'REGISTER sip:example.org SIP/2.0',
                         b'SIP/2.0 200 OK')
    path = os.path.join(where, 'hostile.pcap')
    at = 1795470391 * 10**9  # within the sample
    with open(path, 'wb') as f:
        f.write(mkpcap.pcap(
            [(at + i * 10**6, mkpcap.ether(mkpcap.ip4(
                a[0], b[0], 17, mkpcap.udp(*a, *b, data))))
             for i, (a, b, data) in enumerate(
                 ((phone, proxy, head), (proxy, phone, reply)))]))
    return path


def check_widths(tap, ear):
    for what, first in LISTS.items():
        for columns in (20, 40, 80, 100, 132, 200):
            lines, told = on_terminal(ear, columns, what)
            long = [x for x in lines if wide(x) > columns]
            # the last that is left may not be cut: a time, a user
            tap.ok(len(lines) > 1 and first in lines[0] and
                   (not long or columns == 20),
                   f'{what} on {columns} columns', lines[0], *long[:3])
            rest = len(lines[0].split('  '))
            if columns == 40:
                tap.ok('did not fit: --wide' in told,
                       f'{what}: what was left out is told', told)
        lines, told = on_terminal(ear, 400, what)
        tap.ok('did not fit' not in told and rest > 1,
               f'{what} on a wide one: all of it', told)
        full, told = on_terminal(ear, 80, what, '--wide')
        tap.ok('did not fit' not in told and
               [x.split() for x in full] == [x.split() for x in lines],
               f'{what} --wide: the same', full[0], lines[0])
        chosen, _ = on_terminal(ear, 200, what, COLUMNS='60')
        tap.ok(max(map(wide, chosen)) <= 60, f'{what}: COLUMNS is obeyed')
        p = subprocess.run([h.EARSHOT, what, '--data', ear.data],
                           capture_output=True, text=True, check=True,
                           env={**os.environ, 'COLUMNS': '20'})
        piped = p.stdout.splitlines()
        tap.ok(len(piped) == len(full) and len(piped[0].split('\t')) > 7 and
               '…' not in p.stdout and 'did not fit' not in p.stderr,
               f'{what} in a pipe: whole', piped[0], p.stderr)


def check_hostile(tap, ear):
    lines, _ = on_terminal(ear, 300, 'accounts', 'username == evil')
    text = '\n'.join(lines)
    tap.ok(len(lines) == 2 and 'Zoë \\x1b[2J\\x07\\xe2\\x80\\xaegnp' in text,
           'a hostile name is shown and not obeyed', text)
    tap.ok(not any(c in text for c in '\x1b\x07\u202e'),
           'no byte of it reaches the terminal', text)


def check_csv(tap, ear):
    """Of SQL as of the lists: one way to write a text."""
    for words in (('sql', 'SELECT description FROM accounts', '--csv'),
                  ('accounts', 'username == evil', '--csv', '--history')):
        p = subprocess.run(
            [h.EARSHOT, words[0], '--data', ear.data, *words[1:]],
            capture_output=True, text=True)
        tap.ok(p.returncode == 0 and '\x1b' not in p.stdout and
               'Zoë  [2J' in p.stdout,
               f'{words[0]} --csv: no control characters', p.stdout[-300:],
               p.stderr)
    p = subprocess.run(
        [h.EARSHOT, 'sql', '--data', ear.data, '--csv',
         "SELECT '=1+1' AS a, '+49' AS b, -1.5 AS c, 'x;y' AS d, 7 AS e"],
        capture_output=True)
    tap.equal(p.stdout.decode(), 'a,b,c,d,e\r\n"\'=1+1","+49",-1.5,"x;y",7\r\n',
              'sql --csv: texts are guarded, numbers are not')


def check_history(tap, ear):
    def ask(*words):
        return ear.must('accounts', '--json', '-n', '0', *words)
    states = {r['state'] for r in ask('--history')}
    tap.ok('on line' in states, 'the history, as of the newest record', states)
    later = {r['state'] for r in ask('--history', '--at', DAY)}
    tap.ok(later and not later & {'on line', 'unreachable'},
           'and as of days later: nobody is on line any more', later)
    every = sorted(ask('--history'), key=lambda r: r['at'])
    at = every[len(every) // 2]['at']
    then = ask('--history', '--at', at)
    tap.equal(sorted(r['at'] for r in then),
              [r['at'] for r in every if r['at'] <= at],
              'as of then: what had begun by then')
    tap.equal(sorted((r['username'], r['at']) for r in then
                     if r['state'] in ('on line', 'unreachable')),
              sorted((r['username'], r['at']) for r in ask('--at', at)),
              'and on line are those who were')


def main():
    with h.Tap() as tap, h.folder() as where:
        ear = h.Earshot(where, data=os.path.join(where, 'data'))
        ear.must('import', '--json', SAMPLE)
        check_history(tap, ear)
        ear.must('import', '--json', hostile_capture(where))
        check_widths(tap, ear)
        check_hostile(tap, ear)
        check_csv(tap, ear)


if __name__ == '__main__':
    main()
