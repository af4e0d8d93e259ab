#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make sample.pcap: a small office's SIP traffic of about a minute.

Two network namespaces joined by a veth pair with an MTU of 1500: Kamailio in
one, SIPp phones with an address each in the other, tcpdump on Kamailio's end.
Needs root, kamailio, sip-tester, tcpdump, tshark, iproute2. Touches nothing
outside of the two namespaces, and removes them.
"""
import array
import collections
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER, PHONES = 'ear-sample-s', 'ear-sample-p'
PROXY = '10.20.0.10'

# user: (address, display name, user agent)
USERS = {
    'alice': ('10.20.0.21', 'Alice Martin', 'Snom D735/10.1.64.14'),
    'bob': ('10.20.0.22', 'Bob Keller', 'Yealink SIP-T46U 108.86.0.45'),
    'carol': ('10.20.0.23', 'Carol Nguyen', 'Grandstream GXP2170 1.0.11.64'),
    'dave': ('10.20.0.24', 'Dave Okafor', 'Linphone/5.2.4 (Android 14)'),
    'sara': ('10.20.0.25', 'Sara Lindgren', 'Linphone Desktop/5.1.2'),
    'erik': ('10.20.0.26', 'Erik Holm', 'Snom D735/10.1.64.14'),
    'tina': ('10.20.0.27', 'Tina Berg', 'Zoiper v5.6.4'),
    'frank': ('10.20.0.28', 'Frank Ito', 'MicroSIP/3.21.3'),
    'grace': ('10.20.0.29', 'Grace Amari', 'Blink 5.9.2'),
    '600': ('10.20.0.30', 'Reception', 'Polycom VVX-450-UA/6.4.3'),
    '+4930901820': ('10.20.0.50', 'Trunk Berlin', 'SBC 7.4'),
    '+49899988': ('10.20.0.51', 'Trunk Munich', 'SBC 7.4'),
}
TCP = {'tina'}
ANSWERS = {  # what a phone does when it is called
    'bob': 'phone-answers', 'carol': 'phone-busy', 'dave': 'phone-rings',
    'sara': 'phone-hangs-up', 'erik': 'phone-declines',
    'tina': 'phone-answers', 'frank': 'phone-no-ack',
    'grace': 'phone-message', '600': 'phone-away',
    '+4930901820': 'phone-answers', '+49899988': 'phone-fails',
}
# second, scenario, who, whom (or for how long, or with which password)
SCRIPT = [
    (0.0, 'register', 'alice', '3600'), (0.3, 'register', 'bob', '3600'),
    (0.7, 'register', 'carol', '600'), (1.0, 'register', 'dave', '3600'),
    (1.2, 'register', 'sara', '120'), (1.4, 'register', 'erik', '3600'),
    (1.7, 'register', 'tina', '3600'), (1.9, 'register', 'frank', '3600'),
    (2.2, 'register', 'grace', '3600'), (2.5, 'register', '600', '3600'),
    (3.0, 'register-refused', 'sara', 'wrong'),
    (4.0, 'options', '+4930901820', ''), (4.5, 'call', 'alice', 'bob'),
    (5.5, 'call-refused', 'bob', 'carol'), (6.0, 'call', 'dave', 'tina'),
    (7.0, 'message', 'alice', 'grace'), (8.0, 'call-ends-there', 'alice', 'sara'),
    (9.0, 'trunk-call', '+4930901820', 'bob'),
    (10.0, 'call-no-ack', 'erik', 'frank'), (10.5, 'call-cancel', 'alice', 'dave'),
    (12.0, 'call-refused', 'sara', '600'), (13.0, 'call-refused', 'carol', 'erik'),
    (14.0, 'options', '+4930901820', ''), (14.5, 'call', 'carol', '+4940228811'),
    (16.0, 'call-refused', 'bob', 'dave'), (17.0, 'register-refused', 'sara', 'wrong'),
    (17.5, 'call-refused', 'dave', '+09001234'), (18.5, 'call-refused', 'alice', 'nobody'),
    (19.5, 'call-big', 'alice', 'bob'), (20.5, 'call', 'tina', 'bob'),
    (22.0, 'trunk-call-refused', '+4930901820', '600'),
    (23.0, 'call-refused', 'sara', '+4989123456'), (24.0, 'options', '+4930901820', ''),
    (24.5, 'message', 'bob', 'grace'), (25.0, 'call', 'sara', 'bob'),
    (26.0, 'call-ends-there', 'bob', 'sara'), (27.0, 'call-cancel', 'erik', 'dave'),
    (28.0, 'register', 'dave', '0'), (29.5, 'register', 'dave', '3600'),
    (30.0, 'trunk-call', '+4930901820', 'tina'), (31.0, 'call', 'alice', 'bob'),
    (32.0, 'call-refused', 'tina', 'carol'), (33.0, 'call-refused', 'alice', '600'),
    (34.0, 'options', '+4930901820', ''), (34.5, 'call-big', 'carol', 'tina'),
    (35.5, 'register', 'sara', '120'), (36.5, 'trunk-call-refused', '+4930901820', 'carol'),
    (37.5, 'call', 'bob', '+4940771234'), (38.5, 'call-refused', 'erik', 'nobody'),
    (39.5, 'call-ends-there', 'tina', 'sara'), (41.0, 'call-refused', 'bob', 'dave'),
    (42.0, 'register-refused', 'sara', 'Secret'), (43.0, 'message', 'dave', 'grace'),
    (44.0, 'options', '+4930901820', ''), (44.5, 'call-cancel', 'sara', 'dave'),
    (45.5, 'call', 'erik', 'bob'), (46.5, 'call-refused', 'bob', '+0900555'),
    (47.5, 'trunk-call', '+4930901820', 'bob'), (48.5, 'call-refused', 'carol', 'erik'),
    (49.5, 'call', 'dave', 'tina'), (50.5, 'call-refused', 'alice', 'carol'),
    (51.5, 'trunk-call-refused', '+4930901820', '600'), (54.0, 'options', '+4930901820', ''),
    (55.0, 'register', 'erik', '0'), (55.5, 'register', 'tina', '0'),
    (56.0, 'call-refused', 'bob', 'erik'), (57.0, 'call', 'alice', 'bob'),
]


def sh(*words):
    subprocess.run(words, check=True)


def inside(space, *words):
    return ['ip', 'netns', 'exec', space, *words]


def offload_off(device):
    """Let the kernel fill in checksums, so that the capture has good ones."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for command in (0x17, 0x1f, 0x24):  # ETHTOOL_STXCSUM, _STSO, _SGSO
        data = array.array('B', struct.pack('II', command, 0))
        request = struct.pack('16sP', device.encode(), data.buffer_info()[0])
        try:
            fcntl.ioctl(sock, 0x8946, request)  # SIOCETHTOOL
        except OSError as e:
            print(f'{device}: offload {command:#x}: {e}', file=sys.stderr)


