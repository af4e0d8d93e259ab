#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 in full flow, ten times: every message that the receive thread had
counted is found after the restart, once.

Each message has a serial number in its Call-ID. `earshot status` says how many
were accepted; on one connection (one receive thread) and on one UDP socket in
order, the accepted ones are a prefix of each sender's sequence.
"""
import collections
import random
import threading
import time

import harness as h
import hep

ROUNDS = 10


class Flow(threading.Thread):
    """Sends one serial after the other as fast as it can until stopped."""

    def __init__(self, name, sender, first):
        super().__init__(daemon=True)
        self.name, self.sender, self.serial = name, sender, first
        self.ended = False

    def run(self):
        while not self.ended:
            packet = hep.hep3(hep.options(f'{self.name}-{self.serial:08d}'))
            if not self.sender.send(packet):
                break
            self.serial += 1
            if self.name == 'udp' and self.serial % 20 == 0:
                time.sleep(0.002)  # a rate that the kernel's buffer takes


def accepted(ear, name):
    """Accepted by a transport since the start of this server, without what it
    read from its journal. What is read meanwhile is in the second answer, so
    that the difference is rather too small than too large."""
    def total(key):
        return sum(line[key] for line in ear.status()['ledger']
                   if '/' + name in line['tap'])
    return total('accepted') - total('replayed')


def one_round(ear, name, first):
    """Send until killed. How many were surely accepted, how many sent, and
    after how many seconds the server answered."""
    began = time.monotonic()
    ear.start()
    ready = time.monotonic() - began
    sender = (hep.Udp if name == 'udp' else hep.Tcp)(ear.port)
    flow = Flow(name, sender, first)
    flow.start()
    until = time.monotonic() + random.uniform(0.7, 1.6)
    sure = 0
    while time.monotonic() < until:
        sure = max(sure, accepted(ear, name))
    ear.kill()
    flow.ended = True
    flow.join(5)
    sender.close()
    return sure, flow.serial - first, ready


def check(tap, ear, name, sure, sent):
    """After the last restart: each serial at most once, each that was
    accepted exactly once."""
    ear.start()
    h.wait_for(lambda: ear.totals().get('open', 0) == 0 and
               ear.status()['journal']['bytes'] == 0, 60, 0.3)
    time.sleep(1)
    found = collections.Counter(
        r['call_id'] for r in ear.search(limit=10000000))
    twice = [c for c, n in found.items() if n > 1]
    tap.equal(twice[:5], [], f'{name}: none of {len(found)} is there twice')
    missing = []
    for first, n in sure:
        missing += [s for s in range(first, first + n)
                    if f'{name}-{s:08d}' not in found]
    tap.ok(not missing, f'{name}: all of {sum(n for _, n in sure)} that were '
           f'accepted are found ({sum(n for _, n in sent)} sent)',
           f'{len(missing)} are missing, as {missing[:10]}')
    tap.ok(all(a <= b for (_, a), (_, b) in zip(sure, sent)),
           f'{name}: none was accepted that was not sent', sure, sent)
    known = {f'{name}-{s:08d}' for first, n in sent
             for s in range(first, first + n + 1)}
    tap.equal(sorted(set(found) - known)[:5], [],
              f'{name}: nothing is found that was not sent')


def one(tap, name):
    with h.folder() as where:
        ear = h.Earshot(where, listener={'threads': 1})
        sure, sent, first = [], [], 0
        for i in range(ROUNDS):
            n, n_sent, ready = one_round(ear, name, first)
            sure.append((first, n))
            sent.append((first, n_sent))
            first += n_sent + 10
            tap.note(f'{name} round {i}: ready after {ready:.2f} s, '
                     f'{n} accepted for sure, {n_sent} sent')
        tap.ok(sum(n for _, n in sure) > 1000, f'{name}: there was a flow')
        check(tap, ear, name, sure, sent)
        tap.ok('journal.missing' not in ear.notices(),
               f'{name}: no frame is missing', ear.notices())
        tap.equal(ear.stop(), 0, f'{name}: ends with 0')


def main():
    with h.Tap() as tap:
        for name in ('tcp', 'udp'):
            one(tap, name)


main()
