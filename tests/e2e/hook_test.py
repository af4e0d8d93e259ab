#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lua scripts in the running server: what they do to messages, that harmful
ones lose none, reload of changed and broken ones, and the examples."""
import os
import re
import socket
import subprocess

import harness
import hep
from harness import Earshot, Tap, folder, tail, wait_for

EXAMPLES = os.path.join(harness.ROOT, 'packaging', 'hooks')
FIRST = '''
count = 0
function on_message(msg)
  count = count + 1
  if msg.method == "OPTIONS" then drop() end
  if msg.from_user == "alice" then traced_user("alice", "a" .. count) end
  if msg.status == 404 then
    hlog("no such user, password=hush\\nsecond line")
    hlog("other-id", "beside it")
  end
end
'''
ENDLESS = '''
function on_message(msg)
  drop()
  while true do pcall(error) end
end
'''
BROKEN = 'function on_message(msg)\n  drop(\nend\n'


def sip(start, call_id, user='alice', method='INVITE', body=''):
    return (f'{start}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{call_id}'
            f'\r\nMax-Forwards: 70\r\nFrom: <sip:{user}@example.com>;tag=f'
            f'\r\nTo: <sip:bob@example.com>\r\nCall-ID: {call_id}\r\n'
            f'CSeq: 1 {method}\r\nContact: <sip:{user}@192.0.2.1>\r\n'
            f'Content-Length: {len(body)}\r\n\r\n{body}').encode()


def request(call_id, user='alice', method='INVITE', body=''):
    return sip(f'{method} sip:bob@example.com SIP/2.0', call_id, user, method,
               body)


class Bench:
    """A server with a script, and a sender."""

    def __init__(self, where, text, **sections):
        self.script = os.path.join(where, 'hook.lua')
        self.write(text)
        self.ear = Earshot(where, hook={'script': self.script}, **sections)
        self.ear.start()
        self.udp = hep.Udp(self.ear.port)
        self.sent = 0

    def write(self, text):
        with open(self.script, 'w') as f:
            f.write(text)

    def send(self, *messages):
        for m in messages:
            self.udp.send(hep.hep3(m))
            self.sent += 1

    def hook(self):
        return self.ear.status().get('hook') or {}

    def calls(self, n):
        """Wait until the script saw so many."""
        return wait_for(lambda: self.hook().get('calls', 0) >= n, 20)

    def found(self, expr, n):
        wait_for(lambda: len(self.ear.search(expr)) >= n, 120, 0.5)
        return self.ear.search(expr)

    def reload(self):
        p = subprocess.run([harness.EARSHOT, 'ctl', 'reload', '--data',
                            self.ear.data], capture_output=True, text=True,
                           timeout=30)
        return p.returncode, p.stdout + p.stderr

    def stop(self):
        self.udp.close()
        return self.ear.stop()


def acts(tap, bench):
    bench.send(*[request(f'o{i}', method='OPTIONS') for i in range(10)],
               request('c1'), sip('SIP/2.0 404 Not Found', 'c1'),
               request('c2', 'carol'))
    tap.ok(bench.calls(13), 'the script sees every message', bench.hook())
    got = bench.found('call_id == c1', 3)
    tap.equal(sorted(r['kind'] for r in got), ['event', 'reply', 'request'],
              'a log event is found with its conversation')
    tap.equal(len(bench.ear.search('method == OPTIONS')), 0,
              'what it drops is not kept')
    users = {r['call_id']: r.get('traced_user') for r in
             bench.ear.search('kind == request')}
    tap.ok(str(users['c1']).startswith('alice') and not users['c2'],
           'traced users are marked', users)
    p = subprocess.run([harness.EARSHOT, 'show', 'c1', '--data',
                        bench.ear.data], capture_output=True, text=True)
    tap.ok('no such user, password=xxxx' in p.stdout,
           'show has the event in the ladder, without the secret', p.stdout)
    tap.ok('second line' not in p.stdout and '9060' not in p.stdout,
           'one line, and no party of its own', p.stdout)
    p = subprocess.run([harness.EARSHOT, 'show', 'c1', '--raw', '--data',
                        bench.ear.data], capture_output=True, text=True)
    tap.ok('second line' in p.stdout and 'hush' not in p.stdout,
           'the whole text is there', p.stdout)
    tap.equal(len(bench.ear.search('call_id == "other-id"')), 1,
              'an event of another conversation')
    t = bench.ear.totals()
    tap.equal(t.get('filtered'), 10, 'what was dropped is counted')


def reloads(tap, bench):
    bench.write(BROKEN)
    code, out = bench.reload()
    tap.ok(code and 'hook.lua:3:' in out,
           'a broken script is refused, with its line', code, out)
    before = bench.hook().get('calls', 0)
    bench.send(request('o99', method='OPTIONS'))
    bench.calls(before + 1)
    tap.equal(len(bench.ear.search('call_id == o99')), 0,
              'the one before stays')
    p = subprocess.run([harness.EARSHOT, 'check-config', bench.ear.config],
                       capture_output=True, text=True)
    tap.ok(p.returncode and 'hook.lua:3:' in p.stdout + p.stderr,
           'check-config finds it too', p.returncode, p.stdout, p.stderr)


def hostile(tap, bench):
    bench.write(ENDLESS)
    n = 1000
    bench.send(*[request(f'h{i}', 'mallory') for i in range(n // 2)])
    code, out = bench.reload()
    tap.ok(code == 0, 'a changed script is taken up under load', out)
    bench.send(*[request(f'k{i}', 'mallory') for i in range(n // 2)])
    got = bench.found('from.user == mallory', n)
    tap.equal(len(got), n, 'an endless script loses nothing')
    hook = bench.hook()
    tap.ok(hook.get('errors', 0) >= n // 2 and
           'more instructions' in hook.get('last_error', ''),
           'and its errors are counted and told', hook)
    tap.ok('hook.error' in bench.ear.notices(), 'as a notice, too',
           bench.ear.notices())


def examples(tap):
    def run(name, *messages, **sections):
        with open(os.path.join(EXAMPLES, name)) as f:
            text = f.read()
        with folder() as where:
            bench = Bench(where, text, **sections)
            bench.send(*messages)
            tap.ok(bench.calls(len(messages)), f'{name} runs', bench.hook(),
                   tail(bench.ear.log))
            wait_for(lambda: bench.ear.totals().get('searchable', 0) >=
                     bench.ear.totals().get('stored', 0), 10, 0.2)
            tap.equal(bench.hook().get('errors'), 0, f'{name}: no errors')
            rows = bench.ear.search()
            log = open(bench.ear.log).read()
            bench.stop()
        return rows, log

    rows, _ = run('drop-options.lua', request('a', method='OPTIONS'),
                  sip('SIP/2.0 200 OK', 'a', method='OPTIONS'),
                  sip('SIP/2.0 503 Away', 'a', method='OPTIONS'),
                  request('b'))
    tap.equal(sorted((r['call_id'], r['status']) for r in rows),
              [('a', 503), ('b', 0)], 'drop-options: failures stay')
    rows, _ = run('traced-users.lua', request('a'), request('b', 'carol'))
    tap.equal({r['call_id']: r.get('traced_user') for r in rows},
              {'a': 'alice', 'b': ''}, 'traced-users: a mark')
    rows, _ = run('trace-failures.lua', request('a'), request('b'),
                  sip('SIP/2.0 486 Busy Here', 'b'),
                  sip('SIP/2.0 503 No', 'a'), store={'keep': 'traced'})
    tap.equal(sorted((r['call_id'], r['kind']) for r in rows),
              [('a', 'event'), ('a', 'reply'), ('a', 'request')],
              'trace-failures: the call that failed, from its beginning')
    rows, log = run('hide-bodies.lua',
                    request('a', method='MESSAGE', body='secret words'),
                    sip('SIP/2.0 200 OK', 'a', method='MESSAGE'))
    tap.equal([r['kind'] for r in rows], ['reply'], 'hide-bodies: no MESSAGE')
    tap.ok(re.search('hook.print.*alice', log) and 'secret words' not in log,
           'and a line in the log', log)


def mirrors(tap):
    """sip_trace() sends to a mirror by its name or by its address."""
    with folder() as where, socket.socket(type=socket.SOCK_DGRAM) as box:
        box.bind(('127.0.0.1', 0))
        box.settimeout(10)
        to = f'hep:127.0.0.1:{box.getsockname()[1]}'
        bench = Bench(where, f'''
function on_message(msg)
  if msg.call_id == "m1" then sip_trace("{to}", "case-1") end
  if msg.call_id == "m2" then sip_trace("lab", "case-2", "m") end
  if msg.call_id == "m3" then sip_trace("nowhere") end
end
''', **{'mirror lab': {'to': to, 'take': 'traced'}})
        bench.send(request('m0'), request('m1'), request('m2'),
                   request('m3'))
        got = []
        try:
            while len(got) < 2:
                got.append(box.recv(65536))
            box.settimeout(1)
            got.append(box.recv(65536))
        except socket.timeout:
            pass
        tap.equal([(b'Call-ID: m1' in p, b'case-1' in p,
                    b'Call-ID: m2' in p, b'case-2' in p) for p in got],
                  [(True, True, False, False), (False, False, True, True)],
                  'two traced messages go to the mirror, and only they')
        tap.ok("there is no mirror 'nowhere'" in
               bench.hook().get('last_error', ''),
               'a mirror that is not there is told', bench.hook())
        tap.equal(len(bench.found('method == INVITE', 4)), 4,
                  'all of them are kept')
        bench.stop()


with Tap() as tap:
    with folder() as where:
        bench = Bench(where, FIRST)
        acts(tap, bench)
        reloads(tap, bench)
        hostile(tap, bench)
        tap.equal(bench.stop(), 0, 'the server ends well')
    mirrors(tap)
    examples(tap)
