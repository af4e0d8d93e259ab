#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Another configuration while messages flow: nothing is lost, a wrong line is
named and nothing changes, listeners come and go; and a mirror to a second
Earshot over kill -9: every message on the far side, and none that is not here.
"""
import collections
import os
import signal
import socket
import subprocess
import threading
import time

import harness as h
import hep


class Flow(threading.Thread):
    """Sends serials until it is stopped, at a rate that buffers take."""

    def __init__(self, name, sender, first=0):
        super().__init__(daemon=True)
        self.name, self.sender, self.serial = name, sender, first
        self.ended = False
        self.broken = False

    def run(self):
        while not self.ended:
            packet = hep.hep3(hep.options(f'{self.name}-{self.serial:08d}'))
            if not self.sender.send(packet):
                self.broken = True
                break
            self.serial += 1
            if self.serial % 10 == 0:
                time.sleep(0.004)

    def finish(self):
        self.ended = True
        self.join(5)
        self.sender.close()
        return self.serial


def reload(ear):
    """By the control socket. Exit status, output and errors."""
    p = subprocess.run(
        [h.EARSHOT, 'ctl', 'reload', '--data', ear.data], text=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return p.returncode, p.stdout + p.stderr


def write(ear, *sections, min_free='1M'):
    with open(ear.config, 'w') as f:
        f.write('# A comment is a line like any other.\n')
        for name, keys in sections:
            f.write(ear.section(name, keys))
        f.write('console { enabled = "false" }\n'
                f'retention {{ min_free = "{min_free}" }}\n'
                'journal { min_free = "1M" }\n')


def listeners(ear, udp=None, tcp=None):
    at = {'address': f'127.0.0.1:{ear.port}'}
    return [('listener u', {'transport': 'udp', **at, **(udp or {})}),
            ('listener t', {'transport': 'tcp', **at, **(tcp or {})})]


def once(tap, ear, flows, what):
    """Each serial of each flow is found, once."""
    sent = sum(f.serial for f in flows)
    ear.settle(sent)
    time.sleep(1)
    found = collections.Counter(
        r['call_id'] for r in ear.search(limit=10000000))
    for flow in flows:
        got = [found[f'{flow.name}-{n:08d}'] for n in range(flow.serial)]
        tap.equal((got.count(0), sum(n > 1 for n in got)), (0, 0),
                  f'{what}: {flow.name}: none of {flow.serial} missing or '
                  f'there twice')


def under_load(tap, where):
    ear = h.Earshot(where)
    quiet = {'trace quiet': {'rule': 'method == REGISTER'}}
    steps = [
        ('the same again', listeners(ear)),
        ('a trace', listeners(ear) + list(quiet.items())),
        ('no masking', listeners(ear) + [('privacy', {
            'mask_secrets': 'false'})]),
        ('an allow-list', listeners(
            ear, {'allow': ['127.0.0.0/8']}, {'allow': ['127.0.0.0/8']})),
        ('another number of threads over UDP', listeners(
            ear, {'threads': 4})),
        ('another again', listeners(ear, {'threads': 1})),
        ('one that keeps what traces take', listeners(ear) + [
            ('store', {'keep': 'method == OPTIONS'}),
            ('trace all', {'rule': 'method == OPTIONS',
                           'scope': 'dialog'})]),
        ('a mirror that nobody takes', listeners(ear) + [
            ('mirror gone', {'to': 'hep:127.0.0.1:9;transport=tcp'})]),
        ('and none', listeners(ear)),
    ]
    write(ear, *listeners(ear))
    ear.start()
    flows = [Flow('udp', hep.Udp(ear.port)), Flow('tcp', hep.Tcp(ear.port))]
    for flow in flows:
        flow.start()
    for what, sections in steps:
        time.sleep(0.4)
        write(ear, *sections)
        code, said = reload(ear)
        tap.equal(code, 0, f'reload under load: {what}')
        if code:
            tap.note(said)
    time.sleep(0.4)
    for flow in flows:
        flow.finish()
        tap.ok(not flow.broken, f'{flow.name}: no connection was broken')
    once(tap, ear, flows, 'reload under load')
    totals = ear.totals()
    tap.equal((totals['dropped'], totals['kernel_drop'], totals['open']),
              (0, 0, 0), 'reload under load: the ledger has no loss')
    tap.ok('mirror.left' in ear.notices(),
           'what waits for a mirror that is gone is told', ear.notices())
    ear.child.send_signal(signal.SIGHUP)
    tap.ok(h.wait_for(lambda: any(
        n['event'] == 'config.reloaded' and 'SIGHUP' in n['text']
        for n in ear.status()['notices']), 10), 'SIGHUP reloads too')
    tap.equal(ear.stop(), 0, 'the server ends well')


def wrong(tap, where):
    ear = h.Earshot(where)
    write(ear, *listeners(ear), ('trace a', {'rule': 'method == INVITE'}))
    ear.start()
    before = ear.status()['taps']
    taken = socket.socket()
    taken.bind(('127.0.0.1', 0))
    taken.listen()
    port = taken.getsockname()[1]
    script = os.path.join(where, 'x.lua')
    with open(script, 'w') as f:
        f.write('function on_message(msg)\n  end end\n')
    cases = [
        ('a key that is none', [('listener u', {'adress': 'x'})],
         ['earshot.conf:3', 'adress']),
        ('a rule that is none', listeners(ear) + [
            ('trace b', {'why': 'x', 'rule': 'methud == INVITE'})],
         ['earshot.conf:12: trace "b"', 'rule']),
        ('a mirror that is not there', listeners(ear) + [
            ('trace c', {'rule': 'method == BYE'}),
            ('trace b', {'mirrors': ['far']})],
         ['earshot.conf:14: trace "b"', 'far']),
        ('two sections of one name', listeners(ear) + [
            ('mirror x', {'to': 'hep:127.0.0.1:9'}),
            ('sql x', {'url': 'DSN=x'})], ['earshot.conf:14: sql "x"']),
        ('a mirror to nowhere', listeners(ear) + [
            ('mirror x', {'version': 2, 'to': 'http://127.0.0.1/'})],
         ['earshot.conf:12: mirror "x"']),
        ('a mirror with two addresses that are none', listeners(ear) + [
            ('mirror x', {'to': 'hep:127.0.0.1:9', 'version': 3,
                          'local_address': 'here'})],
         ['earshot.conf:13: mirror "x": local_address']),
        ('what is kept', listeners(ear) + [('store', {'keep': 'methud'})],
         ['earshot.conf:11: store: keep']),
        ('a port that is taken', listeners(ear) + [
            ('listener v', {'transport': 'tcp',
                            'address': f'127.0.0.1:{port}'})],
         ['earshot.conf:', 'listener "v"', str(port)]),
        ('a script that is wrong', listeners(ear) + [
            ('hook', {'script': script})],
         ['earshot.conf:11: hook: script', 'x.lua:2']),
    ]
    for what, sections, words in cases:
        write(ear, *sections, ('trace never', {}))
        code, said = reload(ear)
        tap.ok(code != 0 and all(w in said for w in words),
               f'{what} is refused and named', code, said)
        checked = subprocess.run([h.EARSHOT, 'check-config', ear.config],
                                 text=True, capture_output=True, timeout=60)
        tap.ok(str(port) in said or checked.returncode and
               all(w in checked.stderr for w in words),
               f'{what} is found by check-config', checked.stderr)
        status = ear.status()
        tap.ok(status['taps'] == before and
               [t['name'] for t in status['traces']] == ['a'],
               f'{what}: nothing was changed', status['taps'],
               status['traces'])
    taken.close()
    tap.equal(ear.stop(), 0, 'the server ends well')


def come_and_go(tap, where):
    ear = h.Earshot(where)
    other = h.free_port()
    write(ear, *listeners(ear))
    ear.start()
    write(ear, *listeners(ear), ('listener more', {
        'transport': 'udp', 'address': f'127.0.0.1:{other}'}))
    tap.equal(reload(ear)[0], 0, 'a listener is added')
    sender = hep.Udp(other)
    for n in range(100):
        sender.send(hep.hep3(hep.options(f'more-{n:08d}')))
    # removed at once: what its socket holds is taken before it goes
    write(ear, *listeners(ear))
    tap.equal(reload(ear)[0], 0, 'and removed')
    tap.ok(ear.settle(100), 'what it held was taken', ear.totals())
    tap.equal(len(ear.search()), 100, 'and is found')
    time.sleep(0.2)
    sender.send(hep.hep3(hep.options('late')))
    time.sleep(0.2)
    tap.ok(not sender.send(b'x') or not sender.send(b'x'),
           'nobody listens there any more')
    sender.close()
    write(ear, *listeners(ear, {'auth_key': 'secret'}))
    tap.equal(reload(ear)[0], 0, 'a key is asked for')
    sender = hep.Udp(ear.port)
    sender.send(hep.hep3(hep.options('no-key')))
    tap.ok(h.wait_for(lambda: any(
        line['bad_key'] for line in ear.status()['ledger']), 5),
        'who has none is refused')
    sender.close()
    write(ear, *listeners(ear, None, {'allow': ['192.0.2.0/24']}))
    tap.equal(reload(ear)[0], 0, 'others are let in')
    try:
        tcp = hep.Tcp(ear.port)
        tcp.sock.settimeout(3)
        closed = tcp.sock.recv(1) == b''
    except OSError:
        closed = True
    tap.ok(closed, 'and we are not')
    write(ear, *listeners(ear), ('journal', {'max_size': '128M'}))
    # a section that stands twice: the last one counts
    code, said = reload(ear)
    tap.equal(code, 0, 'a key that needs a restart')
    tap.equal(ear.stop(), 0, 'the server ends well')


def full(tap, where):
    """A store without room holds the pump up, in the midst of a message; a
    reload changes rules and lanes even so, and what may stay free."""
    ear = h.Earshot(where)
    write(ear, *listeners(ear), min_free='1000T')
    ear.start()
    sender = hep.Tcp(ear.port)
    for n in range(2000):
        sender.send(hep.hep3(hep.options(f'full-{n:08d}', size=8000)))
    full = h.wait_for(lambda: ear.status()['store']['full'], 20)
    tap.ok(full, 'the store has no room', ear.status()['store'])
    write(ear, *listeners(ear, None, {'auth_key': 'key'}),
          ('trace all', {'rule': 'method == OPTIONS'}), min_free='1000T')
    code, said = reload(ear)
    tap.equal(code, 0, 'a reload goes through all the same')
    tap.equal([t['name'] for t in ear.status()['traces']], ['all'],
              'and its trace is there')
    write(ear, *listeners(ear))
    tap.equal(reload(ear)[0], 0, 'now less may stay free')
    for n in range(2000, 2100):
        sender.send(hep.hep3(hep.options(f'full-{n:08d}')))
    tap.ok(ear.settle(2100, 60), 'and all is stored', ear.totals())
    tap.equal(len({r['call_id'] for r in ear.search()}), 2100, 'and found')
    sender.close()
    tap.equal(ear.stop(), 0, 'the server ends well')


def mirrored(tap, where):
    """kill -9 of the first, three times, while it mirrors to a second."""
    os.mkdir(os.path.join(where, 'far'))
    far = h.Earshot(os.path.join(where, 'far'))
    write(far, *listeners(far))
    far.start()
    ear = h.Earshot(where)
    write(ear, *listeners(ear), ('mirror far', {
        'to': f'hep:127.0.0.1:{far.port};transport=tcp'}))
    first = 0
    for turn in range(3):
        ear.start()
        flow = Flow('m', hep.Tcp(ear.port), first)
        flow.start()
        time.sleep(1.5)
        ear.kill()
        flow.finish()
        first = flow.serial
    code, rows, error = ear.run('search', '--limit', '1', '--json')
    tap.ok('mirrors' in error or any('mirrors' in str(r) for r in rows),
           'a command does not store what a mirror has not got', error, rows)
    ear.start()
    h.wait_for(lambda: ear.totals()['open'] == 0 and
               ear.status()['journal']['bytes'] == 0, 60, 0.3)
    h.wait_for(lambda: all(o['waiting'] == 0
                           for o in ear.status()['outlets']), 60, 0.3)
    time.sleep(1)
    here = collections.Counter(r['call_id'] for r in ear.search())
    h.wait_for(lambda: far.totals()['searchable'] >= len(here), 30, 0.3)
    there = collections.Counter(r['call_id'] for r in far.search())
    tap.ok(len(here) > 500, f'{len(here)} messages were kept here')
    tap.equal([c for c, n in here.items() if n > 1][:5], [],
              'none twice here')
    # what was delivered and not yet confirmed when we were killed
    twice = sum(n - 1 for n in there.values())
    tap.ok(twice <= 3 * 1000, f'{twice} twice there, of three kills')
    tap.equal(sorted(set(here) ^ set(there))[:5], [], 'the same here and there')
    tap.equal(ear.stop(), 0, 'the first ends well')
    tap.equal(far.stop(), 0, 'the second ends well')


with h.Tap() as tap:
    for part in (wrong, come_and_go, full, under_load, mirrored):
        with h.folder() as where:
            part(tap, where)
