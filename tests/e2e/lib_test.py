#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library as others see it: installed into a folder of its own, compiled
against by pkg-config, and inside a small SIP server that SIPp calls. What the
server hands over is in its own store and, where it is traced, at a second
Earshot; a dead collector, a store that takes nothing and a full queue do not
slow its answers; kill -9 loses nothing that had reached a spool.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import harness as h

BUILD = os.environ['BUILD']
EXAMPLE = os.path.join(h.ROOT, 'examples', 'sip-server.c')
HEADER = os.path.join(h.ROOT, 'include', 'earshot', 'earshot.h')
MAP = os.path.join(h.ROOT, 'src', 'lib', 'earshot.map')
ROOM = 'retention { min_free = 1M }\njournal { min_free = 1M }\n'


# --- the installed library -------------------------------------------------

def sanitizers():
    """What this build was compiled with: a program must have it too."""
    options = json.loads(subprocess.run(
        ['meson', 'introspect', '--buildoptions', BUILD],
        capture_output=True, check=True).stdout)
    value = next(o['value'] for o in options if o['name'] == 'b_sanitize')
    value = ','.join(value) if isinstance(value, list) else value
    return [] if value in ('none', '') else [f'-fsanitize={value}']


def find(root, name):
    for path, _, files in os.walk(root):
        if name in files:
            return os.path.join(path, name)
    return None


class Installed:
    def __init__(self, root):
        self.root = root
        subprocess.run(['meson', 'install', '--no-rebuild', '-C', BUILD],
                       env={**os.environ, 'DESTDIR': root}, check=True,
                       stdout=subprocess.DEVNULL)
        self.pc = find(root, 'earshot.pc')
        self.so = find(root, 'libearshot.so.0')

    def flags(self):
        env = {**os.environ, 'PKG_CONFIG_SYSROOT_DIR': self.root,
               'PKG_CONFIG_PATH': os.path.dirname(self.pc)}
        return subprocess.run(
            ['pkg-config', '--cflags', '--libs', 'earshot'], env=env,
            check=True, capture_output=True, text=True).stdout.split()

    def compile(self, source, out, *more):
        p = subprocess.run(
            ['cc', '-Wall', '-Wextra', '-Werror', '-O1', *more, source, '-o',
             out, *self.flags(), *sanitizers()],
            capture_output=True, text=True)
        return p.stderr if p.returncode else ''

    def env(self):
        return {**os.environ, 'LD_LIBRARY_PATH': os.path.dirname(self.so)}


def names_in(path, pattern):
    with open(path) as f:
        return sorted(set(re.findall(pattern, f.read(), re.M)))


def symbols(tap, installed):
    shown = subprocess.run(
        ['nm', '-D', '--defined-only', installed.so], check=True,
        capture_output=True, text=True).stdout.split('\n')
    shown = sorted(line.split()[2] for line in shown
                   if line and line.split()[1] != 'A')
    listed = names_in(MAP, r'^\t\t(earshot_\w+);')
    declared = names_in(HEADER, r'^EARSHOT_API [^(;]*?\b(earshot_\w+)\(')
    tap.equal(shown, [f'{name}@@EARSHOT_0' for name in listed],
              'the library shows what its list names, and nothing else')
    tap.equal(declared, listed, 'the header declares what the list names')
    pages = [n for n in declared if not find(installed.root, n + '.3') and
             not find(installed.root, n + '.3.gz')]
    tap.equal(pages, [], 'each call has a manual page')


