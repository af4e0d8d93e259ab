#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a newcomer does, by the README alone: its `make run` with its capture
section, its lines for Kamailio, and traffic of SIPp and of phones over UDP, TCP
and TLS. The four pages of the main menu, open in Chromium, fill by themselves;
a TLS phone that is killed is a DISCONNECT NETWORK_ERROR of its account; the CSV
is what a spreadsheet opens. Pictures are kept in artifacts/shown beside the
program, or EARSHOT_SHOTS."""
import csv
import io
import json
import os
import re
import shutil
import subprocess
import time

import ends
import harness as h
import web


def readme():
    """Its blocks of code, without their indent."""
    with open(os.path.join(h.ROOT, 'README.md')) as f:
        text = f.read()
    return [re.sub('^   ', '', b, flags=re.M)
            for b in re.findall(r'^ *```\w*\n(.*?)^ *```', text, re.M | re.S)]


def block(word):
    return next(b for b in readme() if word in b)


def configure(where, ear, office):
    """The README's section, with this test's device and ports; the rest moves
    the defaults to ports that are free."""
    text = block('capture "wire"').replace('"eth0"', '"lo"')
    text = text.replace('port 5060', f'port {office.port}')
    text = text.replace('port 5061', f'port {office.tls}')
    path = os.path.join(where, 'newcomer.conf')
    with open(ear.config) as f:
        ours = f.read()
    with open(path, 'w') as f:
        f.write(text + ours)
    ear.config = path


def make_run(ear):
    """The command of `make run`, with the program under test."""
    said = subprocess.run(
        ['make', '-n', 'run', f'DATA={ear.data}', f'CONFIG={ear.config}'],
        cwd=h.ROOT, capture_output=True, text=True).stdout
    words = re.search(r'build/earshot (serve .*)',
                      said.replace('\\\n', ' '))[1]
    return [h.EARSHOT, *words.split()]


def trace_as_readme(office, ear):
    """Its siptrace is what the README says, and nothing else."""
    lines = block('loadmodule "siptrace.so"').replace(
        '127.0.0.1:9060', f'127.0.0.1:{ear.port}')
    with open(office.cfg) as f:
        text = re.sub(r'^(loadmodule|modparam\()\s*"siptrace.*\n', '',
                      f.read(), flags=re.M)
    with open(office.cfg, 'w') as f:
        f.write(text.replace('\nrequest_route {',
                             '\n' + lines + '\nrequest_route {', 1))


class Pages:
    """The four pages in Chromium."""

    def __init__(self, ear, password, shots):
        env = dict(os.environ, EARSHOT_URL=f'http://127.0.0.1:{ear.console}',
                   EARSHOT_PASSWORD=password, EARSHOT_SHOTS=shots)
        self.child = subprocess.Popen(
            ['node', os.path.join(h.HERE, 'console', 'shown.mjs')], env=env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.line()

    def line(self):
        text = self.child.stdout.readline()
        if not text:
            raise RuntimeError('the browser ended')
        return json.loads(text)

    def shot(self, moment):
        self.child.stdin.write(moment + '\n')
        self.child.stdin.flush()
        return self.line()

    def close(self):
        self.child.stdin.close()
        self.child.wait(30)


def traffic(where, office):
    """Registrations and calls over each transport. @return phones that stay"""
    phones = []
    for user, transport in (('uma', 'udp'), ('tom', 'tcp'), ('lea', 'tls'),
                            ('max', 'tls')):
        phone = ends.Phone(user, office, transport)
        assert phone.register() == 200
        phones.append(phone)
    for transport, callee in (('u1', 'bob'), ('t1', 'sara'), ('l1', 'carol')):
        own = h.free_port()
        answers, _ = ends.run_sipp(where, office, 'phone-answers', callee, '-',
                                   3, own=own)
        ends.wait(ends.run_sipp(where, office, 'register', callee, '600',
                                contact=own)[0])
        ends.wait(ends.run_sipp(where, office, 'call', f'from{transport}',
                                callee, 3, transport=transport)[0])
        h.stop(answers)
    return phones


def main():
    with h.Tap() as tap, h.folder() as where:
        missing = ends.missing() or h.have('node', 'make')
        if missing or os.geteuid():
            tap.skip('what a newcomer does', missing or
                     'not allowed to capture here')
            return
        shots = os.environ.get('EARSHOT_SHOTS') or os.path.join(
            os.path.dirname(h.EARSHOT), 'artifacts', 'shown')
        shutil.rmtree(shots, ignore_errors=True)
        ear = h.Earshot(where)
        office = ends.Office(where, f'127.0.0.1:{ear.port}')
        configure(where, ear, office)
        trace_as_readme(office, ear)
        ear.child = h.start(make_run(ear), ear.log, cwd=h.ROOT)
        tap.ok(h.wait_for(ear.ready, 20), 'make run, with the README\'s '
               'section', h.tail(ear.log))
        office.start()
        with open(ear.log) as f:
            given = re.search(r'One-time password\s+(\S+)', f.read())[1]
        pages = Pages(ear, given, shots)
        at_first = pages.shot('1-sample')
        tap.ok(all(at_first[p] > 0 for p in (
            'sessions', 'accounts', 'web-sessions', 'calls')),
            'the sample is on all four pages', at_first)
        phones = traffic(where, office)
        filled = pages.shot('2-traffic')
        tap.ok(filled['sessions'] > at_first['sessions'] and
               filled['calls'] > at_first['calls'] and
               filled['accounts'] > at_first['accounts'],
               'they fill while they are watched, by themselves', at_first, filled)
        tap.ok(all(u in filled['accounts text'] for u in
                   ('uma', 'tom', 'lea', 'max')), 'who is on line is there',
               filled['accounts text'][:2000])
        calls = ear.must('calls', '--json', '-n', '0', 'src ~ "^from"')
        tap.equal(sorted((r['src'], r['dst'], r['disposition'])
                         for r in calls),
                  sorted([('fromu1', 'bob', 'ANSWERED'),
                          ('fromt1', 'sara', 'ANSWERED'),
                          ('froml1', 'carol', 'ANSWERED')] * 3),
                  'nine calls over UDP, TCP and TLS, one row of each')
        api = web.Api(ear.console)
        wrong = web.Api(ear.console).post('login', name='admin',
                                          password='no idea at all')[0]
        phones[2].reset()
        lea = phones[2].name

        def told():
            return [(r['event'], r['details'], r['inferred'])
                    for r in ear.must('sessions', '--json', '-n', '0',
                                      f'peername == {lea}')][:1]
        want = [('DISCONNECT', 'NETWORK_ERROR', False)]
        h.wait_for(lambda: told() == want, 10, .3)
        tap.equal(told(), want, 'a TLS phone that is killed: DISCONNECT '
                  'NETWORK_ERROR of its account, seen and not inferred')
        states = {r['username']: r['state'] for r in ear.must(
            'accounts', '--json', '-n', '0', 'username in (lea, max)')}
        tap.equal(states, {'lea': 'unreachable', 'max': 'on line'},
                  'it is unreachable, and the other is not')
        last = pages.shot('3-killed')
        tap.ok('NETWORK_ERROR' in last['sessions text'],
               'the page says so, too', last['sessions text'][:600])
        tap.ok(wrong == 401 and 'FAIL_BAD_CREDENTIALS' in
               last['web-sessions text'], 'Web Sessions, who failed to log in',
               last['web-sessions text'][:600])
        tap.equal(last['problems'], [], 'and nothing went wrong on them')
        pages.close()
        api.post('login', name='admin', password='long enough now')
        for name, least in (('sessions', 20), ('accounts', 4), ('calls', 9),
                            ('web-sessions', 3)):
            status, _, body = api.raw('GET', f'/api/v1/{name}?format=csv')
            rows = list(csv.reader(io.StringIO(body.decode(), newline='')))
            tap.ok(status == 200 and len(rows) > least and
                   len({len(r) for r in rows}) == 1,
                   f'the CSV of {name} is a table', status, rows[:2])
        for phone in phones:
            phone.sock.close()
        office.stop()
        tap.equal(ear.stop(), 0, 'ends well')


main()
