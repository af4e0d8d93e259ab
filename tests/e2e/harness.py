# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: Earshot, Kamailio and SIPp as children on
loopback, each in a folder of its own, ended by their process ids; and TAP.

    with Tap() as tap, Folder() as folder:
        ear = Earshot(folder)
        ear.start()
        …
        tap.ok(ear.status()['totals']['received'] == 3, 'three came in')
"""
import atexit
import collections
import contextlib
import csv
import glob
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EARSHOT = os.environ.get('EARSHOT', os.path.join(ROOT, 'build', 'earshot'))
MODULES = '/usr/lib/x86_64-linux-gnu/kamailio/modules/'


class Tap:
    """Prints TAP; a test that ends by an exception is a failed one."""

    def __init__(self):
        self.n = 0
        self.bad = 0

    def __enter__(self):
        return self

    def ok(self, good, what, *more):
        self.n += 1
        self.bad += not good
        print(f'{"ok" if good else "not ok"} {self.n} - {what}', flush=True)
        if not good:
            for line in more:
                for part in str(line).splitlines() or ['']:
                    print('#', part, flush=True)
        return good

    def equal(self, got, want, what):
        return self.ok(got == want, what, f'got  {got}', f'want {want}')

    def skip(self, what, why):
        """EARSHOT_STRICT: what a test needs has to be there."""
        if why.startswith('no ') and os.environ.get('EARSHOT_STRICT'):
            self.ok(False, what, why)
            return
        self.n += 1
        print(f'ok {self.n} - {what} # SKIP {why}', flush=True)

    def note(self, text):
        print('#', text, flush=True)

    def __exit__(self, kind, value, trace):
        if kind and kind is not SystemExit:
            self.ok(False, 'runs to its end',
                    ''.join(traceback.format_exception(kind, value, trace)))
        print(f'1..{self.n}', flush=True)
        sys.stdout.flush()
        if kind is not SystemExit:
            stop_children()
            sys.exit(1 if self.bad else 0)


@contextlib.contextmanager
def folder():
    """A new folder, removed at the end unless KEEP is set."""
    path = tempfile.mkdtemp(prefix='earshot-e2e-')
    try:
        yield path
    finally:
        if os.environ.get('KEEP'):
            print('# kept', path)
        else:
            shutil.rmtree(path, ignore_errors=True)


_claims = []


def claim(port):
    """Whether a port, or what else all tests of this machine share, is ours
    until this program ends: who claimed it first may not have bound it yet, or
    wait to bind it again. A name of Linux's own, which goes with its process."""
    name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        name.bind(f'\0earshot-e2e-port-{port}')
    except OSError:
        name.close()
        return False
    _claims.append(name)
    return True


def is_free(port):
    """Whether neither UDP nor TCP has it in use on loopback."""
    try:
        with socket.socket() as t, socket.socket(type=socket.SOCK_DGRAM) as u:
            t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            t.bind(('127.0.0.1', port))
            u.bind(('127.0.0.1', port))
    except OSError:
        return False
    return True


def free_port():
    """A loopback port below the range from which the kernel takes them for
    others, and above those that phones take for media. None is given twice.
    Claimed before it is tried: to try is to bind it for a moment, when the
    test that has claimed it may want to."""
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        if claim(port) and is_free(port):
            return port
    raise RuntimeError('no free port')


def wait_for(what, seconds=10, every=0.05):
    """Call until it gives something true; gives that, or None."""
    until = time.monotonic() + seconds
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > until:
            return None
        time.sleep(every)


def have(*programs):
    """What is missing of these programs, as words, or ''."""
    missing = [p for p in programs if not shutil.which(p)]
    return 'no ' + ', '.join(missing) if missing else ''


_children = []


def start(words, log, **more):
    """A child that does not outlive this program, should that be killed; to
    be started by its main thread, whose end is meant."""
    if shutil.which('setpriv'):
        words = ['setpriv', '--pdeathsig', 'TERM', *words]
    out = open(log, 'ab')
    child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out,
                             stderr=out, **more)
    out.close()
    _children.append(child)
    return child