def install(tap, where):
    installed = Installed(os.path.join(where, 'root'))
    tap.ok(installed.pc and installed.so and
           find(installed.root, 'earshot.h'),
           'header, library and pkg-config file are installed')
    symbols(tap, installed)
    program = os.path.join(where, 'sip-server')
    tap.equal(installed.compile(EXAMPLE, program), '',
              'the example compiles by pkg-config without a warning')
    if shutil.which('c++'):
        p = subprocess.run(
            ['c++', '-Wall', '-Wextra', '-Wpedantic', '-Werror',
             '-fsyntax-only', '-x', 'c++', '-'], capture_output=True,
            text=True, input=f'''#include "{HEADER}"
                struct earshot_options o = EARSHOT_OPTIONS;
                struct earshot_packet p = EARSHOT_PACKET;
                struct earshot_trace t = EARSHOT_TRACE;
                struct earshot_stats s = EARSHOT_STATS;''')
        tap.equal(p.stderr, '', 'the header is C++ too')
    else:
        tap.skip('the header is C++ too', 'no c++')
    loader = os.path.join(where, 'loader')
    with open(loader + '.c', 'w') as f:
        f.write(LOADER)
    # not linked with it, else it would never be unloaded
    error = installed.compile(loader + '.c', loader, '-Wl,--as-needed')
    p = subprocess.run([loader, installed.so, os.path.join(where, 'loaded')],
                       env={**installed.env(),
                            # it looks into what was unloaded, and dies of it
                            'ASAN_OPTIONS': 'detect_leaks=0'},
                       capture_output=True, text=True, timeout=60)
    tap.equal((error, p.returncode, p.stderr), ('', 0, ''),
              'it can be loaded, used and unloaded, again and again')
    return installed, program


# No thread, handler or timer of the library may outlive earshot_close().
LOADER = r'''
#include <dlfcn.h>
#include <earshot/earshot.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int how;

	for (int i = 0; argc == 3 && i < 3; i++) {
		struct earshot_options o = EARSHOT_OPTIONS;
		void *so = dlopen(argv[1], RTLD_NOW);
		int (*open)(const struct earshot_options *, struct earshot **,
			char *, size_t);
		int (*close)(struct earshot *, unsigned);
		struct earshot *e;

		if (!so)
			return fprintf(stderr, "%s\n", dlerror());
		*(void **)&open = dlsym(so, "earshot_open");
		*(void **)&close = dlsym(so, "earshot_close");
		o.data_dir = argv[2];
		o.store = 1;
		if (open(&o, &e, 0, 0) || close(e, 1000))
			return 2;
		dlclose(so);
		/* nothing of it may be called in a fork */
		if (!fork())
			_exit(0);
		if (wait(&how) < 0 || how)
			return 3;
	}
	return argc != 3;
}
'''


# --- the server ------------------------------------------------------------