def make_net():
    drop_net()
    sh('ip', 'netns', 'add', SERVER)
    sh('ip', 'netns', 'add', PHONES)
    sh('ip', 'link', 'add', 'proxy0', 'netns', SERVER, 'type', 'veth',
       'peer', 'name', 'phones0', 'netns', PHONES)
    for space, device in ((SERVER, 'proxy0'), (PHONES, 'phones0')):
        sh(*inside(space, 'ip', 'link', 'set', 'lo', 'up'))
        sh(*inside(space, 'ip', 'link', 'set', device, 'mtu', '1500', 'up'))
        sh(*inside(space, sys.executable, __file__, '--offload-off', device))
    sh(*inside(SERVER, 'ip', 'addr', 'add', PROXY + '/24', 'dev', 'proxy0'))
    for address in sorted({u[0] for u in USERS.values()}):
        sh(*inside(PHONES, 'ip', 'addr', 'add', address + '/24', 'dev',
                   'phones0'))


def drop_net():
    for space in (SERVER, PHONES):
        subprocess.run(['ip', 'netns', 'del', space],
                       stderr=subprocess.DEVNULL)


class Sample:
    def __init__(self, run):
        self.run = run
        self.ports = 5100
        self.running = []
        self.failed = []

    def start(self, *words):
        log = open(os.path.join(self.run, 'log'), 'ab')
        p = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log,
                             stderr=log, cwd=self.run)
        self.running.append(p)
        return p

    def sipp(self, scenario, user, port, *more):
        address = USERS[user][0]
        return self.start(*inside(
            PHONES, 'sipp', PROXY + ':5060', '-sf',
            f'{HERE}/scenarios/{scenario}.xml', '-i', address, '-mi', address,
            '-p', str(port), '-t', 't1' if user in TCP else 'u1',
            '-nostdin', '-recv_timeout', '20000', '-key', 'contact_port',
            '5060', *more))

    def phones(self):
        for user, scenario in ANSWERS.items():
            self.sipp(scenario, user, 5060, '-s', user, '-timeout', '120')

    def act(self, scenario, user, whom):
        address, display, agent = USERS[user]
        password = 'secret-' + user
        if scenario == 'register-refused':
            password, whom = whom, '3600'
        self.ports += 2
        port = self.ports
        fields = os.path.join(self.run, f'{port}.csv')
        with open(fields, 'w') as f:
            f.write('SEQUENTIAL\n' + ';'.join((
                user, display, f'[authentication username={user} '
                f'password={password}]', whom, agent)) + '\n')
        p = self.sipp(scenario, user, port, '-inf', fields, '-m', '1',
                      '-cid_str', f'%u-%p.{port}@%s', '-timeout', '30')
        if p.wait():
            self.failed.append((scenario, user, whom))

    def play(self):
        begin = time.monotonic()
        threads = []
        for second, *what in SCRIPT:
            time.sleep(max(0, begin + second - time.monotonic()))
            threads.append(threading.Thread(target=self.act, args=what))
            threads[-1].start()
        for t in threads:
            t.join()

    def stop(self):
        for p in reversed(self.running):
            if p.poll() is None:
                p.terminate()
        for p in self.running:
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()


