#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live capture: SIPp over loopback by UDP and TCP with tshark as the judge,
HEP beside it, reload, kill -9, a ring that overflows, a user with no rights,
a device that goes away and comes back."""
import collections
import os
import re
import signal
import socket
import struct
import subprocess
import time

import harness as h
import hep

CALLS = 30


def sections(sip, more=None, **keys):
    found = {'capture lo': {'device': 'lo', 'filter': f'port {sip}',
                            'node': 'probe-1', 'capture_id': 42, **keys}}
    found.update(more or {})
    return found


def capture_of(ear, name='lo'):
    return next(c for c in ear.status()['captures'] if c['name'] == name)


def calls(where, sip, transport, n=CALLS):
    """SIPp calls itself; the exit status of the caller."""
    uas = h.start(['sipp', '-sn', 'uas', '-t', transport, '-i', '127.0.0.1',
                   '-p', str(sip), '-nostdin'],
                  os.path.join(where, 'uas.log'), cwd=where)
    time.sleep(1)
    uac = subprocess.run(
        ['sipp', f'127.0.0.1:{sip}', '-sn', 'uac', '-t', transport, '-i',
         '127.0.0.1', '-p', str(h.free_port()), '-m', str(n), '-r', '30',
         '-d', '50', '-nostdin'], cwd=where, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=60)
    h.stop(uas)
    return uac.returncode


class Judge:
    """dumpcap beside the server; tshark reads what it wrote."""

    def __init__(self, where, sip):
        self.path, self.sip = os.path.join(where, 'judge.pcapng'), sip
        self.child = h.start(
            ['tshark', '-q', '-i', 'lo', '-f', f'port {sip}', '-w',
             self.path], os.path.join(where, 'tshark.log'))
        h.wait_for(lambda: os.path.exists(self.path), 15)
        time.sleep(1)

    def count(self):
        time.sleep(1)
        h.stop(self.child)
        out = subprocess.run(
            ['tshark', '-r', self.path, '-d', f'tcp.port=={self.sip},sip',
             '-d', f'udp.port=={self.sip},sip', '-Y', 'sip', '-T', 'fields',
             '-e', 'sip.Method', '-e', 'sip.Status-Code', '-e',
             'sip.CSeq.method'], capture_output=True, text=True, timeout=60)
        count = collections.Counter()
        for line in out.stdout.splitlines():
            # a frame may hold several messages
            method, status, cseq = (x.split(',') for x in line.split('\t'))
            for m in filter(None, method):
                count[m] += 1
            for s, m in zip(filter(None, status), cseq[-len(status):]):
                count[f'{s} {m}'] += 1
        return dict(sorted(count.items()))


def judged(tap, transport):
    with h.folder() as where:
        sip = h.free_port()
        ear = h.Earshot(where, **sections(sip)).start()
        judge = Judge(where, sip)
        tap.equal(calls(where, sip, transport), 0,
                  f'{transport}: SIPp is content')
        ear.settle(6 * CALLS)
        want = judge.count()
        rows = ear.search('proto == sip')
        tap.equal(h.kinds(rows), want,
                  f'{transport}: messages as tshark counts them')
        tap.equal({(r['tap'], r['node'], r['capture_id'], r['transport'])
                   for r in rows},
                  {('capture:lo', 'probe-1', 42,
                    'udp' if transport == 'u1' else 'tcp')},
                  f'{transport}: with tap, node, id and transport')
        c = capture_of(ear)
        tap.ok(c['open'] and c['kernel_drop'] == 0 and
               c['messages'] == len(rows), f'{transport}: status says so', c)
        if transport != 'u1':
            # opened, carries, closed
            tap.equal(c['events'], 3, 'the connection was told of')
        tap.equal(ear.totals().get('open', 0), 0, f'{transport}: sums meet')
        ear.stop()


def ends(tap):
    """What happens to connections that carry nothing and end differently."""
    with h.folder() as where:
        other = h.free_port()
        # this port alone: another suite may talk SIP over TCP meanwhile
        ear = h.Earshot(where, **sections(
            other, filter=f'tcp port {other}')).start()
        with socket.create_server(('127.0.0.1', other)) as server:
            with socket.create_connection(server.getsockname()) as c:
                peer, _ = server.accept()
                c.sendall(b'GET / HTTP/1.1\r\n\r\n')
                peer.close()
        time.sleep(2)
        tap.equal(capture_of(ear)['events'], 0,
                  'connections of others are not told of')
        ear.stop()


def reset_and_fin(tap):
    """A process that is killed, and one that says good-bye."""
    with h.folder() as where:
        sip = h.free_port()
        ear = h.Earshot(where, **sections(sip)).start()
        with socket.create_server(('127.0.0.1', sip)) as server:
            for kill in (True, False):
                with socket.create_connection(('127.0.0.1', sip)) as c:
                    peer, _ = server.accept()
                    c.sendall(hep.options(f'end-{kill}'))
                    peer.recv(9999)
                    if kill:
                        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     struct.pack('ii', 1, 0))
                time.sleep(0.2)
                peer.close()

        def found():
            rows = [r for r in ear.must('sessions', '--json') if 'event' in r]
            return len(rows) == 4 and [(r['event'], r['details'],
                                        r['inferred']) for r in rows]
        got = h.wait_for(found, 10, 0.5)
        tap.equal(got, [('DISCONNECT', 'NORMAL', False),
                        ('CONNECT', '', False),
                        ('DISCONNECT', 'NETWORK_ERROR', False),
                        ('CONNECT', '', False)],
                  'a reset and a FIN, as sessions')
        ear.stop()


def own_hep(tap):
    """HEP to the server's own listener is on the captured device, too."""
    with h.folder() as where:
        other = h.free_port()
        ear = h.Earshot(where)
        with open(ear.config, 'a') as f:
            f.write(ear.section('capture lo', {
                'device': 'lo',
                'filter': f'udp port {ear.port} or udp port {other}'}))
        ear.start()
        sender = socket.socket(type=socket.SOCK_DGRAM)
        for i in range(20):
            sender.sendto(hep.hep3(hep.options(f'own-{i}')),
                          ('127.0.0.1', ear.port))
        # and for another collector: opened
        for i in range(20):
            sender.sendto(hep.hep3(hep.options(f'other-{i}')),
                          ('127.0.0.1', other))
        sender.close()
        ear.settle(40)
        rows = ear.search('proto == sip')
        taps = collections.Counter(
            (r['tap'].split(':')[0], r['call_id'].split('-')[0])
            for r in rows)
        tap.equal(dict(taps), {('hep/udp', 'own'): 20, ('capture', 'other'): 20},
                  'HEP: once where it is ours, opened where it is not')
        ear.stop()


