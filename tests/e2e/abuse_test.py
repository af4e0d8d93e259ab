#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who means ill with the console, or is only slow: heads that never end, a
thousand connections, readers that do not read, guessed passwords from many
addresses, hostile requests. People who log in as they should get on with
their work meanwhile, and the taps do not notice.

    abuse_test.py [heads|crowd|readers|guesses|requests …]
"""
import os
import resource
import socket
import sys
import threading
import time

import harness as h
import hep
import traffic
import web


class Load:
    """Traffic that goes on during all of it."""

    def __init__(self, ear):
        self.ear, self.sent, self.quit = ear, 0, False
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        udp = hep.Udp(self.ear.port)
        while not self.quit:
            self.sent += udp.send(hep.hep3(hep.options(f'l-{self.sent}')))
            time.sleep(.005)
        udp.close()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.quit = True
        self.thread.join()

    def check(self, tap, what):
        """@return whether the taps took all that was sent"""
        self.quit = True
        self.thread.join()
        before = self.ear.extra
        t = self.ear.settle(before + self.sent) or self.ear.totals()
        tap.ok(self.sent > 20 and t['received'] == before + self.sent and
               t['dropped'] == 0,
               f'{what}: the taps did not notice ({self.sent} messages)', t)


def connect(ear, source='127.0.0.1', buffer=0):
    s = socket.socket()
    if buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    s.settimeout(5)
    s.bind((source, 0))
    s.connect(('127.0.0.1', ear.console))
    return s


def closed(s):
    """Whether the other side has ended it; what it said is read."""
    s.settimeout(.01)
    try:
        while s.recv(65536):
            pass
        return True
    except socket.timeout:
        return False
    except OSError:
        return True


def quick(tap, api, what, most=3):
    """Somebody who works gets answers."""
    worst = 0
    for path in ('me', 'calls', 'status'):
        began = time.monotonic()
        status, _ = api.get(path)
        worst = max(worst, time.monotonic() - began)
        if status != 200:
            tap.ok(False, f'{what}: {path} is answered', status)
            return
    tap.ok(worst < most, f'{what}: others work ({worst:.2f} s)')


def sockets_of(ear):
    """Files of the store are kept open for the next search."""
    count, fds = 0, f'/proc/{ear.child.pid}/fd'
    for fd in os.listdir(fds):
        try:
            count += os.readlink(f'{fds}/{fd}').startswith('socket:')
        except OSError:
            pass
    return count


def memory_of(ear):
    """Bytes of the process that are in memory."""
    with open(f'/proc/{ear.child.pid}/statm') as f:
        return int(f.read().split()[1]) * resource.getpagesize()


def heads(tap, ear, api):
    """A byte of the head now and then, from as many as are let in."""
    with Load(ear) as load:
        slow = []
        for i in range(200):
            s = connect(ear, f'127.0.1.{i + 1}')
            s.sendall(b'GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nX: ')
            slow.append(s)
        quick(tap, api, 'endless heads')
        until = time.monotonic() + 45
        while slow and time.monotonic() < until:
            time.sleep(1)
            for s in list(slow):
                try:
                    s.sendall(b'a')
                except OSError:
                    pass
                if closed(s):
                    slow.remove(s)
        tap.ok(not slow, 'endless heads: each is cut off', len(slow))
        quick(tap, api, 'endless heads, at their end')
        load.check(tap, 'endless heads')


def crowd(tap, ear, api):
    """A thousand connections that say nothing."""
    with Load(ear) as load:
        before = sockets_of(ear)
        many, refused = [], 0
        for i in range(1000):
            try:
                many.append(connect(ear))
            except OSError:
                refused += 1
        time.sleep(1)
        gone = sum(closed(s) for s in many)
        tap.note(f'{len(many)} connected, {refused} refused, {gone} closed '
                 f'again, {sockets_of(ear)} sockets of the server')
        tap.ok(sockets_of(ear) - before < 1000,
               'a thousand connections: not all are kept', sockets_of(ear))
        quick(tap, api, 'a thousand connections', 5)
        for s in many:
            s.close()
        quick(tap, api, 'a thousand connections, behind them')
        tap.ok(h.wait_for(lambda: sockets_of(ear) <= before + 3, 10),
               'a thousand connections: no socket is left',
               (before, sockets_of(ear)))
        load.check(tap, 'a thousand connections')


def readers(tap, ear, api):
    """Downloads and followers that nobody reads."""
    with Load(ear) as load:
        before, weight = sockets_of(ear), memory_of(ear)
        stuck = []
        for path in ['export?format=json', 'sessions?format=csv',
                     'calls?format=csv', 'follow?q='] * 8:
            s = connect(ear, buffer=2048)
            s.sendall(f'GET /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\n'
                      f'Cookie: earshot_session={api.cookie}\r\n\r\n'
                      .encode())
            stuck.append(s)
        time.sleep(2)
        quick(tap, api, 'nobody reads')
        # what followers get, and do not take
        sender = hep.Tcp(ear.port)
        for i in range(4000):
            sender.send(hep.hep3(hep.options(f'f-{i}', 2000)))
        sender.close()
        ear.extra += 4000
        time.sleep(2)
        more = memory_of(ear) - weight
        tap.ok(more < 200 << 20, f'nobody reads: {more >> 20} MiB more')
        quick(tap, api, 'nobody reads, and much comes')
        for s in stuck:
            s.close()
        tap.ok(h.wait_for(lambda: sockets_of(ear) <= before + 3, 15, .2),
               'nobody reads: all is given back', (before, sockets_of(ear)))
        status, headers, body = api.raw('GET', '/api/v1/calls?format=csv')
        tap.ok(status == 200 and body.count(b'\r\n') > 1000,
               'nobody reads: then a download is whole again', status)
        load.check(tap, 'nobody reads')


def guess(ear, name, source):
    """@return the status, and for how long to wait"""
    status, body = web.Api(ear.console, source).post(
        'login', name=name, password='wrong password')
    return status, body.get('retry_after_s', 0)


def guesses(tap, ear, api):
    """Wrong passwords for one name, from many addresses, without an end."""
    with Load(ear) as load:
        got = [guess(ear, 'tester', '127.0.2.1')[0] for _ in range(15)]
        tap.ok(429 in got and 200 not in got,
               'guesses: one address is stopped', got)
        quit, tried = [], []

        def attack(part):
            i = 0
            while not quit:
                i += 1
                tried.append(guess(
                    ear, 'tester', f'127.0.{3 + part}.{i % 250 + 1}')[0])
        attackers = [threading.Thread(target=attack, args=(n,))
                     for n in range(4)]
        for a in attackers:
            a.start()
        time.sleep(5)
        quick(tap, api, 'guesses: who is logged in')
        owner, began, tries = web.Api(ear.console, '127.0.0.1'), \
            time.monotonic(), 0
        status = 0
        while status != 200 and time.monotonic() - began < 75:
            tries += 1
            status, body = owner.post('login', name='tester',
                                      password=web.PASSWORD)
            if status != 200:
                time.sleep(min(5, body.get('retry_after_s', 1)))
        took = time.monotonic() - began
        quit.append(True)
        for a in attackers:
            a.join()
        tap.ok(status == 200, f'guesses: the owner gets in, at their own '
               f'address, while {len(tried)} were tried ({took:.0f} s, '
               f'{tries} tries)', body)
        tap.ok(200 not in tried and 429 in tried and
               tried.count(401) < 60, 'guesses: few of them are even tried',
               {s: tried.count(s) for s in set(tried)})
        rows = api.get('web-sessions', limit=1000)[1]['rows']
        tap.ok(sum(r['event'] == 'FAIL_BAD_CREDENTIALS' for r in rows) >= 5,
               'guesses: they are in Web Sessions', len(rows))
        load.check(tap, 'guesses')


def requests(tap, ear, api):
    """What no browser sends."""
    head = 'Host: localhost\r\n'
    cookie = f'Cookie: earshot_session={api.cookie}\r\n'
    cases = [
        ('a long query', f'GET /api/v1/calls?q={"a" * 20000} HTTP/1.1\r\n'
         + head + cookie, (400,)),
        ('one too long', f'GET /api/v1/calls?q={"a" * 70000} HTTP/1.1\r\n'
         + head + cookie, (0, 400, 413, 414)),
        ('many parameters', 'GET /api/v1/calls?' + '&'.join(
            f'a{i}={i}' for i in range(3000)) + ' HTTP/1.1\r\n' + head +
            cookie, (0, 200, 400, 413)),
        ('brackets', 'GET /api/v1/calls?q=' + '(' * 4000 + ' HTTP/1.1\r\n' +
         head + cookie, (400,)),
        ('nots', 'GET /api/v1/messages?q=' + 'not%20' * 3000 +
         '1 HTTP/1.1\r\n' + head + cookie, (400,)),
        ('a pattern that backtracks', 'GET /api/v1/calls?q=src%20~%20%22'
         '(a%2B)%2B%24%22 HTTP/1.1\r\n' + head + cookie, (200, 400)),
        ('a limit', 'GET /api/v1/calls?limit=99999999999999999999 HTTP/1.1'
         '\r\n' + head + cookie, (200, 400)),
        ('a cursor', 'GET /api/v1/calls?cursor=%ff%fe-..%2f..%2f HTTP/1.1'
         '\r\n' + head + cookie, (400,)),
        ('a cookie of bytes', 'GET /api/v1/me HTTP/1.1\r\n' + head +
         'Cookie: earshot_session=\x01\x7f\xff\xfe\r\n', (400, 401)),
        ('a long cookie', 'GET /api/v1/me HTTP/1.1\r\n' + head +
         f'Cookie: earshot_session={"0" * 30000}\r\n', (401,)),
        ('many cookies', 'GET /api/v1/me HTTP/1.1\r\n' + head + 'Cookie: ' +
         ';' * 10000 + 'earshot_session=\r\n', (401,)),
        ('two cookies', 'GET /api/v1/me HTTP/1.1\r\n' + head +
         'Cookie: earshot_session=x\r\n' + cookie, (200, 401)),
        ('another path', 'GET /../../../../etc/passwd HTTP/1.1\r\n' + head,
         (404, 400)),
        ('a coded one', 'GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n' + head,
         (404, 400)),
        ('a NUL', 'GET /api/v1/calls?q=a%00b HTTP/1.1\r\n' + head + cookie,
         (200, 400)),
        ('another host', 'GET /api/v1/me HTTP/1.1\r\nHost: evil.example\r\n' +
         cookie, (421,)),
        ('no method', 'BREW /api/v1/me HTTP/1.1\r\n' + head, (0, 405, 501)),
        ('a body that never comes', 'POST /api/v1/login HTTP/1.1\r\n' + head +
         'X-Earshot: 1\r\nContent-Length: 60000\r\n', (0,)),
        ('a body too long', 'POST /api/v1/login HTTP/1.1\r\n' + head +
         'X-Earshot: 1\r\nContent-Length: 99999999999\r\n', (0, 400, 413)),
        ('a length that is none', 'POST /api/v1/login HTTP/1.1\r\n' + head +
         'X-Earshot: 1\r\nContent-Length: -1\r\n', (0, 400, 413)),
    ]
    with Load(ear) as load:
        for name, text, want in cases:
            s = connect(ear)
            got = b''
            try:
                s.settimeout(3)
                s.sendall(text.encode('latin-1') + b'Connection: close\r\n\r\n')
                while len(got) < 100000 and (piece := s.recv(65536)):
                    got += piece
            except OSError:
                pass
            s.close()
            status = int(got[9:12]) if got.startswith(b'HTTP/1.1 ') else 0
            tap.ok(status in want and b'root:' not in got,
                   f'requests: {name}: {status}', got[:300])
        quick(tap, api, 'requests')
        load.check(tap, 'requests')


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (
        resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with h.Tap() as tap, h.folder() as where:
        ear = h.Earshot(where).start()
        api = web.admin(ear)
        script, want = traffic.office('a', 3000, time.time() - 4000)
        sender = hep.Tcp(ear.port)
        sender.send(b''.join(script.packets()))
        sender.close()
        ear.extra = len(script.rows)
        ear.settle(ear.extra)
        for name in sys.argv[1:] or ('heads', 'crowd', 'readers', 'guesses',
                                     'requests'):
            globals()[name](tap, ear, api)
            ear.extra = ear.totals()['received']
        tap.equal(ear.stop(), 0, 'ends well')
        log = h.tail(ear.log, 10000)
        tap.ok('ERROR:' not in log and 'runtime error' not in log,
               'no complaint of a sanitizer', log[-3000:])


main()