def stop(child, wait=10):
    """SIGTERM, then SIGKILL. The exit status."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(wait)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child in _children:
        _children.remove(child)
    return child.returncode


def stop_children():
    for child in list(_children):
        stop(child, 3)


atexit.register(stop_children)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def tail(path, n=30):
    try:
        with open(path, errors='replace') as f:
            return ''.join(f.readlines()[-n:])
    except OSError as e:
        return str(e)


class Earshot:
    """The program under test, with a data folder and ports of its own."""

    def __init__(self, where, data=None, **sections):
        self.where = where
        self.data = data or os.path.join(where, 'data')
        self.port = free_port()
        self.console = free_port()
        self.config = os.path.join(where, 'earshot.conf')
        self.log = os.path.join(where, 'earshot.log')
        self.child = None
        listener = sections.pop('listener', {})
        with open(self.config, 'w') as f:
            for name in ('udp', 'tcp'):
                f.write(self.section(f'listener {name}', {
                    'transport': name,
                    'address': f'127.0.0.1:{self.port}', **listener}))
            sections.setdefault('console', {})
            sections['console'].setdefault(
                'address', f'127.0.0.1:{self.console}')
            retention = sections.setdefault('retention', {})
            retention.setdefault('min_free', '1M')
            sections.setdefault('journal', {}).setdefault('min_free', '1M')
            for name, keys in sections.items():
                f.write(self.section(name, keys))

    @staticmethod
    def section(name, keys):
        def value(v):
            if isinstance(v, (list, tuple)):
                return '{' + ', '.join(json.dumps(x) for x in v) + '}'
            return v if isinstance(v, (int, float)) else json.dumps(v)

        lines = ''.join(f'\t{k} = {value(v)}\n' for k, v in keys.items())
        return f'{name} {{\n{lines}}}\n'

    def start(self, wait=20, wrap=()):
        """Start the server and wait until it answers."""
        self.child = start(
            [*wrap, EARSHOT, 'serve', '-c', self.config, '--data', self.data],
            self.log)
        if wait_for(self.ready, wait):
            return self
        raise RuntimeError('earshot does not start:\n' + tail(self.log))

    def ready(self):
        if self.child.poll() is not None:
            raise RuntimeError('earshot ended:\n' + tail(self.log))
        code, rows, _ = self.run('status', '--json')
        return code == 0 and rows and rows[0].get('running', True)

    def stop(self):
        return stop(self.child, 30)

    def kill(self):
        """kill -9"""
        self.child.kill()
        self.child.wait()
        _children.remove(self.child)

    def run(self, command, *words, timeout=120):
        """A command: its exit status, its JSON lines, its standard error."""
        p = subprocess.run(
            [EARSHOT, command, '--data', self.data, *words],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
        rows = []
        for line in p.stdout.decode('utf-8', 'replace').splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                rows.append({'not json': line})
        return p.returncode, rows, p.stderr.decode('utf-8', 'replace')

    def must(self, command, *words, **more):
        code, rows, error = self.run(command, *words, **more)
        if code:
            raise RuntimeError(f'earshot {command} {words}: {code}\n{error}')
        return rows

    def status(self):
        return self.must('status', '--json')[0]

    def totals(self):
        return self.status()['totals']

    def search(self, expr='', limit=1000000):
        """The messages found; a trailer, if there is one, is left out."""
        rows = self.must('search', '--json', '--limit', str(limit),
                         *([expr] if expr else []))
        return [r for r in rows if 'call_id' in r]

    def notices(self):
        return [n.get('event') for n in self.status().get('notices', [])]

    def settle(self, received, seconds=30):
        """Wait until so many units came in and all are searchable."""
        def done():
            t = self.totals()
            return (t['received'] >= received and t.get('open', 0) == 0 and
                    t['searchable'] >= t.get('stored', t['searchable'])) and t
        return wait_for(done, seconds, 0.2)


def kinds(rows):
    """Messages per method (requests) and per 'STATUS METHOD' (replies)."""
    count = collections.Counter()
    for r in rows:
        status = int(r.get('status') or 0)
        count[f'{status} {r["method"]}' if status else r['method']] += 1
    return dict(sorted(count.items()))


def certificate(where, name):
    """A certificate of this name that signs itself: cert.pem and key.pem."""
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes',
         '-days', '30', '-subj', f'/O=Test/CN={name}', '-keyout',
         f'{where}/key.pem', '-out', f'{where}/cert.pem'],
        check=True, capture_output=True)


class Kamailio:
    """A registrar and proxy that traces all it sees to a collector."""

    def __init__(self, where, collector, hep_version, **more):
        self.where = where
        self.port = free_port()
        self.cfg = os.path.join(where, 'kamailio.cfg')
        self.log = os.path.join(where, 'kamailio.log')
        self.socket = os.path.join(where, 'ctl')
        self.child = None
        with open(os.path.join(HERE, 'kamailio.cfg')) as f:
            text = f.read()
        for key, value in {'PORT': self.port, 'COLLECTOR': collector,
                           'HEP': hep_version, 'RUN': where,
                           'MODULES': MODULES, **more}.items():
            text = text.replace(f'@{key}@', str(value))
        with open(self.cfg, 'w') as f:
            f.write(text)

    def start(self):
        # meson test fills fresh memory to find our mistakes; sipcapture of
        # Debian 12 lacks the NUL behind its table's name then
        env = {k: v for k, v in os.environ.items() if k != 'MALLOC_PERTURB_'}
        self.child = start(
            ['kamailio', '-DD', '-E', '-f', self.cfg, '-m', '32', '-M', '4',
             '-Y', self.where, '-P', os.path.join(self.where, 'pid')],
            self.log, env=env)
        if not wait_for(lambda: self.rpc('core.uptime'), 15):
            raise RuntimeError('kamailio does not start:\n' + tail(self.log))
        return self

    def stop(self):
        return stop(self.child)

    def rpc(self, *words):
        p = subprocess.run(
            ['kamcmd', '-s', 'unix:' + self.socket, *map(str, words)],
            capture_output=True, text=True, timeout=10)
        return p.stdout if p.returncode == 0 else ''

    def statistics(self):
        """{'core:rcv_requests_invite': 10, …}"""
        found = {}
        for line in self.rpc('stats.get_statistics', 'all').splitlines():
            name, equals, value = line.partition(' = ')
            if equals:
                found[name.strip()] = int(value)
        return found


def sipp(where, scenario, remote, port, *more, wait=60):
    """Run a scenario to its end; gives its last line of statistics."""
    name = os.path.basename(scenario)
    stats = os.path.join(where, f'{name}.{port}.csv')
    child = start_sipp(where, scenario, remote, port, '-trace_stat',
                       '-stf', stats, '-fd', '600', *more)
    try:
        child.wait(wait)
    except subprocess.TimeoutExpired:
        stop(child)
    return child.returncode, sipp_stats(stats)


def start_sipp(where, scenario, remote, port, *more):
    return start(
        ['sipp', remote, '-sf', scenario, '-i', '127.0.0.1', '-mi',
         '127.0.0.1', '-p', str(port), '-nostdin', '-recv_timeout', '15000',
         *map(str, more)],
        os.path.join(where, f'{os.path.basename(scenario)}.{port}.log'),
        cwd=where)


def sipp_stats(path):
    with open(path, newline='') as f:
        rows = list(csv.DictReader(f, delimiter=';'))
    return rows[-1] if rows else {}


def sipp_counts(path):
    """From -trace_counts: messages sent and received by each step, with
    repetitions: {'2_INVITE_Sent': 10, …}."""
    files = glob.glob(path)
    total = collections.Counter()
    for name in files:
        with open(name, newline='') as f:
            rows = list(csv.reader(f, delimiter=';'))
        if len(rows) > 1:
            for key, value in zip(rows[0], rows[-1]):
                if value.isdigit():
                    total[key] += int(value)
    return dict(total)