def reload(ear):
    p = subprocess.run(
        [h.EARSHOT, 'ctl', 'reload', '--data', ear.data], text=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return p.returncode, p.stdout + p.stderr


def rewrite(ear, old, new):
    with open(ear.config) as f:
        text = f.read()
    with open(ear.config, 'w') as f:
        f.write(text.replace(old, new))


def changes(tap):
    with h.folder() as where:
        sip, second = h.free_port(), h.free_port()
        ear = h.Earshot(where, **sections(sip)).start()
        rewrite(ear, f'"port {sip}"', '"port what ever"')
        code, text = reload(ear)
        tap.ok(code != 0 and 'capture "lo"' in text and 'filter' in text,
               'reload: a filter that is none is named', text)
        p = subprocess.run([h.EARSHOT, 'check-config', ear.config], text=True,
                           capture_output=True)
        tap.ok(p.returncode != 0 and 'filter' in p.stderr,
               'check-config says so too', p.stderr)
        rewrite(ear, '"port what ever"', f'"port {sip}"')
        rewrite(ear, '"lo"', '"no-such-device"')
        code, text = reload(ear)
        tap.ok(code != 0 and 'no-such-device' in text,
               'reload: a device that is not there is named', text)
        tap.ok(capture_of(ear)['open'], 'and what was there goes on')
        rewrite(ear, '"no-such-device"', '"lo"')
        with open(ear.config, 'a') as f:
            f.write(ear.section('capture second', {
                'device': 'lo', 'filter': f'udp port {second}'}))
        code, text = reload(ear)
        tap.equal((code, len(ear.status()['captures'])), (0, 2),
                  'reload: a second capture of the same device')
        s = socket.socket(type=socket.SOCK_DGRAM)
        for i in range(5):
            s.sendto(hep.options(f'one-{i}'), ('127.0.0.1', sip))
            s.sendto(hep.options(f'two-{i}'), ('127.0.0.1', second))
        ear.settle(10)
        tap.ok(h.wait_for(lambda: [c['messages'] for c in
                                   ear.status()['captures']] == [5, 5], 5),
               'each has what its filter says', ear.status()['captures'])
        rewrite(ear, 'device = "lo"\n\tfilter = "udp',
                'enabled = "false"\n\tdevice = "lo"\n\tfilter = "udp')
        code, text = reload(ear)
        tap.equal((code, len(ear.status()['captures'])), (0, 1),
                  'reload: it goes again')
        for i in range(5):
            s.sendto(hep.options(f'three-{i}'), ('127.0.0.1', second))
            s.sendto(hep.options(f'four-{i}'), ('127.0.0.1', sip))
        s.close()
        ear.settle(15)
        tap.equal(len(ear.search('proto == sip')), 15, 'and nothing of it')
        ear.stop()


def killed(tap):
    with h.folder() as where:
        sip = h.free_port()
        ear = h.Earshot(where, **sections(sip)).start()
        s = socket.socket(type=socket.SOCK_DGRAM)
        for i in range(2000):
            s.sendto(hep.options(f'a-{i}'), ('127.0.0.1', sip))
            if i % 50 == 0:
                time.sleep(0.005)
        h.wait_for(lambda: ear.totals()['accepted'] >= 1500, 20)
        accepted = ear.totals()['accepted']
        ear.kill()
        ear.start()
        for i in range(100):
            s.sendto(hep.options(f'b-{i}'), ('127.0.0.1', sip))
        s.close()
        h.wait_for(lambda: len(ear.search('call_id ~ "^b-"')) == 100, 20)
        rows = ear.search('proto == sip')
        ids = collections.Counter(r['call_id'] for r in rows)
        a = sum(1 for i in ids if i.startswith('a-'))
        tap.ok(a >= accepted and max(ids.values()) == 1,
               f'kill -9: {accepted} accepted, {a} there, none twice')
        tap.equal((sum(1 for i in ids if i.startswith('b-')),
                   {r['tap'] for r in rows}), (100, {'capture:lo'}),
                  'it captures again, under the same name')
        ear.stop()


def overflow(tap):
    """A server that is held sees nothing; the kernel counts what it drops."""
    with h.folder() as where:
        sip = h.free_port()
        ear = h.Earshot(where, **sections(sip, buffer='1M')).start()
        ear.child.send_signal(signal.SIGSTOP)
        s = socket.socket(type=socket.SOCK_DGRAM)
        n = 4000
        for i in range(n):
            s.sendto(hep.options(f'x-{i}', 900), ('127.0.0.1', sip))
        s.close()
        ear.child.send_signal(signal.SIGCONT)
        h.wait_for(lambda: capture_of(ear)['kernel_drop'], 20)
        time.sleep(2)
        c, t = capture_of(ear), ear.totals()
        tap.ok(0 < c['kernel_drop'] < n and
               c['kernel_drop'] + c['messages'] == n and
               t['kernel_drop'] == c['kernel_drop'],
               'what the kernel dropped is counted, and no more', c, t)
        p = subprocess.run([h.EARSHOT, 'search', '--data', ear.data, '--limit',
                            '1'], capture_output=True, text=True)
        tap.ok('capture:lo' in p.stderr + p.stdout and
               'kernel' in p.stderr + p.stdout,
               'an answer says that it is not complete', p.stderr)
        ear.stop()


def lesser(tap):
    """Root opens the device, somebody else does the rest."""
    if os.geteuid():
        tap.skip('becomes another user', 'not root')
        return
    with h.folder() as where:
        sip = h.free_port()
        os.chmod(where, 0o755)
        ear = h.Earshot(where, **sections(sip, user='nobody'))
        os.mkdir(ear.data)
        try:
            ear.start(5)
            said = ''
        except RuntimeError as e:
            said = str(e)
        tap.ok('chown -R nobody' in said and 'capture' in said,
               'a data directory of root is refused with what to do', said)
        if not os.stat('/').st_mode & 1:
            # a fresh chroot; nobody can reach any folder there
            tap.skip('becomes another user', 'only root may search / here')
            return
        subprocess.run(['chown', '-R', 'nobody', ear.data], check=True)
        ear.start()
        with open(f'/proc/{ear.child.pid}/status') as f:
            state = dict(line.split(':', 1) for line in f if ':' in line)
        tap.equal((state['Uid'].split()[:3] != ['0'] * 3,
                   int(state['CapEff'], 16), int(state['CapPrm'], 16)),
                  (True, 0, 0), 'nobody, and no capability')
        bad = []
        for task in os.listdir(f'/proc/{ear.child.pid}/task'):
            with open(f'/proc/{ear.child.pid}/task/{task}/status') as f:
                text = f.read()
            if re.search(r'^Uid:\s+0', text, re.M) or \
                    not re.search(r'^CapEff:\s+0+$', text, re.M):
                bad.append(text)
        tap.equal(bad, [], 'so is each of its threads')
        s = socket.socket(type=socket.SOCK_DGRAM)
        for i in range(10):
            s.sendto(hep.options(f'n-{i}'), ('127.0.0.1', sip))
        s.close()
        tap.ok(ear.settle(10), 'it captures')
        with open(ear.config, 'a') as f:
            f.write(ear.section('capture more', {
                'device': 'lo', 'filter': 'udp'}))
        code, text = reload(ear)
        tap.ok(code != 0 and 'permission' in text,
               'a device more is refused, for it has no right left', text)
        ear.stop()


def inside(ear, *words):
    return subprocess.run(['nsenter', '-n', '-t', str(ear.child.pid), *words],
                          capture_output=True, text=True)


def away(tap):
    """A device goes and comes back, in a network of its own."""
    p = subprocess.run(['unshare', '-n', 'ip', 'link', 'add', 'ea0', 'type',
                        'veth', 'peer', 'name', 'ea1'], capture_output=True)
    if p.returncode:
        tap.skip('a device goes away', 'no right to make a network namespace')
        return
    with h.folder() as where:
        ear = h.Earshot(where, **{'capture net': {
            'device': 'ea0', 'filter': 'udp port 5060'}})
        script = os.path.join(where, 'net.sh')
        with open(script, 'w') as f:
            f.write('ip link set lo up\n'
                    'ip link add ea0 type veth peer name ea1\n'
                    'exec "$@"\n')
        ear.start(wrap=['unshare', '-n', 'sh', script])
        c = capture_of(ear, 'net')
        tap.ok(not c['open'] and 'down' in c['why'],
               'a device that is down is waited for', c)
        for words in ('addr add 10.9.0.1/24 dev ea0', 'link set ea0 up',
                      'link set ea1 up'):
            inside(ear, 'ip', *words.split())
        tap.ok(h.wait_for(lambda: capture_of(ear, 'net')['open'], 10),
               'once it is up it is captured from')
        flow = ('import socket,sys;s=socket.socket(type=socket.SOCK_DGRAM);'
                '[s.sendto(sys.argv[1].replace("NNN",str(i)).encode(),'
                '("10.9.0.2",5060)) for i in range(5)]')
        send = lambda name: inside(
            ear, 'python3', '-c', flow, hep.options(f'{name}-NNN').decode())
        inside(ear, 'ip', 'neigh', 'add', '10.9.0.2', 'lladdr',
               '02:00:00:00:00:01', 'dev', 'ea0')
        send('one')
        tap.ok(ear.settle(5), 'messages come', capture_of(ear, 'net'))
        inside(ear, 'ip', 'link', 'del', 'ea0')
        tap.ok(h.wait_for(lambda: not capture_of(ear, 'net')['open'], 10),
               'it is gone', capture_of(ear, 'net'))
        tap.ok(ear.child.poll() is None and
               h.wait_for(lambda: 'capture.gone' in ear.notices(), 5),
               'the server goes on, with a notice')
        for words in ('link add ea0 type veth peer name ea1',
                      'addr add 10.9.0.1/24 dev ea0', 'link set ea0 up',
                      'link set ea1 up', 'neigh add 10.9.0.2 lladdr '
                      '02:00:00:00:00:01 dev ea0'):
            inside(ear, 'ip', *words.split())
        tap.ok(h.wait_for(lambda: capture_of(ear, 'net')['open'], 10),
               'it is back')
        send('two')
        tap.ok(ear.settle(10), 'and so are messages', ear.totals())
        time.sleep(1.5)
        p = subprocess.run([h.EARSHOT, 'search', '--data', ear.data, '--limit',
                            '1'], capture_output=True, text=True)
        tap.ok('nothing could be captured' in p.stderr + p.stdout,
               'an answer says when nothing could be captured',
               p.stdout + p.stderr)
        ear.stop()


def main():
    with h.Tap() as tap:
        try:
            socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close()
        except PermissionError:
            tap.skip('live capture', 'not allowed to capture here')
            return
        if h.have('sipp', 'tshark'):
            tap.skip('SIPp, judged by tshark', h.have('sipp', 'tshark'))
        else:
            judged(tap, 'u1')
            judged(tap, 't1')
        ends(tap)
        reset_and_fin(tap)
        own_hep(tap)
        changes(tap)
        killed(tap)
        overflow(tap)
        lesser(tap)
        away(tap)


main()
