#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Moving over from Kamailio's siptrace: one test for each row of
docs/siptrace.md, named after it. `earshot import-config` translates Kamailio
configurations, Earshot runs on what it printed, HEP comes in, and what leaves
is looked at where it arrives: a collector, a PostgreSQL, `earshot sql`.

    siptrace_test.py [name of a test …]
"""
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import databases
import harness as h
import hep

TESTS = []
BASE = '''
console { enabled = "false" }
retention { min_free = 1M }
journal { min_free = 1M }
'''


def test(group):
    def add(function):
        TESTS.append((group, function))
        return function
    return add


# --- far ends ---------------------------------------------------------------

class Collector:
    """Datagrams with whom they came from."""

    def __init__(self):
        self.port = h.free_port()
        self.got = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.sock.bind(('127.0.0.1', self.port))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            data, peer = self.sock.recvfrom(65536)
            self.got.append((data, peer))

    def heps(self, call_id=''):
        """Of one conversation, decoded."""
        return [m for m in (read_hep(*g) for g in list(self.got))
                if m and (not call_id or call_id_of(m['payload']) == call_id)]

    def sips(self, call_id=''):
        """Plain duplicates: (text, peer)."""
        return [(d.decode('latin-1'), p) for d, p in list(self.got)
                if not d.startswith(b'HEP3') and d[0] > 2 and
                (not call_id or call_id_of(d) == call_id)]

    def wait(self, what, n, call_id='', seconds=10):
        h.wait_for(lambda: len(what(call_id)) >= n, seconds)
        return what(call_id)


def read_hep(data, peer):
    """Version, addresses, ids, payload of a packet; None: it is none."""
    m = {'peer': peer}
    if data.startswith(b'HEP3'):
        m['version'] = 3
        at = 6
        while at + 6 <= len(data):
            vendor, kind, n = struct.unpack_from('>HHH', data, at)
            m[(vendor, kind) if vendor else kind] = data[at + 6:at + n]
            at += n
        m['src'] = socket.inet_ntoa(m[3]), *struct.unpack('>H', m[7])
        m['dst'] = socket.inet_ntoa(m[4]), *struct.unpack('>H', m[8])
        m['time'] = struct.unpack('>I', m[9])[0] + \
            struct.unpack('>I', m[10])[0] / 1e6
        m['id'], = struct.unpack('>I', m[12])
        m['payload'] = m[15]
        return m
    if len(data) > 16 and data[0] in (1, 2) and data[1] in (16, 28):
        m['version'] = data[0]
        m['payload'] = data[data[1]:] if data[0] == 1 else data[28:]
        sport, dport = struct.unpack_from('>HH', data, 4)
        m['src'] = socket.inet_ntoa(data[8:12]), sport
        m['dst'] = socket.inet_ntoa(data[12:16]), dport
        if data[0] == 2:
            m['id'], = struct.unpack_from('<H', data, 24)
        return m
    return None


def call_id_of(data):
    m = re.search(rb'^Call-ID: (\S+)', data, re.M)
    return m[1].decode() if m else ''


# --- what is sent -----------------------------------------------------------

PHONE, PROXY, PEER = (('192.0.2.1', 5060), ('192.0.2.2', 5060),
                      ('192.0.2.3', 5060))


def sip(first, call_id, user='alice', cseq=1, method=None, branch='1',
        to_tag='', more=''):
    """A request ('INVITE') or reply ('200 OK' with its method)."""
    if first[0].isdigit():
        line = f'SIP/2.0 {first}'
    else:
        method, line = first, f'{first} sip:bob@example.com SIP/2.0'
    return (
        f'{line}\r\n'
        f'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{call_id}{branch}\r\n'
        f'Max-Forwards: 70\r\n'
        f'From: <sip:{user}@example.com>;tag=f{call_id}\r\n'
        f'To: <sip:bob@example.com>{";tag=" + to_tag if to_tag else ""}\r\n'
        f'Call-ID: {call_id}\r\n'
        f'CSeq: {cseq} {method}\r\n'
        f'Contact: <sip:{user}@192.0.2.1:5060>\r\n{more}'
        f'Content-Length: 0\r\n\r\n').encode()


def with_chunk(packet, kind, value, vendor=0):
    packet += struct.pack('>HHH', vendor, kind, 6 + len(value)) + value
    return packet[:4] + struct.pack('>H', len(packet)) + packet[6:]


def packet(message, src=PHONE, dst=PROXY, direction='', at=None):
    p = hep.hep3(message, at, src, dst)
    return with_chunk(p, 0x4505, direction.encode(), 0x4541) if direction \
        else p


# --- servers on what import-config printed ------------------------------------

class Moved(h.Earshot):
    """Earshot on a translated Kamailio configuration."""

    def __init__(self, where, cfg, change=lambda text: text):
        super().__init__(where)
        self.text = imported(where, cfg)
        text = change(self.text).replace(
            '127.0.0.1:9060', f'127.0.0.1:{self.port}')
        with open(self.config, 'w') as f:
            f.write(text + BASE)
        self.wire = hep.Udp(self.port)

    def send(self, *messages, **more):
        for m in messages:
            self.wire.send(packet(m, **more))

    def sql(self, query):
        return self.must('sql', '--json', query)

    def ctl(self, *words):
        p = subprocess.run(
            [h.EARSHOT, 'ctl', *words, '--data', self.data],
            capture_output=True, text=True, timeout=20)
        return p.returncode, p.stdout.strip() or p.stderr.strip()


def imported(where, cfg, strict=False):
    path = os.path.join(where, 'kamailio.cfg')
    with open(path, 'w') as f:
        f.write(cfg)
    p = subprocess.run(
        [h.EARSHOT, 'import-config', 'kamailio', path, *['--strict'] * strict],
        capture_output=True, text=True, timeout=20)
    if p.returncode and not strict:
        raise RuntimeError(p.stderr)
    return p.stdout if not strict else p.returncode


def section(text, kind, name=''):
    """The text of one section, '' when there is none."""
    head = f'{kind} "{name}" {{\n' if name else f'{kind} {{\n'
    at = text.find('\n' + head)
    return text[at:text.index('\n}', at)] if at >= 0 else ''


def params(values):
    lines = ['loadmodule "siptrace.so"']
    for name, value in values.items():
        value = value if isinstance(value, int) else f'"{value}"'
        lines.append(f'modparam("siptrace", "{name}", {value})')
    return '\n'.join(lines) + '\n'


def key(text, kind, name, word):
    m = re.search(rf'^\t{word} = (.*)$', section(text, kind, name), re.M)
    return m[1] if m else None


class World:
    """What the tests look at; each part is started once."""

    def __init__(self, tap, where):
        self.tap, self.where = tap, where
        self.db = None
        if not databases.Postgres.missing() and have_driver():
            self.db = databases.Postgres(where).start()

    def url(self):
        return self.db.url if self.db else 'postgres://u:p@127.0.0.1:1/none'

    def folder(self, name):
        path = os.path.join(self.where, name)
        os.mkdir(path)
        return path

    def start_core(self):
        """The core engine: HEP, plain copies, rows; OPTIONS dropped."""
        if not h.wait_for(lambda: h.claim('127.0.0.2:5070'), 120, .5):
            raise RuntimeError('another test has 127.0.0.2:5070')
        self.far = Collector()
        self.core = Moved(self.folder('core'), f'''
listen=udp:127.0.0.2:5070 advertise 198.51.100.7:5060 name "sock1"
''' + params({
            'duplicate_uri': f'sip:127.0.0.1:{self.far.port}',
            'trace_on': 1, 'trace_mode': 7, 'trace_init_mode': 1,
            'hep_version': 3, 'hep_capture_id': 77, 'auth_key': 'open sesame',
            'data_mode': 1, 'send_sock_name': 'sock1', 'xheaders_write': 1,
            'db_url': self.url().replace('%', '%'), 'table': 'strace',
            'callid_column': 'call_id', 'msg_column': 'text',
        }) + '''
event_route[siptrace:msg] {
    if (is_method("OPTIONS")) { drop(); }
}
''', self.with_database)
        self.core.start()
        self.core.send(sip('INVITE', 'core-1'), at=1.7e9 + 0.123456,
                       src=('127.0.0.2', 5070), dst=PEER, direction='out')
        self.core.send(hep.options('core-options'))
        self.core.send(sip('200 OK', 'core-1', method='INVITE', to_tag='b'),
                       src=PEER, dst=('127.0.0.2', 5070), direction='in')
        self.core_heps = self.far.wait(self.far.heps, 2, 'core-1')
        self.core_sips = self.far.wait(self.far.sips, 2, 'core-1')

    def start_script(self):
        """The script engine: plain copies, traced users, tables, scopes."""
        self.far2 = Collector()
        uri = f'sip:127.0.0.1:{self.far2.port}'
        self.script = Moved(self.folder('script'), params({
            'db_url': self.url(), 'trace_on': 1, 'trace_flag': 22,
            'traced_user_avp': '$avp(s:traced)',
            'trace_table_avp': '$avp(table)', 'trace_db_mode': 2,
            'xheaders_write': 1, 'trace_local_ip': 'udp:203.0.113.9:5060',
            'send_sock_addr': 'sip:127.0.0.3:5999',
            'trace_dialog_ack': 0, 'trace_dialog_spiral': 0,
        }) + f'''
request_route {{
    if ($fU == "alice") {{
        $avp(traced) = "$fu";
        $avp(traced) = "sip:second@example.com";
        $avp(table) = "strace_alice";
        setflag(22);
        sip_trace();
    }}
    if ($fU == "dora") sip_trace("{uri}", "$ci-abc", "d");
    if ($fU == "mike") sip_trace("{uri}", "", "m");
    if ($fU == "tom") sip_trace("{uri}", "", "T");
}}
''', self.with_database)
        self.script.start()

    def start_hep2(self):
        """HEP 2 without a database; the switch off, and on by RPC."""
        self.far3 = Collector()
        self.hep2 = Moved(self.folder('hep2'), params({
            'duplicate_uri': f'sip:127.0.0.1:{self.far3.port}',
            'trace_to_database': 0, 'hep_mode_on': 1, 'hep_version': 2,
            'hep_capture_id': 300, 'force_send_sock': 'sip:127.0.0.4:5999',
            'traced_user_avp': '$avp(u)'}) + '''
request_route {
    $avp(u) = "watched";
    sip_trace();
    sip_trace_mode("d");
}
''')
        self.hep2.start()

    def with_database(self, text):
        """Tables made at need, rows soon; off where there is no database."""
        more = 'create = "true"\n\tdelay = "0s"\n'
        if not self.db:
            more += '\tenabled = "false"\n'
        return text.replace('sql "database" {\n',
                            'sql "database" {\n\t' + more)

    def rows(self, table, n, more='', columns=('callid', 'traced_user')):
        """Rows of a table in PostgreSQL, once there are n."""
        def look():
            try:
                found = self.db.rows(table, columns, more)
            except RuntimeError:
                return None
            return found if len(found) >= n else None
        return h.wait_for(look, 15, 0.2) or \
            (look() if not n else self.db.client(
                f'SELECT * FROM {table}', 'traces').stdout)

    def without_database(self, name):
        if not self.db:
            self.tap.skip(name, databases.Postgres.missing() or
                          'no ODBC driver for PostgreSQL')
        return not self.db


def have_driver():
    p = subprocess.run(['odbcinst', '-q', '-d'], capture_output=True,
                       text=True) if shutil.which('odbcinst') else None
    return bool(p and 'PostgreSQL' in p.stdout)


def trace(text, word):
    """The section of the trace whose comments or rule have a word."""
    for part in re.findall(r'\ntrace "[^"]+" {.*?\n}', text, re.S):
        if word in part:
            return part
    return ''


# --- the core engine ----------------------------------------------------------

@test('core')
def duplicate_uri(w):
    w.tap.equal(key(w.core.text, 'mirror', 'hep', 'to'),
                f'"hep:127.0.0.1:{w.far.port};transport=udp"',
                'duplicate_uri: a mirror to that place')
    w.tap.ok(w.core_heps and w.core_sips, 'duplicate_uri: copies come there',
             len(w.core_heps), len(w.core_sips))
    text = imported(w.where, params({
        'trace_on': 1, 'duplicate_uri': 'sip:10.1.1.1:5888'}) +
        'request_route { sip_trace(); }\n')
    w.tap.ok(not section(text, 'mirror', 'duplicate') and
             'duplicate_uri is not used' in re.sub(r'\s+#?\s*', ' ', text),
             'duplicate_uri: with the database on and HEP off it is not used')


@test('core')
def trace_mode(w):
    w.tap.equal(key(w.core.text, 'trace', 'all', 'mirrors'),
                '{"hep", "duplicate", "database"}',
                'trace_mode 7: HEP, plain copy, database')
    w.tap.equal((len(w.core_heps), len(w.core_sips)), (2, 2),
                'trace_mode: each message once in HEP and once as SIP')
    for mode, want in ((1, ['hep']), (2, ['database']), (4, ['duplicate'])):
        text = imported(w.where, params({
            'trace_mode': mode, 'duplicate_uri': 'sip:10.1.1.1'}))
        w.tap.equal(key(text, 'trace', 'all', 'mirrors'),
                    '{"%s"}' % '", "'.join(want), f'trace_mode {mode}')


@test('core')
def trace_init_mode(w):
    calls = 'request_route { sip_trace(); }\n'
    for mode, core, script in ((0, True, True), (1, True, False),
                               (2, False, True)):
        text = imported(w.where, params({
            'trace_mode': 2, 'trace_init_mode': mode}) + calls)
        w.tap.equal((bool(section(text, 'trace', 'all')),
                     'trace "line-' in text), (core, script),
                    f'trace_init_mode {mode}: core engine, script engine')
    text = imported(w.where, params({'trace_init_mode': 1}))
    w.tap.ok('Kamailio does not start' in text,
             'trace_init_mode 1 without trace_mode: said')


@test('core')
def hep_version(w):
    w.tap.equal({m['version'] for m in w.core_heps}, {3},
                'hep_version 3: version of what comes')
    m = w.core_heps[0]
    w.tap.equal((round(m['time'], 6), m[11][0]), (1700000000.123456, 1),
                'hep_version: capture time and type of what came in')
    for version, want in ((0, '"3"'), (1, '"1"'), (2, '"2"')):
        text = imported(w.where, params({
            'trace_mode': 1, 'hep_version': version,
            'duplicate_uri': 'sip:10.1.1.1'}))
        w.tap.equal(key(text, 'mirror', 'hep', 'version'), want,
                    f'hep_version {version}')


@test('core')
def hep_capture_id(w):
    w.tap.equal({m['id'] for m in w.core_heps}, {77},
                'hep_capture_id: what the collector reads')
    text = imported(w.where, params({'trace_mode': 1,
                                     'duplicate_uri': 'sip:10.1.1.1'}))
    w.tap.equal(key(text, 'mirror', 'hep', 'capture_id'), '"1"',
                'hep_capture_id: not set it is 1')


@test('core')
def auth_key(w):
    w.tap.equal({m.get(14) for m in w.core_heps}, {b'open sesame'},
                'auth_key: in every packet of HEP 3')


@test('core')
def data_mode(w):
    w.tap.equal([(m['src'], m['dst']) for m in w.core_heps],
                [(('198.51.100.7', 5060), PEER),
                 (PEER, ('198.51.100.7', 5060))],
                'data_mode 1: the advertised address on both sides')


@test('core')
def send_sock_name(w):
    w.tap.equal({m['peer'][0] for m in w.core_heps}, {'127.0.0.2'},
                'send_sock_name: copies leave from the address of the socket')


@test('core')
def xheaders_write(w):
    if not w.tap.ok(w.core_sips, 'xheaders_write: a plain copy came'):
        return
    text = w.core_sips[0][0]
    head = text.split('\r\n\r\n')[0].split('\r\n')[-5:]
    w.tap.equal(head, [
        'X-Siptrace-Fromip: udp:198.51.100.7:5060',
        'X-Siptrace-Toip: udp:192.0.2.3:5060',
        'X-Siptrace-Time: 1700000000 123456',
        'X-Siptrace-Method: INVITE', 'X-Siptrace-Dir: out'],
        'xheaders_write: five headers, last, in order, time and method whole')
    w.tap.ok(not any(b'X-Siptrace' in m['payload'] for m in w.core_heps),
             'xheaders_write: none in the HEP copies')


@test('core')
def xheaders_read(w):
    whole = sip('INVITE', 'read-1', more=(
        'X-Siptrace-Fromip: udp:192.0.2.77:5070\r\n'
        'X-Siptrace-Toip: udp:192.0.2.78:5071\r\n'
        'X-Siptrace-Time: 1600000000 654321\r\n'
        'X-Siptrace-Method: INVITE\r\nX-Siptrace-Dir: in\r\n'))
    # they are the last of the header
    whole = re.sub(rb'(X-Siptrace.*\r\n)(Content-Length: 0\r\n)', rb'\2\1',
                   whole, flags=re.S)
    w.core.wire.send(whole)
    w.core.wire.send(sip('INVITE', 'read-2'))
    got = w.far.wait(w.far.heps, 1, 'read-1')
    w.tap.ok(got and got[0]['src'] == ('192.0.2.77', 5070) and
             got[0]['dst'] == ('192.0.2.78', 5071) and
             abs(got[0]['time'] - 1600000000.654321) < 1e-5,
             'xheaders_read: addresses and time are taken, and go on',
             got)
    w.tap.ok(got and 'X-Siptrace' not in str(got[0]),
             'xheaders_read: they are cut off the HEP copy', got)
    got = w.far.wait(w.far.sips, 1, 'read-1')
    w.tap.equal([t.count('X-Siptrace-Fromip') for t, _ in got], [1],
                'xheaders_read: written anew in the plain copy, once')
    w.tap.ok(w.far.wait(w.far.heps, 1, 'read-2'),
             'xheaders_read: what has none goes on too')


@test('core')
def event_route(w):
    w.tap.equal(key(w.core.text, 'trace', 'all', 'rule'),
                r'"not (((method == \"OPTIONS\")))"',
                'event_route: what it drops becomes a rule')
    w.tap.equal((w.far.heps('core-options'), w.far.sips('core-options')),
                ([], []), 'event_route: and is not mirrored')
    w.tap.equal(len(w.core.search('call_id == core-options')), 1,
                'event_route: but kept')


@test('core')
def evcb_msg(w):
    text = imported(w.where, params({
        'trace_mode': 2, 'evcb_msg': 'ksr_siptrace_msg'}))
    w.tap.ok('on_message(msg)' in text and
             key(text, 'trace', 'all', 'on') == '"false"',
             'evcb_msg: a script takes its place; the trace is off till then')
    script = os.path.join(w.where, 'hook.lua')
    with open(script, 'w') as f:
        f.write('function on_message(msg)\n'
                '  if msg.method == "OPTIONS" then drop() end\nend\n')
    far = Collector()
    ear = Moved(w.folder('hook'), params({
        'trace_mode': 1, 'evcb_msg': 'x', 'trace_on': 1,
        'duplicate_uri': f'sip:127.0.0.1:{far.port}'}),
        lambda t: t.replace('\ton = "false"\n', '') +
        f'\nhook {{ script = "{script}" }}\n').start()
    ear.send(hep.options('hook-1'), sip('INVITE', 'hook-2'))
    w.tap.ok(far.wait(far.heps, 1, 'hook-2') and not far.heps('hook-1'),
             'evcb_msg: the script drops what it names, and no more')
    ear.stop()


@test('core')
def variables(w):
    script = os.path.join(w.where, 'names.lua')
    names = ('src_addr', 'dst_addr', 'src_host', 'dst_host', 'src_hostip',
             'dst_hostip', 'src_port', 'dst_port', 'src_proto', 'dst_proto',
             'direction')
    with open(script, 'w') as f:
        f.write('function on_message(msg)\n  if msg.method == "INVITE" then '
                'hlog(msg.call_id, "' + ' '.join(names) + ': " .. ' +
                ' .. " " .. '.join(f'tostring(msg.{n})' for n in names) +
                ') end\nend\n')
    ear = Moved(w.folder('names'), params({}), lambda t: t +
                f'\nhook {{ script = "{script}" }}\n').start()
    ear.send(sip('INVITE', 'names-1'), direction='in')
    found = h.wait_for(lambda: ear.sql(
        "SELECT CAST(raw AS TEXT) AS t FROM messages WHERE proto = 'log'"), 10)
    w.tap.ok(found and found[0]['t'].endswith(
        ': udp:192.0.2.1:5060 udp:192.0.2.2:5060 192.0.2.1 192.0.2.2 '
        '192.0.2.1 192.0.2.2 5060 5060 udp udp in'),
        'variables: all of $siptrace() in a script', found)
    ear.stop()


@test('core')
def hlog(w):
    text = b'[cfg:7] This is a log from kamailio to Homer'
    p = hep.hep3(text).replace(struct.pack('>HHHB', 0, 11, 7, 1),
                               struct.pack('>HHHB', 0, 11, 7, 100))
    w.core.wire.send(with_chunk(p, 17, b'core-1'))
    found = h.wait_for(lambda: w.core.search('proto == log'), 10)
    w.tap.ok(found and found[0]['correlation'] == 'core-1',
             'hlog: HEP of type 100 is kept', found)
    p = subprocess.run([h.EARSHOT, 'show', '--data', w.core.data, 'core-1'],
                       capture_output=True, text=True, timeout=20)
    w.tap.ok('This is a log from kamailio' in p.stdout,
             'hlog: and shown in its conversation', p.stdout, p.stderr)
    code, said = w.core.ctl('hlog', 'from here', '-c', 'core-1')
    w.tap.ok(not code and h.wait_for(
        lambda: len(w.core.search('proto == log')) == 2, 10),
        'hlog: earshot ctl hlog does the same', said)


@test('core')
def sip_trace_msg(w):
    message = sip('NOTIFY', 'msg-1').decode()
    import json
    code, said = w.core.ctl('raw', 'sip_trace_msg', json.dumps({
        'message': message, 'src': '127.0.0.1:5062',
        'dst': '127.0.0.1:5064', 'transport': 'udp'}))
    found = h.wait_for(lambda: w.core.search('call_id == msg-1'), 10)
    w.tap.ok(found and (found[0]['src'], found[0]['dst']) ==
             ('127.0.0.1:5062', '127.0.0.1:5064'),
             'sip_trace_msg: kept under the addresses it names', code, said,
             found)


@test('core')
def statistics(w):
    code, said = w.core.ctl('trace', 'list', '--json')
    m = re.search(r'"messages": ?(\d+)', said)
    w.tap.ok(not code and m and int(m[1]) >= 2,
             'statistics: a trace counts what it took', said)


@test('core')
def db_url(w):
    if w.without_database('db_url'):
        return
    w.tap.equal(w.rows('strace', 2, "WHERE call_id = 'core-1' ORDER BY id",
                       ('method', 'status', 'fromip', 'toip', 'direction')),
                [['INVITE', '', 'udp:127.0.0.2:5070', 'udp:192.0.2.3:5060',
                  'out'],
                 ['INVITE', '200', 'udp:192.0.2.3:5060',
                  'udp:127.0.0.2:5070', 'in']],
                'db_url: rows as siptrace writes them')


@test('core')
def table(w):
    w.tap.equal(key(w.core.text, 'sql', 'database', 'table'), '"strace"',
                'table: by its name')
    if w.without_database('table'):
        return
    w.tap.equal(w.db.number('SELECT count(*) FROM information_schema.tables '
                            "WHERE table_name = 'sip_trace'"), 0,
                'table: no other is made')


@test('core')
def columns(w):
    w.tap.equal(key(w.core.text, 'sql', 'database', 'columns'),
                '{"callid=call_id", "msg=text"}', 'columns: other names')
    names = {'date': 'time_stamp'}
    for name in ('date', 'callid', 'traced_user', 'msg', 'method', 'status',
                 'fromip', 'toip', 'fromtag', 'totag', 'direction'):
        text = imported(w.where, params({'trace_mode': 2,
                                         f'{name}_column': 'other'}))
        w.tap.equal(key(text, 'sql', 'database', 'columns'),
                    '{"%s=other"}' % names.get(name, name),
                    f'{name}_column')
    if not w.without_database('columns'):
        w.tap.ok(w.rows('strace', 1, "WHERE text LIKE 'INVITE%'",
                        ('call_id',)), 'columns: rows are in them')


@test('core')
def trace_ephemeral_socket(w):
    text = imported(w.where, params({'trace_mode': 2,
                                     'trace_ephemeral_socket': 1}))
    w.tap.ok('no equivalent: Earshot keeps the addresses' in text,
             'trace_ephemeral_socket: said to have no equivalent')
    w.tap.equal(imported(w.where, params({'trace_ephemeral_socket': 1}),
                         strict=True), 1, '--strict then fails')


# --- the script engine ----------------------------------------------------------

@test('script')
def traced_user_avp(w):
    w.tap.ok('traced_user = {"{from}", "sip:second@example.com"}' in
             trace(w.script.text, 'traced_user ='),
             'traced_user_avp: what routes give to it', w.script.text)
    w.script.send(sip('MESSAGE', 'users-1'))
    got = h.wait_for(lambda: w.script.sql(
        "SELECT traced_user FROM sip_trace WHERE callid = 'users-1'"), 10)
    w.tap.equal(sorted(r['traced_user'] for r in got or []),
                ['', 'sip:alice@example.com', 'sip:second@example.com'],
                'traced_user_avp: two users make three rows in earshot sql')


@test('script')
def trace_table_avp(w):
    w.tap.ok('table = "strace_alice"' in trace(w.script.text, 'from.user == '
                                               '\\"alice\\"'),
             'trace_table_avp: the table that routes name')
    if w.without_database('trace_table_avp'):
        return
    w.tap.equal(sorted(w.rows('strace_alice', 3,
                              "WHERE callid = 'users-1'")),
                [['users-1', ''], ['users-1', 'sip:alice@example.com'],
                 ['users-1', 'sip:second@example.com']],
                'trace_table_avp: all three rows are in it')


@test('script')
def trace_flag(w):
    w.tap.ok('scope = "transaction"' in
             trace(w.script.text, 'from.user == \\"alice\\"'),
             'trace_flag: set by a route, a call without a mode takes the '
             'transaction')
    w.script.send(sip('INVITE', 'flag-1'),
                  sip('486 Busy Here', 'flag-1', method='INVITE', to_tag='b'),
                  sip('ACK', 'flag-1', to_tag='b'))
    n = h.wait_for(lambda: len(took(w.script, 'flag-1')) == 3, 10)
    w.tap.ok(n, 'trace_flag: request, reply and ACK are taken',
             took(w.script, 'flag-1'))
    text = imported(w.where, params({'trace_on': 1}) +
                    'request_route { setflag(0); sip_trace(); }\n')
    w.tap.ok('scope = "message"' in trace(text, 'sip_trace()'),
             'trace_flag: not set, no flag counts')


def took(ear, call_id):
    """Method and status of what traces took of a conversation."""
    return [(r['method'], int(r.get('status') or 0)) for r in ear.search(
        f'call_id == "{call_id}" and trace')]


@test('script')
def trace_sl_acks(w):
    w.script.send(sip('INVITE', 'sl-1', user='tom'),
                  sip('404 Not Found', 'sl-1', user='tom', method='INVITE',
                      to_tag='stateless'),
                  sip('ACK', 'sl-1', user='zoe', to_tag='stateless'),
                  sip('ACK', 'sl-2', user='zoe', to_tag='other'))
    h.wait_for(lambda: w.script.search('call_id == sl-2'), 10)
    w.tap.equal(sorted(took(w.script, 'sl-1')),
                [('ACK', 0), ('INVITE', 0), ('INVITE', 404)],
                'trace_sl_acks: the ACK to a stateless reply belongs to its '
                'INVITE')
    w.tap.equal(took(w.script, 'sl-2'), [],
                'trace_sl_acks: an ACK of what is not traced is not taken')


@test('script')
def trace_dialog_ack(w):
    w.tap.equal(re.findall(r'\tdialog_ack = (\S+)', w.script.text), ['"false"'],
                'trace_dialog_ack 0')
    dialog(w)
    w.tap.ok(('ACK', 0) not in took(w.script, 'dlg-1'),
             'trace_dialog_ack 0: the dialog without its ACK',
             took(w.script, 'dlg-1'))


@test('script')
def trace_dialog_spiral(w):
    w.tap.equal(re.findall(r'\tdialog_spiral = (\S+)', w.script.text),
                ['"false"'], 'trace_dialog_spiral 0')
    dialog(w)
    w.tap.equal(took(w.script, 'dlg-1').count(('INVITE', 0)), 1,
                'trace_dialog_spiral 0: the first pass alone')


def dialog(w):
    """A call that comes back through the proxy, with an ACK and a BYE."""
    if w.script.search('call_id == dlg-1'):
        return
    one = dict(user='dora')
    w.script.send(
        sip('INVITE', 'dlg-1', **one),
        sip('INVITE', 'dlg-1', branch='2', **one,
            more='Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKdlg-11\r\n'
                 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKdlg-10\r\n'),
        sip('200 OK', 'dlg-1', method='INVITE', to_tag='b', **one),
        sip('ACK', 'dlg-1', branch='3', to_tag='b', **one),
        sip('BYE', 'dlg-1', branch='4', cseq=2, to_tag='b', **one),
        sip('200 OK', 'dlg-1', branch='4', cseq=2, method='BYE', to_tag='b',
            **one))
    h.wait_for(lambda: len(w.script.search('call_id == dlg-1')) == 6, 10)


@test('script')
def sip_trace(w):
    dialog(w)
    got = took(w.script, 'dlg-1')
    w.tap.ok({('INVITE', 0), ('INVITE', 200), ('BYE', 0),
              ('BYE', 200)} <= set(got), 'sip_trace, mode d: the dialog', got)
    w.tap.ok('correlation = "{call_id}-abc"' in trace(w.script.text, 'dora'),
             'sip_trace: its correlation id')
    sips = w.far2.wait(w.far2.sips, len(got), 'dlg-1')
    w.tap.equal(len(sips), len(got), 'sip_trace: a copy of each at its address')
    w.script.send(sip('MESSAGE', 'mike-1', user='mike'),
                  sip('200 OK', 'mike-1', user='mike', method='MESSAGE',
                      to_tag='b'),
                  sip('MESSAGE', 'tom-1', user='tom'),
                  sip('200 OK', 'tom-1', user='tom', method='MESSAGE',
                      to_tag='b'),
                  sip('MESSAGE', 'zoe-1', user='zoe'))
    h.wait_for(lambda: w.script.search('call_id == zoe-1'), 10)
    w.tap.equal((took(w.script, 'mike-1'), len(took(w.script, 'tom-1')),
                 took(w.script, 'zoe-1')), ([('MESSAGE', 0)], 2, []),
                'sip_trace: mode m, mode t, and no call')


@test('script')
def trace_local_ip(w):
    w.script.send(sip('MESSAGE', 'local-1', user='tom'), direction='in')
    got = w.far2.wait(w.far2.sips, 1, 'local-1')
    w.tap.ok(got and 'X-Siptrace-Fromip: udp:192.0.2.1:5060\r\n'
             'X-Siptrace-Toip: udp:203.0.113.9:5060\r\n' in got[0][0],
             'trace_local_ip: the local side of what came in', got)
    text = imported(w.where, params({
        'trace_on': 1, 'hep_mode_on': 1, 'duplicate_uri': 'sip:10.1.1.1',
        'trace_local_ip': '10.1.1.1:5064'}) +
        'request_route { sip_trace(); }\n')
    w.tap.equal(key(text, 'mirror', 'hep', 'enabled'), '"false"',
                'trace_local_ip: without a protocol HEP never left')


@test('script')
def send_sock_addr(w):
    w.tap.ok(w.far2.got and {p[0] for _, p in w.far2.got} == {'127.0.0.3'},
             'send_sock_addr: copies leave from its address')


@test('script')
def trace_db_mode(w):
    for mode, want in enumerate(('each', 'batch', 'async')):
        text = imported(w.where, params({'trace_mode': 2,
                                         'trace_db_mode': mode}))
        w.tap.equal(key(text, 'sql', 'database', 'mode'), f'"{want}"',
                    f'trace_db_mode {mode}')
    if not w.without_database('trace_db_mode'):
        w.tap.ok(len(w.rows('strace_alice', 6)) >= 6,
                 'trace_db_mode 2: rows arrive asynchronously')


@test('script')
def trace_delayed(w):
    text = imported(w.where, params({'trace_mode': 2, 'trace_delayed': 1}))
    w.tap.equal(key(text, 'sql', 'database', 'mode'), '"batch"',
                'trace_delayed: batches')


# --- HEP 2, the switch ----------------------------------------------------------

@test('hep2')
def trace_on(w):
    w.tap.equal(key(w.hep2.text, 'siptrace', '', 'on'), '"false"',
                'trace_on: not set it is off')
    w.hep2.send(sip('INVITE', 'off-1'))
    h.wait_for(lambda: w.hep2.search('call_id == off-1'), 10)
    rows = w.hep2.sql("SELECT traced_user FROM sip_trace WHERE "
                      "callid = 'off-1' AND traced_user <> ''")
    w.tap.equal([r['traced_user'] for r in rows], ['watched'],
                'trace_on 0: a traced user has its row even so')


@test('hep2')
def status_rpc(w):
    for word, want in (('check', 'Disabled'), ('on', 'Enabled'),
                       ('CHECK', 'Enabled'), ('off', 'Disabled'),
                       ('only', 'Enabled'), ('check', 'Enabled')):
        code, said = w.hep2.ctl('siptrace.status', word)
        w.tap.equal((code, said), (0, want), f'siptrace.status {word}')
    code, said = w.hep2.ctl('siptrace.status', 'maybe')
    w.tap.ok(code and 'Bad parameter (on, off or check)' in said,
             'siptrace.status: the fault of a wrong word', said)
    w.tap.ok(any('trace' in n for n in w.hep2.notices()),
             'siptrace.status: turning it is a notice', w.hep2.notices())


@test('hep2')
def hep_mode_on(w):
    w.hep2.send(sip('INVITE', 'on-1'))
    got = w.far3.wait(w.far3.heps, 1, 'on-1')
    w.tap.ok(got and {m['version'] for m in got} == {2} and
             {m['id'] for m in got} == {300},
             'hep_mode_on: HEP 2 with its capture id', got)
    w.tap.equal(w.far3.sips('on-1'), [], 'hep_mode_on: and no plain copy')
    w.tap.ok(got and got[0]['src'] == PHONE and got[0]['dst'] == PROXY,
             'hep_mode_on: addresses of the message')


@test('hep2')
def force_send_sock(w):
    w.tap.ok(w.far3.got and {p[0] for _, p in w.far3.got} == {'127.0.0.4'},
             'force_send_sock: copies leave from its address')


@test('hep2')
def trace_to_database(w):
    w.tap.ok(not section(w.hep2.text, 'sql', 'database') and
             'trace_to_database = 0' in w.hep2.text,
             'trace_to_database 0: no database')
    text = imported(w.where, params({}) +
                    'request_route { sip_trace(); }\n')
    w.tap.ok(section(text, 'sql', 'database') and
             'mirrors = {"database"}' in text,
             'trace_to_database: not set, rows are written')


@test('hep2')
def sip_trace_mode(w):
    moved = trace(w.hep2.text, 'sip_trace_mode()')
    w.tap.ok('scope = "dialog"' in moved and 'on = "false"' in moved,
             'sip_trace_mode("d") takes nothing in Kamailio, and is off')
    text = imported(w.where, params({'trace_on': 1}) +
                    'request_route { sip_trace("", "", "d"); }\n')
    w.tap.ok('scope = "dialog"' in text and
             'on = "false"' not in trace(text, 'sip_trace()'),
             'sip_trace("", "", "d") takes the dialog')
    for letter, want in (('T', 'transaction'), ('m', 'message'),
                         ('x', 'message')):
        text = imported(w.where, params({'trace_on': 1}) +
                        f'request_route {{ sip_trace_mode("{letter}"); }}\n')
        w.tap.ok(f'scope = "{want}"' in text, f'sip_trace_mode("{letter}")')


def main():
    only = sys.argv[1:]
    tests = [(g, t) for g, t in TESTS if not only or t.__name__ in only]
    with h.Tap() as tap, h.folder() as where:
        os.chmod(where, 0o755)
        w = World(tap, where)
        for group in ('core', 'script', 'hep2'):
            mine = [t for g, t in tests if g == group]
            if not mine:
                continue
            getattr(w, 'start_' + group)()
            for t in mine:
                t(w)
            tap.equal(getattr(w, group).stop(), 0,
                      f'{group}: Earshot ends with 0')
        if w.db:
            w.db.stop()


main()