class Server:
    """examples/sip-server.c with a configuration."""

    def __init__(self, where, installed, program, config, *more):
        self.where, self.installed, self.program = where, installed, program
        self.more = more
        self.port = h.free_port()
        self.data = os.path.join(where, 'data')
        self.log = os.path.join(where, 'sip-server.log')
        self.config = os.path.join(where, 'earshot.conf')
        with open(self.config, 'w') as f:
            f.write(config)

    def start(self):
        self.child = subprocess.Popen(
            [self.program, '--port', str(self.port), '--data', self.data,
             '--config', self.config, *self.more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=open(self.log, 'ab'), text=True, bufsize=1,
            env=self.installed.env())
        h._children.append(self.child)
        line = self.child.stdout.readline()
        if not line.startswith('sip-server on'):
            raise RuntimeError(h.tail(self.log))
        return self

    def ask(self, word):
        self.child.stdin.write(word + '\n')
        return self.child.stdout.readline().strip()

    def stats(self):
        words = self.ask('stats').split()
        return dict(zip(words[::2], map(int, words[1::2])))

    def stop(self):
        self.child.stdin.close()
        self.child.wait(20)
        h._children.remove(self.child)
        return self.child.returncode

    def kill(self):
        self.child.kill()
        self.child.wait()
        h._children.remove(self.child)

    def reload(self, config):
        with open(self.config, 'w') as f:
            f.write(config)
        return self.ask('reload')

    def search(self, expr=''):
        p = subprocess.run(
            [h.EARSHOT, 'search', '--data', self.data, '--json', '--limit',
             '100000', *([expr] if expr else [])], capture_output=True,
            text=True, check=True)
        rows = [json.loads(line) for line in p.stdout.splitlines()]
        return [r for r in rows if 'call_id' in r]

    def calls(self, n, user='bob'):
        """SIPp calls; a call to "busy" is refused."""
        busy = user == 'busy'
        words = ['sipp', f'127.0.0.1:{self.port}', '-s', user, '-m', str(n),
                 '-r', '50', '-i', '127.0.0.1', '-p', str(h.free_port()),
                 '-nostdin', '-timeout', '60', '-d', '20']
        if busy:
            path = os.path.join(self.where, 'busy.xml')
            with open(path, 'w') as f:
                f.write(BUSY)
            words += ['-sf', path]
        else:
            words += ['-sn', 'uac']
        child = h.start(words, os.path.join(self.where, 'sipp.log'),
                        cwd=self.where)
        return child.wait(90)


BUSY = '''<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="busy">
  <send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:sipp@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:sipp@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="486" />
  <send><![CDATA[
ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
[last_From:]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
</scenario>
'''


def request(method, call_id, user='bob', mine=5060):
    return (f'{method} sip:{user}@example.com SIP/2.0\r\n'
            f'Via: SIP/2.0/UDP 127.0.0.1:{mine};branch=z9hG4bK{call_id}\r\n'
            f'Max-Forwards: 70\r\nFrom: <sip:py@example.com>;tag=p\r\n'
            f'To: <sip:{user}@example.com>\r\nCall-ID: {call_id}\r\n'
            f'CSeq: 1 {method}\r\nContact: <sip:py@127.0.0.1:{mine}>\r\n'
            f'Content-Length: 0\r\n\r\n').encode()


def round_trips(port, n, name):
    """Seconds that the server takes to answer, n times, sorted."""
    took = []
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', 0))
        s.settimeout(10)
        s.connect(('127.0.0.1', port))
        for i in range(n):
            method = 'REGISTER' if i % 2 else 'OPTIONS'
            began = time.perf_counter()
            s.send(request(method, f'{name}{i}', mine=s.getsockname()[1]))
            if not s.recv(65536).startswith(b'SIP/2.0 200'):
                raise RuntimeError('not a 200')
            took.append(time.perf_counter() - began)
    return sorted(took)


def mirror(name, port, take='traced'):
    return (f'mirror {name} {{\n\tto = "hep:127.0.0.1:{port};transport=tcp"\n'
            f'\ttake = "{take}"\n}}\n')


# --- what must be so ---------------------------------------------------------

def mirrored(tap, where, installed, program):
    far = h.Earshot(os.path.join(where, 'far')).start()
    s = Server(where, installed, program,
               ROOM + mirror('far', far.port)).start()
    tap.equal(s.calls(20), 0, 'SIPp calls the server')
    tap.equal(s.calls(5, 'busy'), 0, 'and is refused where it is busy')
    round_trips(s.port, 10, 'plain')
    tap.equal(s.ask('flush'), 'Done', 'flush waits until all is stored')
    rows = s.search()
    want = {'200 BYE': 20, '200 INVITE': 20, '200 OPTIONS': 5,
            '200 REGISTER': 5, '486 INVITE': 5, 'ACK': 25, 'BYE': 20,
            'INVITE': 25, 'OPTIONS': 5, 'REGISTER': 5}
    tap.equal(h.kinds(rows), want, 'all of it is in its own store')
    mine = f'127.0.0.1:{s.port}'
    tap.ok(all(r['direction'] == ('in' if r['dst'] == mine else 'out')
               for r in rows), 'with directions')
    tap.ok(all(r['node'] == 'sip-server' and r['transport'] == 'udp'
               for r in rows), 'with the name of the server')
    far.settle(115)
    there = far.search()
    calls = {k: v for k, v in want.items()
             if 'OPTIONS' not in k and 'REGISTER' not in k}
    tap.equal(h.kinds(there), calls,
              'the calls, from INVITE to BYE, are at the mirror')

    def key(r):
        return [r['at'], r['src'], r['dst'], r['call_id'], r['method'],
                r['status'], r['direction']]
    traced = [key(r) for r in rows if 'OPTIONS' not in r['method'] and
              'REGISTER' not in r['method']]
    tap.equal(sorted(key(r) for r in there), sorted(traced),
              'with the same times, addresses and directions')
    switch(tap, s, far, len(there))
    other_configuration(tap, s, far, before=len(there) + 10)
    stats = s.stats()
    tap.equal((stats['full'], stats['lost'], stats['waiting']), (0, 0, 0),
              'nothing was refused or lost')
    tap.equal(s.stop(), 0, 'the server ends')
    tap.equal(len(s.search()), stats['kept'],
              'all that was kept is found after its end')
    far.stop()


def switch(tap, s, far, before):
    tap.equal([s.ask(w) for w in ('check', 'off', 'CHECK', 'maybe')],
              ['Enabled', 'Disabled', 'Disabled',
               'Bad parameter (on, off or check)'],
              'siptrace.status answers word for word')
    s.calls(3)
    s.ask('flush')
    tap.equal(len(s.search("method == INVITE and status == 0")), 28,
              'off: calls are kept, as the store keeps all')
    time.sleep(1)
    tap.equal(len(far.search()), before, 'and not mirrored, as none is traced')
    tap.equal(s.ask('on'), 'Enabled', 'on again')
    s.calls(2)
    tap.ok(h.wait_for(lambda: len(far.search()) == before + 10, 10, 0.3),
           'calls are mirrored again', len(far.search()), before)


def other_configuration(tap, s, far, before):
    answer = s.reload(ROOM + mirror('far', far.port) + 'trace {\n')
    tap.ok('earshot.conf:' in answer and 'never closed' in answer,
           'a reload names what is wrong', answer)
    answer = s.reload(ROOM + mirror('far', far.port, 'all'))
    tap.equal(answer, 'Done', 'a reload changes the configuration')
    round_trips(s.port, 4, 'all')
    tap.ok(h.wait_for(lambda: len(far.search()) == before + 8, 10, 0.3),
           'and now the mirror gets all', len(far.search()), before)


def nobody_there(tap, where, installed, program):
    """A dead mirror, a store that takes nothing, a queue that is full."""
    n = 400
    dead = mirror('dead', h.free_port(), 'all')
    s = Server(where, installed, program, ROOM).start()
    usual = round_trips(s.port, n, 'usual')
    s.stop()
    shutil.rmtree(s.data)
    s = Server(where, installed, program, ROOM + dead).start()
    slow = round_trips(s.port, n, 'dead')
    s.ask('flush')
    stats = s.stats()
    s.stop()
    tap.equal((stats['mirrored'], stats['waiting']), (2 * n, 2 * n),
              'what a dead mirror does not take waits in its spool')
    shutil.rmtree(s.data)
    # a disk that has no room for the store stops the worker for good
    s = Server(where, installed, program,
               'retention { min_free = 1000T }\n' + dead, '--queue',
               '65536').start()
    h.wait_for(lambda: round_trips(s.port, 20, 'fill') and
               s.stats()['full'], 30, 0.1)
    before = s.stats()['full']
    full = round_trips(s.port, n, 'full')
    stats = s.stats()
    began = time.monotonic()
    s.stop()
    took = time.monotonic() - began
    tap.equal(stats['full'] - before, 2 * n,
              'a full queue is an answer and counted')
    for what, times in (('a dead mirror', slow), ('a full queue', full)):
        tap.ok(times[n // 2] < 3 * usual[n // 2] + 0.0005,
               f'{what} does not slow the answers',
               f'median {times[n // 2] * 1e6:.0f} us, usual '
               f'{usual[n // 2] * 1e6:.0f} us')
    tap.ok(took < 15, 'the server ends in its time even so', took)


def killed(tap, where, installed, program):
    far = h.Earshot(os.path.join(where, 'far'))
    s = Server(where, installed, program,
               ROOM + mirror('far', far.port)).start()
    s.calls(20)
    h.wait_for(lambda: s.stats()['waiting'] == 100, 10)
    tap.equal(s.stats()['waiting'], 100, 'all waits for a mirror that is away')
    s.kill()
    far.start()
    s.start()
    s.calls(1)
    total = far.settle(105)
    tap.ok(total, 'after kill -9 the rest is delivered', far.totals())
    tap.equal(h.kinds(far.search()),
              {'200 BYE': 21, '200 INVITE': 21, 'ACK': 21, 'BYE': 21,
               'INVITE': 21}, 'each message once')
    s.stop()
    far.stop()


def main():
    missing = h.have('sipp', 'cc', 'pkg-config', 'nm', 'meson')
    with h.Tap() as tap, h.folder() as where:
        if missing:
            tap.skip('the library', missing)
            return
        installed, program = install(tap, where)
        for part in (mirrored, nobody_there, killed):
            place = os.path.join(where, part.__name__)
            os.makedirs(os.path.join(place, 'far'))
            tap.note(part.__name__)
            part(tap, place, installed, program)


if __name__ == '__main__':
    sys.exit(main())