def expected(capture):
    """What tshark, who is no party to it, sees in a capture."""
    p = subprocess.run(
        ['tshark', '-r', capture, '-Y', 'sip', '-T', 'json', '-e',
         'sip.Method', '-e', 'sip.Status-Code', '-e', 'sip.Call-ID', '-e',
         '_ws.malformed'],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    requests, replies, calls = (collections.Counter() for _ in range(3))
    malformed = 0
    for packet in json.loads(p.stdout):
        layers = packet['_source']['layers']
        requests.update(layers.get('sip.Method', []))
        replies.update(layers.get('sip.Status-Code', []))
        calls.update(layers.get('sip.Call-ID', []))
        malformed += len(layers.get('_ws.malformed', []))
    return {'messages': requests.total() + replies.total(),
            'conversations': len(calls), 'malformed': malformed,
            'requests': dict(sorted(requests.items())),
            'replies': dict(sorted(replies.items()))}


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else f'{HERE}/sample.pcap'
    with tempfile.TemporaryDirectory() as run:
        sample = Sample(run)
        try:
            make_net()
            capture = sample.start(*inside(
                SERVER, 'tcpdump', '-i', 'proxy0', '-U', '-Z', 'root', '-w',
                os.path.abspath(out), 'udp or tcp'))
            sample.start(*inside(
                SERVER, 'kamailio', '-DD', '-E', '-f', f'{HERE}/kamailio.cfg',
                '-m', '32', '-M', '4', '-Y', run, '-P', f'{run}/pid'))
            sample.phones()
            time.sleep(2)
            sample.play()
            time.sleep(1)
            capture.terminate()
            capture.wait(5)
        finally:
            sample.stop()
            drop_net()
            if sample.failed:
                print(open(f'{run}/log', errors='replace').read()[-4000:])
    print(f'{out}: {os.path.getsize(out)} bytes,',
          f'{len(SCRIPT)} conversations, failed: {sample.failed}')
    with open(os.path.join(os.path.dirname(os.path.abspath(out)),
                           'expected.json'), 'w') as f:
        json.dump(expected(out), f, indent=1)
        f.write('\n')
    return bool(sample.failed)


if __name__ == '__main__':
    if sys.argv[1:2] == ['--offload-off']:
        offload_off(sys.argv[2])
    else:
        sys.exit(main())
