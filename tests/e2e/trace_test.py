#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Traces of the real program: a store that keeps what they take, a call kept
from before it failed, orders and dialogs across restarts, the rows of
sip_trace, and the switch."""
import json
import os
import subprocess
import time

import harness
import hep
from harness import Earshot, Tap, folder, wait_for

A, B = ('192.0.2.1', 5060), ('192.0.2.2', 5060)


def sip(first, call, cseq, user, tag, to_tag=''):
    to_tag = f';tag={to_tag}' if to_tag else ''
    branch = f'z9hG4bK{call}{cseq.replace(" ", "")}'
    return (f'{first}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch={branch}\r\n'
            f'Max-Forwards: 70\r\n'
            f'From: <sip:{user}@example.com>;tag={tag}\r\n'
            f'To: <sip:600@example.com>{to_tag}\r\nCall-ID: {call}\r\n'
            f'CSeq: {cseq}\r\nContact: <sip:{user}@192.0.2.1>\r\n'
            f'Content-Length: 0\r\n\r\n').encode()


def invite(call, user):
    return sip('INVITE sip:600@example.com SIP/2.0', call, '1 INVITE', user,
               'a'), A, B


def answer(call, user, status, words):
    return sip(f'SIP/2.0 {status} {words}', call, '1 INVITE', user, 'a',
               'b'), B, A


def bye_of_callee(call):
    return sip('BYE sip:caller@192.0.2.1 SIP/2.0', call, '7 BYE', '600', 'b',
               'a'), B, A


class Scene:
    def __init__(self, ear):
        self.ear = ear
        self.udp = hep.Udp(ear.port)
        self.sent = 0

    def send(self, *messages):
        for raw, src, dst in messages:
            self.udp.send(hep.hep3(raw, src=src, dst=dst))
            self.sent += 1
            time.sleep(0.01)

    def settle(self):
        """All that was sent since the start is stored or filtered."""
        def done():
            t = self.ear.totals()
            return (t['received'] >= self.sent and t.get('open', 0) == 0 and
                    t['searchable'] >= t['stored'])
        return wait_for(done, 20, 0.1)

    def restart(self, how):
        how()
        self.ear.start()
        self.udp.close()
        self.udp = hep.Udp(self.ear.port)
        self.sent = 0

    def what(self, call):
        """What is kept of a call, in order: method or status, traces, users"""
        rows = self.ear.search(f'call_id == "{call}"')
        rows.sort(key=lambda r: r['at'])
        return [f'{r["status"] or r["method"]} {r["trace"]} '
                f'{r["traced_user"]}'.strip() for r in rows]


def ctl(ear, *words):
    p = subprocess.run([harness.EARSHOT, 'ctl', *words, '--data', ear.data],
                       stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=60)
    if p.returncode:
        raise RuntimeError(f'ctl {words}: {p.stderr}')
    return p.stdout


def traces(ear):
    rows = json.loads(ctl(ear, 'raw', 'trace.list'))
    rows = rows.get('traces', rows) if isinstance(rows, dict) else rows
    return {t['name']: t for t in rows}


def sql(ear, query):
    return ear.must('sql', '--json', query)


def failed_call(tap, scene):
    scene.send(invite('fail', 'bob'), answer('fail', 'bob', 180, 'Ringing'),
               invite('good', 'bob'), answer('good', 'bob', 200, 'OK'),
               answer('fail', 'bob', 486, 'Busy Here'),
               (sip('ACK sip:600@example.com SIP/2.0', 'fail', '1 ACK', 'bob',
                    'a', 'b'), A, B))
    tap.ok(scene.settle(), 'all is accounted for', scene.ear.totals())
    tap.equal(scene.what('fail'),
              ['INVITE failed bob', '180 failed bob', '486 failed bob',
               'ACK failed bob'],
              'a call that failed is kept from before its failure on')
    tap.equal(scene.what('good'), [], 'one that did not is not kept')
    t = scene.ear.totals()
    tap.equal((t['stored'], t['filtered']), (4, 2),
              'and all of it is in the ledger')
    trace = traces(scene.ear)['failed']
    tap.equal((trace['messages'], trace['recalled'], trace['standing']),
              (4, 2, True), 'the trace says so too')


def rows_of_siptrace(tap, scene):
    rows = sql(scene.ear, "SELECT traced_user, method, status FROM sip_trace "
               "WHERE callid = 'fail' ORDER BY time_stamp, time_us, "
               "traced_user")
    rows = [r for r in rows if 'method' in r]
    tap.equal([(r['traced_user'], r['method'], r['status']) for r in rows],
              [(u, m, s) for m, s in (('INVITE', ''), ('INVITE', '180'),
                                      ('INVITE', '486'), ('ACK', ''))
               for u in ('', 'bob')],
              'sip_trace: a row without a user and one for each')
    rows = sql(scene.ear, "SELECT traced_user FROM sip_trace_once "
               "WHERE callid = 'fail'")
    tap.equal(len([r for r in rows if 'traced_user' in r]), 4,
              'sip_trace_once: one a message')


def restarts(tap, scene):
    ear = scene.ear
    ctl(ear, 'trace', 'start', '--name', 'order', '--rule',
        'from.user == alice', '--scope', 'dialog', '--for', '1h',
        '--user', '{from.user}', '--why', 'the restart')
    scene.send(invite('mid', 'alice'), answer('mid', 'alice', 180, 'Ringing'))
    scene.settle()
    scene.restart(ear.stop)
    order = traces(ear)['order']
    tap.equal((order['messages'], order['open'], order['why']),
              (2, 1, 'the restart'), 'an order goes on with its counts')
    scene.send(answer('mid', 'alice', 200, 'OK'), bye_of_callee('mid'))
    scene.settle()
    tap.equal(scene.what('mid'),
              ['INVITE order alice', '180 order alice', '200 order alice',
               'BYE order alice'],
              'a dialog in the middle of a restart is followed to its end')
    tap.ok(wait_for(lambda: '"messages":4' in saved(ear), 15, 0.3),
           'counts are on disk within seconds', saved(ear))
    scene.restart(ear.kill)
    tap.equal(traces(ear)['order']['messages'], 4,
              'after kill -9 it is there as well')
    scene.send(invite('second', 'alice'))
    time.sleep(2)  # what is followed is written down
    scene.send(invite('third', 'alice'))
    scene.settle()
    tap.equal(scene.what('third'), ['INVITE order alice'], 'and takes more')
    time.sleep(3)  # a second, and what a busy disk takes
    scene.restart(ear.kill)
    scene.send(bye_of_callee('third'))
    scene.settle()
    tap.equal(scene.what('third'), ['INVITE order alice', 'BYE order alice'],
              'a dialog that began seconds before a kill is followed on')


def saved(ear):
    with open(os.path.join(ear.data, 'traces.json')) as f:
        return f.read()


def switches(tap, scene):
    ear = scene.ear
    ctl(ear, 'trace', 'start', '--name', 'plain', '--rule',
        'from.user == carol')
    tap.equal(ctl(ear, 'siptrace.status', 'off').strip(), 'Disabled', 'off')
    scene.restart(ear.stop)
    tap.equal(ctl(ear, 'siptrace.status', 'check').strip(), 'Disabled',
              'off is still off after a restart')
    scene.send(invite('off1', 'alice'), invite('off2', 'carol'))
    scene.settle()
    tap.equal(scene.what('off2'), [], 'off: a trace takes nothing')
    tap.equal(scene.what('off1'), ['INVITE (off),order alice'],
              'but for traced users')
    rows = sql(ear, "SELECT traced_user FROM sip_trace WHERE callid='off1'")
    tap.equal([r['traced_user'] for r in rows if 'traced_user' in r],
              ['alice'], 'their rows, and none without a user')
    ctl(ear, 'siptrace.status', 'on')
    scene.send(invite('on', 'carol'))
    scene.settle()
    tap.equal(scene.what('on'), ['INVITE plain'], 'on again')
    ctl(ear, 'trace', 'stop', 'plain')
    tap.equal(traces(ear)['plain']['end'], 'stopped', 'stopped, and listed')
    for event in ('trace.started', 'trace.stopped', 'siptrace.on'):
        tap.ok(event in ear.notices(), f'{event} is a notice', ear.notices())


def main():
    with Tap() as tap, folder() as where:
        ear = Earshot(where, **{
            'store': {'keep': 'traced'},
            'recorder': {'size': '2M'},
            'trace failed': {
                'rule': 'status >= 400', 'scope': 'dialog',
                'keep_before': '2m', 'traced_user': ['{from.user}']}})
        ear.start()
        scene = Scene(ear)
        failed_call(tap, scene)
        rows_of_siptrace(tap, scene)
        restarts(tap, scene)
        switches(tap, scene)
        ear.stop()


if __name__ == '__main__':
    main()
