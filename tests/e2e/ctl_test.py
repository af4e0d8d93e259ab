#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The control channel and `earshot ctl` of the real program, the same over
the HTTP API by role, and bash's completion, which asks the server."""
import grp
import http.client
import json
import os
import pwd
import re
import shutil
import socket
import stat
import subprocess
import time

import harness
import hep
from harness import Earshot, Tap, folder, wait_for

PASSWORD = 'correct-horse-battery'
ME = pwd.getpwuid(os.getuid()).pw_name


def ctl(ear, *words):
    p = subprocess.run([harness.EARSHOT, 'ctl', *words, '--data', ear.data],
                       stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=60)
    return p.returncode, p.stdout, p.stderr


def ask(ear, *requests):
    """Answers to requests on one connection, as any program would ask."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(os.path.join(ear.data, 'control.sock'))
        for i, (method, *params) in enumerate(requests):
            request = {'jsonrpc': '2.0', 'id': i, 'method': method}
            if params:
                request['params'] = params[0]
            s.sendall(json.dumps(request).encode() + b'\n')
        lines = s.makefile('r')
        return [json.loads(lines.readline()) for _ in requests]


def kamailios_words(tap, ear):
    """Its siptrace.c and sipcapture.c: the answers and faults of the RPC."""
    not_enough = (500, 'Not enough parameters (on, off or check)')
    bad = (500, 'Bad parameter (on, off or check)')
    rows = [
        (['check'], 'Enabled'), ({'command': 'check'}, 'Enabled'),
        (['off'], 'Disabled'), (['check'], 'Disabled'),
        (['CHECKED'], 'Disabled'), (['On'], 'Enabled'),
        (['OFFLINE'], 'Disabled'), (['only'], 'Enabled'),
        ([], not_enough), ({}, not_enough), (['of'], bad), ([''], bad),
        (['chec'], bad), ([7], bad),
    ]
    for method in 'siptrace.status', 'sipcapture.status':
        got = [a.get('result') or
               (a['error']['code'], a['error']['message'])
               for a in ask(ear, *((method, p) for p, _ in rows))]
        tap.equal(got, [want for _, want in rows], method)
    tap.equal(ask(ear, ('siptrace.status',))[0]['error']['message'],
              not_enough[1], 'without parameters at all')
    tap.equal(ctl(ear, 'siptrace.status', 'check'), (0, 'Enabled\n', ''),
              'earshot ctl siptrace.status check')
    code, _, error = ctl(ear, 'siptrace.status', 'perhaps')
    tap.ok(code == 2 and bad[1] in error, 'its refusal', code, error)


def strictly(tap, ear):
    rows = [
        ('trace.start', {'rul': 'x'}, "parameter 'rul'; do you mean rule?"),
        ('trace.start', {'rule': 'method =='}, 'rule: '),
        ('trace.start', {'rule': 'user == a', 'scope': 'call'},
         "scope is message, transaction or dialog, not 'call'"),
        ('trace.start', {'mirrors': ['homr']}, 'do you mean homer?'),
        ('trace.start', {'for': 'soon'}, "for: 'soon'"),
        ('trace.start', {'keep_before': '1h'}, 'holds only 5 min'),
        ('trace.start', {'max_messages': -1}, 'max_messages'),
        ('trace.start', {'max_messages': 1.5}, 'max_messages'),
        ('trace.start', {'why': 'x' * 256}, 'why is longer than 255'),
        ('trace.start', {'traced_user': ['u'] * 17}, 'more than 16'),
        ('trace.start', 'user == a', None),
        ('trace.stop', {}, 'name is missing'),
        ('trace.stop', ['a', 'b'], 'at most 1 parameter'),
        ('trace.switch', {'name': 'x', 'on': 'yes'},
         'on is neither true nor false'),
        ('log.level', ['loud'], "not 'loud'"),
        ('ledger', [1], 'at most 0 parameters'),
        ('hlog', {'text': ''}, 'text is empty'),
        ('sip_trace_msg', {'message': 'x', 'src': 'nowhere'}, 'src: '),
        ('sip_trace_msg', {'message': 'x', 'transport': 'pigeon'},
         "not 'pigeon'"),
        ('sip_trace_msg', {'message': 'x', 'direction': 'up'}, "not 'up'"),
    ]
    for (method, params, want), answer in zip(
            rows, ask(ear, *(r[:2] for r in rows))):
        error = answer.get('error', {})
        code = -32602 if want else -32600
        tap.ok(error.get('code') == code and (want or '') in
               error.get('message', ''), f'{method} {params}'[:70], answer)
    answer = ask(ear, ('trace.start', {'rule': 'user == a and foo'}))[0]
    tap.equal(answer['error'].get('data'), {'offset': 14},
              'an error in a rule says where')
    code, _, error = ctl(ear, 'trace', 'start', 'user == a and foo')
    tap.ok(code == 2 and '\n              ^\n' in error,
           'and ctl draws a caret', error)
    answer = ask(ear, ('trace.stop', {'name': 'nobody'}))[0]
    tap.equal(answer['error']['code'], -32000, 'no such trace')
    names = [m['name'] for m in ask(ear, ('rpc.list',))[0]['result']]
    tap.ok({'trace.start', 'reload', 'status'} <= set(names) and
           len(names) == len(set(names)), 'rpc.list has each once', names)


def traces(ear):
    result = ask(ear, ('trace.list',))[0]['result']
    return {t['name']: t for t in result['traces']}


def orders(tap, ear, udp):
    code, out, error = ctl(
        ear, 'trace', 'start', '--rule', 'from.user == alice', '--scope',
        'dialog', '--user', 'alice', '--user', '{to.user}', '--for', '10m',
        '--count', '3', '--size', '10M', '--mirror', 'homer',
        '--keep-before', '2m', '--why', 'ticket <b>4711</b>')
    found = re.match(r'(t\d+) runs until ', out)
    tap.ok(code == 0 and found, 'an order begins', code, out, error)
    name = found.group(1) if found else 't1'
    t = traces(ear)[name]
    want = {'rule': 'from.user == alice', 'scope': 'dialog',
            'traced_user': ['alice', '{to.user}'], 'mirrors': ['homer'],
            'max_messages': 3, 'max_bytes': 10 << 20,
            'keep_before_ns': 120 * 10**9, 'why': 'ticket <b>4711</b>',
            'by': f'{ME} (control)', 'standing': False, 'end': 'runs'}
    tap.equal({k: t[k] for k in want}, want, 'as it was asked for')
    tap.ok(traces(ear)['failed']['standing'], 'one stands in the file')
    tap.ok(any(f'{name} started by {ME} (control)' in n['text'] for n in
               ear.status()['notices']), 'the notice says who')
    udp.send(hep.hep3(hep.options('one')))
    tap.ok(wait_for(lambda: traces(ear)[name]['messages'] == 1),
           'it counts what it takes', traces(ear)[name])
    tap.equal(ctl(ear, 'trace', 'off', name)[:2], (0, f'{name} is off\n'),
              'off')
    udp.send(hep.hep3(hep.options('two')))
    udp.send(hep.hep3(hep.options('by-bob', user='bob')))
    wait_for(lambda: len(ear.search()) >= 3)
    tap.equal(traces(ear)[name]['messages'], 1, 'then it takes nothing')
    tap.equal(ctl(ear, 'trace', 'on', name)[0], 0, 'on')
    for i in range(4):
        udp.send(hep.hep3(hep.options(f'more-{i}')))
    tap.ok(wait_for(lambda: traces(ear)[name]['end'] == 'count'),
           'it ends by its count', traces(ear)[name])
    code, out, _ = ctl(ear, 'trace', 'list')
    tap.ok(re.search(rf'^{name}\tended\tcount\tdialog\t3\t', out, re.M),
           'the list says so', out)
    code, _, error = ctl(ear, 'trace', 'stop', 'failed')
    tap.ok(code == 2 and 'configuration' in error,
           'a standing one is not stopped', error)
    code, out, _ = ctl(ear, 'trace', 'start', '--json', 'malformed')
    until = json.loads(out)['until'] if code == 0 else ''
    left = time.mktime(time.strptime(until[:19], '%Y-%m-%dT%H:%M:%S')) - \
        time.mktime(time.gmtime())
    tap.ok(870 < left <= 901, 'without an end it lasts 15 minutes', until)


def survives(tap, ear):
    ctl(ear, 'trace', 'start', '--name', 'kept', '--for', '1h', 'sdp')
    ctl(ear, 'siptrace.status', 'off')
    ear.stop()
    ear.start()
    t = traces(ear).get('kept', {})
    tap.equal((t.get('end'), t.get('by')), ('runs', f'{ME} (control)'),
              'an order survives a restart')
    tap.equal(ctl(ear, 'siptrace.status', 'check')[1], 'Disabled\n',
              'and so does the switch')
    code, out, error = ctl(ear, 'trace', 'list')
    tap.ok('Tracing is OFF' in error, 'of which the list warns', error)
    ctl(ear, 'siptrace.status', 'on')
    tap.equal(ctl(ear, 'trace', 'stop', 'kept')[:2], (0, 'kept stopped\n'),
              'stop')


def the_rest(tap, ear, udp):
    udp.send(hep.hep3(hep.options('one')))
    ear.settle(1)
    tap.equal(ctl(ear, 'level')[1], 'notice\n', 'the level')
    tap.equal(ctl(ear, 'level', 'debug')[1], 'debug\n', 'is changed')
    tap.equal(ctl(ear, 'level')[1], 'debug\n', 'and stays')
    follow = subprocess.Popen(
        [harness.EARSHOT, 'ctl', 'notices', '--follow', '--json', '--data',
         ear.data], stdout=subprocess.PIPE, text=True)
    wait_for(lambda: 'log.level' in follow.stdout.readline())
    ctl(ear, 'level', 'info')
    got = json.loads(follow.stdout.readline())
    tap.ok(got['event'] == 'log.level' and 'is info' in got['text'],
           'notices --follow shows what comes, once', got)
    follow.terminate()
    follow.wait()
    ctl(ear, 'level', 'debug')
    code, out, _ = ctl(ear, 'mirrors')
    tap.ok('homer\thep\thep:127.0.0.1:9' in out, 'mirrors', out)
    code, out, _ = ctl(ear, 'ledger')
    tap.ok(out.startswith('tap\tsource\treceived'), 'ledger', out)
    code, out, _ = ctl(ear, 'notices')
    tap.ok(f'log.level: by {ME} (control): the log\'s level is debug' in out,
           'notices', out)
    tap.equal(ctl(ear, 'hlog', 'trunk 2 is out', '-c', 'one')[0], 0, 'hlog')
    rows = wait_for(lambda: [r for r in ear.search('call_id == "one"')
                             if r['kind'] == 'event'])
    tap.ok(rows, 'is found in its conversation', ear.search())
    ask(ear, ('sip_trace_msg', {
        'message': hep.options('handed').decode(), 'src': '192.0.2.7:5060',
        'dst': '192.0.2.8:5060', 'transport': 'tls', 'direction': 'out'}))
    rows = wait_for(lambda: ear.search('call_id == "handed"'))
    want = {'src': '192.0.2.7:5060', 'dst': '192.0.2.8:5060',
            'transport': 'tls', 'direction': 'out', 'method': 'OPTIONS'}
    tap.equal({k: rows[0][k] for k in want} if rows else None, want,
              'sip_trace_msg is found as it was handed over')
    tap.equal(ctl(ear, 'reload')[0], 0, 'reload')
    tap.equal(ctl(ear, 'level')[1], 'notice\n', 'its level is in force')
    ctl(ear, 'level', 'debug')
    with open(ear.config, 'a') as f:
        f.write('trace broken { rule = "nonsense ==" }\n')
    code, _, error = ctl(ear, 'reload')
    tap.ok(code and 'broken' in error, 'a wrong file is refused', error)
    tap.ok('broken' not in traces(ear), 'and nothing changed')
    for words, want in ((['frob'], 2), ([], 2), (['--help'], 0),
                        (['ledgr'], 2), (['no.such'], 2),
                        (['raw', 'ping', '{'], 2), (['raw', 'ping'], 0),
                        (['trace', 'begin'], 2), (['trace', '--help'], 0),
                        (['trace', 'stop'], 2), (['level', 'a', 'b'], 2)):
        p = subprocess.run([harness.EARSHOT, 'ctl', *words],
                           env={**os.environ, 'EARSHOT_DATA': ear.data},
                           capture_output=True, text=True)
        tap.equal(p.returncode, want, f'ctl {" ".join(words)}')
    p = subprocess.run(
        [harness.EARSHOT, 'ctl', '--data', ear.data, '--json', 'level'],
        capture_output=True, text=True)
    tap.equal(p.stdout, '"debug"\n', 'options may stand before the word')


class Web:
    def __init__(self, ear, name):
        self.ear = ear
        self.cookie = ''
        self.ask('POST', 'login', {'name': name, 'password': PASSWORD})

    def ask(self, method, path, body=None, mark=True):
        conn = http.client.HTTPConnection('127.0.0.1', self.ear.console,
                                          timeout=30)
        headers = {'Cookie': 'earshot_session=' + self.cookie}
        if mark:
            headers['X-Earshot'] = '1'
        conn.request(method, '/api/v1/' + path,
                     None if body is None else json.dumps(body), headers)
        answer = conn.getresponse()
        found = re.match('earshot_session=([0-9a-f]+)',
                         answer.headers.get('Set-Cookie', ''))
        self.cookie = found.group(1) if found else self.cookie
        text = answer.read()
        conn.close()
        return answer.status, json.loads(text)


def over_http(tap, ear):
    for name, role in ('vera', 'viewer'), ('olga', 'operator'):
        subprocess.run([harness.EARSHOT, 'user', 'add', name, '--role', role,
                        '--data', ear.data], input=PASSWORD + '\n',
                       text=True, check=True, capture_output=True)
    vera, olga = Web(ear, 'vera'), Web(ear, 'olga')
    nobody = Web(ear, 'nobody')
    tap.equal(nobody.ask('GET', 'traces')[0], 401, 'log in first')
    status, got = vera.ask('GET', 'traces')
    tap.ok(status == 200 and got['on'] and got['now'] and
           'recorder' in got and any(t['name'] == 'failed' for t in
                                     got['traces']), 'a viewer sees', got)
    status, got = vera.ask('GET', 'mirrors')
    tap.equal((status, [m['name'] for m in got['mirrors']]),
              (200, ['homer']), 'mirrors too')
    order = {'rule': 'user == "olga"', 'for': '5m', 'name': 'o/1 <b>'}
    for path, body in (('traces', order), ('traces/failed/off', {}),
                       ('siptrace', {'on': False})):
        tap.equal(vera.ask('POST', path, body)[0], 403,
                  f'a viewer may not: {path}')
        tap.equal(olga.ask('POST', path, body, mark=False)[0], 403,
                  f'nor may a form of another site: {path}')
    status, got = olga.ask('POST', 'traces', {'rule': 'a b ==='})
    tap.ok(status == 400 and 'offset' in got, 'a wrong rule says where', got)
    status, got = olga.ask('POST', 'traces', {'rulee': 'x'})
    tap.ok(status == 400 and 'offset' not in got and 'rule?' in got['error'],
           'an unknown member', got)
    for body in ([], 'x', None):
        tap.equal(olga.ask('POST', 'traces', body)[0], 400, f'body {body}')
    status, got = olga.ask('POST', 'traces', {**order, 'name': 'o-1'})
    tap.equal((status, got.get('name')), (200, 'o-1'), 'an operator starts')
    tap.equal(traces(ear)['o-1']['by'], 'olga@127.0.0.1', 'who asked')
    tap.equal(olga.ask('POST', 'traces', {'name': 'o-1'})[0], 400,
              'a name is taken once')
    tap.equal(olga.ask('POST', 'traces/o-1/off', {})[0], 200, 'off')
    tap.equal(traces(ear)['o-1']['on'], False, 'it is off')
    tap.equal(olga.ask('POST', 'traces/o-1/on', {})[0], 200, 'on')
    tap.equal(olga.ask('POST', 'traces/o-1/stop', {})[0], 200, 'stop')
    t = traces(ear)['o-1']
    tap.equal((t['end'], t['ended_by']), ('stopped', 'olga@127.0.0.1'),
              'and by whom')
    tap.equal(olga.ask('POST', 'traces/o-1/stop', {})[0], 404, 'once only')
    tap.equal(olga.ask('POST', 'traces/failed/stop', {})[0], 400,
              'not one of the configuration')
    for path in ('traces/x', 'traces//stop', 'traces/x/frob',
                 'traces/' + 'x' * 300 + '/stop'):
        tap.equal(olga.ask('POST', path, {})[0], 404, path[:40])
    tap.equal(olga.ask('POST', 'siptrace', {'on': False}),
              (200, {'on': False}), 'the switch')
    tap.equal(ctl(ear, 'siptrace.status', 'check')[1], 'Disabled\n',
              'is the same switch')
    tap.equal(olga.ask('POST', 'siptrace', {'on': 1})[0], 400, 'strictly')
    olga.ask('POST', 'siptrace', {'on': True})


def completion(tap, ear):
    if not shutil.which('bash'):
        tap.skip('completion', 'no bash')
        return
    ctl(ear, 'trace', 'start', '--name', 'here-it-is', 'sdp')
    script = os.path.join(harness.ROOT, 'packaging/bash-completion/earshot')

    def complete(*words):
        shell = f'''earshot() {{ "$EARSHOT" "$@"; }}
            . {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
            _earshot; printf '%s\\n' "${{COMPREPLY[@]}}"'''
        p = subprocess.run(
            ['bash', '-c', shell, '-', 'earshot', *words], text=True,
            env={**os.environ, 'EARSHOT_DATA': ear.data,
                 'EARSHOT': harness.EARSHOT}, capture_output=True)
        return p.stdout.split()
    for words, want in (
            (('ct',), 'ctl'), (('ctl', 'mir'), 'mirrors'),
            (('ctl', 'trace.sta'), 'trace.start'),
            (('ctl', 'siptrace.s'), 'siptrace.status'),
            (('ctl', 'siptrace.status', 'ch'), 'check'),
            (('ctl', 'trace', 'sta'), 'start'),
            (('ctl', 'trace', 'start', '--keep'), '--keep-before'),
            (('ctl', 'trace', 'start', '--scope', 'd'), 'dialog'),
            (('ctl', 'trace', 'start', '--mirror', 'h'), 'homer'),
            (('ctl', 'trace', 'stop', 'her'), 'here-it-is'),
            (('ctl', 'level', 'deb'), 'debug')):
        tap.ok(want in complete(*words), f'completes {" ".join(words)}',
               complete(*words))


def too_many(tap, ear):
    path = os.path.join(ear.data, 'control.sock')
    held = [socket.socket(socket.AF_UNIX) for _ in range(17)]
    for s in held:
        s.settimeout(5)
        s.connect(path)
    answer = json.loads(held[-1].recv(4096) or '{}')
    tap.ok(answer.get('error', {}).get('code') == -32001 and
           'too many clients' in answer['error']['message'],
           'one client too many is told so', answer)
    tap.equal(held[-1].recv(1), b'', 'and turned away')
    # from before its request to behind it: whenever it is turned away
    said = {ear.run('status')[2] for _ in range(30)}
    tap.ok(len(said) == 1 and 'too many clients' in said.pop(),
           'a command says it too', said)
    for s in held:
        s.close()
    tap.ok(harness.wait_for(lambda: ear.run('status')[0] == 0),
           'and finds its place when they have gone')


def groups(tap, where):
    """The socket's group; to give a file away needs to be in it, or root."""
    own = [g.gr_name for g in map(grp.getgrgid, os.getgroups())]
    name = 'daemon' if os.getuid() == 0 else own[-1]
    ear = Earshot(where, control={'group': name})
    ear.start()
    st = os.stat(os.path.join(ear.data, 'control.sock'))
    tap.equal((stat.S_IMODE(st.st_mode), grp.getgrgid(st.st_gid).gr_name),
              (0o660, name), 'the socket belongs to the group')
    ear.stop()
    ear = Earshot(where, control={'group': 'no-such-group'})
    try:
        ear.start()
        tap.ok(False, 'an unknown group is no start')
    except RuntimeError as e:
        tap.ok("no group 'no-such-group'" in str(e),
               'an unknown group is a fault at the start', str(e)[-400:])


with Tap() as tap, folder() as where:
    ear = Earshot(where, **{
        'mirror homer': {'to': 'hep:127.0.0.1:9', 'take': 'traced'},
        'trace failed': {'rule': 'status >= 500', 'scope': 'dialog'}})
    ear.start()
    udp = hep.Udp(ear.port)
    kamailios_words(tap, ear)
    strictly(tap, ear)
    orders(tap, ear, udp)
    survives(tap, ear)
    over_http(tap, ear)
    completion(tap, ear)
    too_many(tap, ear)
    the_rest(tap, ear, udp)
    tap.equal(ear.stop(), 0, 'it ends well')
    log = harness.tail(ear.log, 10000)
    tap.ok('ERROR' not in log and 'runtime error' not in log,
           'and no sanitizer spoke', log[-2000:])
    with folder() as other:
        groups(tap, other)
