# SPDX-License-Identifier: Apache-2.0
"""Calls and registrations of an office with what must be made of them, as
HEP and as a capture file; and rows of two Earshots compared.

    script, want = traffic.office('a', 200, time.time())
    sender.send(b''.join(script.packets()))
    traffic.check_calls(tap, ear, want, 'HEP')
"""
import collections
import os
import sys

import harness as h
import hep

sys.path.insert(0, os.path.join(h.ROOT, 'tests', 'tools'))
import mkpcap  # noqa: E402

PROXY = ('192.0.2.2', 5060)
# final status, disposition, milliseconds of talk
ENDS = [
    (200, 'OK', 'ANSWERED', 4200), (486, 'Busy Here', 'BUSY', 0),
    (487, 'Request Terminated', 'NO_ANSWER', 0),
    (404, 'Not Found', 'FAILED', 0), (603, 'Decline', 'BUSY', 0),
    (480, 'Temporarily Unavailable', 'NO_ANSWER', 0),
    (503, 'Service Unavailable', 'FAILED', 0), (200, 'OK', 'ANSWERED', 999),
]


class Script:
    """SIP over UDP in its order: (microseconds, from, to, bytes)."""

    def __init__(self, name, began):
        self.name, self.at, self.rows = name, int(began * 1e6), []

    def say(self, ms, src, dst, head, call, cseq, method, tag='', extra=''):
        self.at += int(ms * 1000)
        caller = f'{self.name}{call % 500:03}'
        if method == 'REGISTER':
            to = caller
        else:
            to = f'6{call % 97:02}'
        text = (f'{head}\r\n'
                f'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{self.name}'
                f'{call}x{cseq}\r\n'
                f'From: "N {call % 500}" <sip:{caller}@example.com>;tag=f\r\n'
                f'To: <sip:{to}@example.com>{tag}\r\n'
                f'Call-ID: {self.name}-{method[:3] == "REG" and "r" or "c"}'
                f'-{call}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n'
                f'{extra}Content-Length: 0\r\n\r\n')
        self.rows.append((self.at, src, dst, text.encode()))

    def call(self, i):
        """@return its disposition"""
        code, reason, disposition, talk = ENDS[i % len(ENDS)]
        a, b = ('192.0.2.1', 5060), PROXY
        uri = f'sip:6{i % 97:02}@example.com'
        ask = (a, b, f'INVITE {uri} SIP/2.0', i, 1, 'INVITE')
        self.say(1, *ask)
        self.say(1, b, a, 'SIP/2.0 100 Trying', i, 1, 'INVITE')
        if code != 404:
            self.say(20, b, a, 'SIP/2.0 180 Ringing', i, 1, 'INVITE', ';tag=t')
        if code == 487:
            self.say(900, a, b, f'CANCEL {uri} SIP/2.0', i, 1, 'CANCEL')
            self.say(1, b, a, 'SIP/2.0 200 OK', i, 1, 'CANCEL', ';tag=t')
        self.say(300, b, a, f'SIP/2.0 {code} {reason}', i, 1, 'INVITE',
                 ';tag=t')
        self.say(1, a, b, f'ACK {uri} SIP/2.0', i, 1, 'ACK', ';tag=t')
        if code == 200:
            self.say(talk - 1, a, b, f'BYE {uri} SIP/2.0', i, 2, 'BYE',
                     ';tag=t')
            self.say(1, b, a, 'SIP/2.0 200 OK', i, 2, 'BYE', ';tag=t')
        return disposition

    def register(self, i, cseq=1, expires=7200):
        a, b = ('192.0.2.1', 5060), PROXY
        user = f'{self.name}{i % 500:03}'
        for again in (0, 1):
            more = (f'Contact: <sip:{user}@192.0.2.1:5060>\r\n'
                    f'Expires: {expires}\r\nUser-Agent: phone/{i % 3}\r\n')
            if again:
                more += ('Authorization: Digest username="x", realm="r", '
                         'nonce="n", uri="sip:example.com", response="00"\r\n')
            self.say(1, a, b, 'REGISTER sip:example.com SIP/2.0', i,
                     cseq + again, 'REGISTER', '', more)
            if not again:
                self.say(1, b, a, 'SIP/2.0 401 Unauthorized', i, cseq,
                         'REGISTER', ';tag=s', 'WWW-Authenticate: Digest '
                         'realm="r", nonce="n"\r\n')
        more = (f'Contact: <sip:{user}@192.0.2.1:5060>;expires={expires}\r\n'
                if expires else '')
        self.say(1, b, a, 'SIP/2.0 200 OK', i, cseq + 1, 'REGISTER', ';tag=s',
                 more)

    def packets(self):
        return [hep.hep3(data, us / 1e6 + 3e-7, src, dst)
                for us, src, dst, data in self.rows]

    def pcap(self, path):
        with open(path, 'wb') as f:
            f.write(mkpcap.pcap([
                (us * 1000, mkpcap.ether(mkpcap.ip4(
                    src[0], dst[0], 17,
                    mkpcap.udp(*src, *dst, data))))
                for us, src, dst, data in self.rows]))


def office(name, n, began):
    """n calls and registrations; what is expected of the calls"""
    s = Script(name, began)
    want = {}
    for i in range(n):
        s.register(i)
        want[f'{name}-c-{i}'] = s.call(i)
        if i % 10 == 9:
            s.register(i - 9, 11, 0)
    return s, want


def ask(ear, what, *words):
    return ear.must(what, '--json', '-n', '0', *words)


def comparable(rows, *without):
    """Rows without what tells how and by whom they were seen."""
    drop = {'id', 'node', 'connection', 'legs', *without}
    return collections.Counter(
        tuple(sorted((k, str(v)) for k, v in r.items() if k not in drop))
        for r in rows)


def differ(a, b):
    """The first few rows that only one has."""
    return [('only first', dict(r)) for r in list((a - b))[:3]] + \
        [('only second', dict(r)) for r in list((b - a))[:3]]


def accepted(ear):
    """Since this start, without what it read from its journal."""
    return sum(line['accepted'] - line['replayed']
               for line in ear.status()['ledger'])


def check_calls(tap, ear, want, when):
    def got():
        return {r['call_id']: r['disposition'] for r in ask(ear, 'calls')}
    h.wait_for(lambda: got() == want, 30, 0.5)
    rows, found = ask(ear, 'calls'), got()
    tap.equal(len(rows), len(want), f'{when}: a row for each call')
    tap.ok(found == want, f'{when}: with the disposition it had',
           *[(k, found.get(k), v) for k, v in want.items()
             if found.get(k) != v][:5])


def same(tap, one, two, what, without=(), filter=''):
    for name, more in (('calls', []), ('sessions', ['--failures']),
                       ('accounts', ['--history'])):
        words = more + ([filter] if filter else [])
        a = comparable(ask(one, name, *words), *without)
        b = comparable(ask(two, name, *words), *without)
        tap.ok(a and a == b, f'{what}: the same {name}', sum(a.values()),
               sum(b.values()), *differ(a, b))
