#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The console of the real program: what goes in by HEP comes out of the API,
live and searched, and the `user` command and the server agree on people."""
import re
import time

import harness
import hep
import wire
from harness import Earshot, Tap, folder, wait_for
from web import Api, user


def log_in(tap, ear, api):
    with open(ear.log) as f:
        given = re.search(r'One-time password\s+(\S+)', f.read())
    tap.ok(given, 'the first start prints a one-time password')
    tap.equal(api.post('login', name='admin', password=given.group(1))[0],
              200, 'it logs in')
    tap.equal(api.post('password', old=given.group(1),
                       new='a better password')[0], 200, 'and is changed')
    tap.ok(api.get('me')[1]['version'], 'me says the version')


def messages_come(tap, ear, api):
    live = wire.Follow(api.port, api.cookie)
    tap.ok(live.until(': here'), 'follow begins')
    udp = hep.Udp(ear.port)
    for i in range(20):
        udp.send(hep.hep3(hep.options(f'call-{i}')))
    began = time.time()
    tap.ok(live.until('"call_id":"call-19"'), 'a message comes live',
           live.text[-300:])
    tap.ok(time.time() - began < 2, 'within two seconds')
    tap.equal(live.text.count('event: message'), 20, 'each of them once')
    # a sender whose clock is half an hour behind
    udp.send(hep.hep3(hep.options('late'), at=time.time() - 1800))
    tap.ok(live.until('"call_id":"late"'),
           'also one whose capture time lies back')
    other = wire.Follow(api.port, api.cookie, 'from.user == "carol"')
    other.until(': here')
    udp.send(hep.hep3(hep.options('by-bob', user='bob')))
    udp.send(hep.hep3(hep.options('by-carol', user='carol')))
    tap.ok(other.until('by-carol') and 'by-bob' not in other.text,
           'with an expression only what matches', other.text[-500:])
    return live, udp


def searched(tap, ear, api):
    def found(q='', **more):
        return api.get('messages', q=q, **more)[1]
    wait_for(lambda: found()['found']['matched'] >= 23)
    one = found('call_id == "call-7"')
    tap.equal(len(one['messages']), 1, 'one Call-ID of all')
    tap.ok(one['found']['complete'], 'and the answer is whole', one['found'])
    m = one['messages'][0]
    status, full = api.get('messages/' + m['id'])
    tap.ok(status == 200 and full['call_id'] == 'call-7'
           and full['raw'].startswith('OPTIONS '), 'by its id', full)
    tap.equal(api.get('messages/ffff-1-0000000000')[0], 404, 'no such id')
    ids, cursor = [], ''
    for _ in range(20):
        page = found(limit=3, **({'cursor': cursor} if cursor else {}))
        ids += [x['id'] for x in page['messages']]
        cursor = page['found']['cursor']
        if not page['found']['more']:
            break
    tap.ok(len(ids) == len(set(ids)) == 23, 'by cursor all, each once', ids)
    status, ladder = api.get('conversation', call_id='call-7')
    tap.ok(status == 200 and ladder['messages'][0]['label'] == 'OPTIONS'
           and ladder['summary'], 'a conversation', ladder)
    h = api.get('histogram', buckets=50)[1]
    tap.equal(sum(map(sum, h['buckets'])), 23, 'the histogram counts all')
    status, headers, body = api.raw('GET', '/api/v1/export?format=json')
    tap.ok(headers['X-Earshot-Complete'] == 'yes'
           and len(body.splitlines()) == 24, 'export', headers, body[-300:])
    shown, said = api.get('status')[1], ear.status()
    tap.ok(shown.keys() <= said.keys() and shown['version'],
           'status says what `earshot status` says',
           sorted(shown), sorted(said))
    status, headers, body = api.raw('GET', '/')
    tap.ok(status == 200 and b'<script' in body, 'the page is there')


def imported_meanwhile(tap, ear, live, udp, where):
    """Another process writes a run of numbers of its own; then the server's
    messages still count as new."""
    path = where + '/one.hep'
    with open(path, 'wb') as f:
        f.write(hep.hep3(hep.options('imported')))
    code, _, error = ear.run('import', path)
    if code:
        tap.skip('an import beside the server', error.strip())
    else:
        tap.ok(live.until('"call_id":"imported"'),
               'what another process imports comes live')
    udp.send(hep.hep3(hep.options('after')))
    tap.ok(live.until('"call_id":"after"'), 'and what comes after it')


def people(tap, ear, api):
    code, out = user(ear, 'add', 'sara', typed='long enough\n')
    tap.ok(code == 0, 'a user is added beside the server', out)
    sara = Api(ear.console)
    tap.equal(sara.post('login', name='sara', password='long enough'),
              (200, {'name': 'sara', 'role': 'viewer', 'must_change': False}),
              'who can log in at once')
    code, out = user(ear, 'remove', 'sara')
    tap.ok(code == 0, 'and is removed', out)
    tap.equal(sara.get('me')[0], 401, 'whose session then ends')
    tap.equal(api.get('me')[0], 200, 'the others go on')


with Tap() as tap, folder() as where:
    ear = Earshot(where)
    ear.start()
    api = Api(ear.console)
    log_in(tap, ear, api)
    live, udp = messages_come(tap, ear, api)
    searched(tap, ear, api)
    people(tap, ear, api)
    imported_meanwhile(tap, ear, live, udp, where)
    tap.equal(ear.stop(), 0, 'it ends well, followers and all')
    log = harness.tail(ear.log, 10000)
    tap.ok('ERROR' not in log and 'runtime error' not in log,
           'and no sanitizer spoke', log[-2000:])
