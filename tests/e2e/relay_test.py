#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kamailio on both ends. Kamailio's siptrace -> Earshot -> Kamailio's
sipcapture -> SQLite in HEP 1, 2 and 3, and SIP duplicates with X-Siptrace
headers over two Earshots into a Kamailio that reads them: times and addresses
are the same at the end. Then calls through a proxy whose own siptrace writes
rows of transactions and dialogs: Earshot's traces take the same, and what
siptrace is known not to see.

    relay_test.py [hep|xheaders|scenes|traps|sngrep …]
"""
import calendar
import collections
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
import zlib

import harness as h
import hep

SEND_AT = 1700000000.123456
PROXY, PHONE = ('192.0.2.2', 5060), ('192.0.2.1', 5060)
CAPTURE = '''date micro_ts method correlation_id reply_reason ruri ruri_user
ruri_domain from_user from_domain from_tag to_user to_domain to_tag pid_user
contact_user auth_user callid callid_aleg via_1 via_1_branch cseq diversion
reason content_type auth user_agent source_ip source_port destination_ip
destination_port contact_ip contact_port originator_ip originator_port proto
family rtp_stat type node msg custom_field1 custom_field2
custom_field3'''.split()
TRACE = '''time_stamp time_us callid traced_user msg method status fromip toip
fromtag totag direction'''.split()
HEAD = '''debug=0
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
disable_core_dump=yes
listen=udp:127.0.0.1:@PORT@
listen=tcp:127.0.0.1:@PORT@
mpath="''' + h.MODULES + '''"
loadmodule "pv.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "ctl.so"
loadmodule "db_sqlite.so"
modparam("ctl", "binrpc", "unix:@RUN@/ctl")
'''
SIPCAPTURE = HEAD + '''
loadmodule "sipcapture.so"
modparam("sipcapture", "db_url", "sqlite:///@RUN@/db")
modparam("sipcapture", "capture_on", 1)
modparam("sipcapture", "hep_capture_on", 1)
request_route { sip_capture(); drop; }
onreply_route { sip_capture(); drop; }
'''
XREADER = HEAD + '''
loadmodule "siptrace.so"
modparam("siptrace", "db_url", "sqlite:///@RUN@/db")
modparam("siptrace", "trace_on", 1)
modparam("siptrace", "xheaders_read", 1)
request_route { sip_trace(); drop; }
onreply_route { sip_trace(); drop; }
'''
# A core engine that sends everything to Earshot, and a script engine that
# writes rows of what it follows. Users are ports; fork has two.
FOLLOWER = HEAD + '''
loadmodule "dialog.so"
loadmodule "siptrace.so"
modparam("rr", "append_fromtag", 1)
modparam("dialog", "dlg_flag", 4)
modparam("siptrace", "db_url", "sqlite:///@RUN@/db")
modparam("siptrace", "trace_on", 1)
modparam("siptrace", "trace_mode", 1)
modparam("siptrace", "hep_version", 3)
modparam("siptrace", "trace_to_database", 1)
modparam("siptrace", "duplicate_uri", "sip:127.0.0.1:@EARSHOT@")
request_route {
    if (!mf_process_maxfwd_header("10")) { exit; }
    if (is_method("CANCEL")) {
        if (t_check_trans()) { t_relay(); }
        exit;
    }
    if (has_totag()) {
        if (is_method("ACK") && t_check_trans()) { t_relay(); exit; }
        if (loose_route()) { t_relay(); }
        exit;
    }
    t_check_trans();
    if (is_method("INVITE")) {
        @CALL@
        record_route();
    }
    if ($rU == "spiral") {
        $rU = "@A@";
        $du = "sip:127.0.0.1:@PORT@";
        t_relay();
        exit;
    }
    if ($rU == "fork") {
        $ru = "sip:fork@127.0.0.1:@A@";
        append_branch("sip:fork@127.0.0.1:@B@");
        t_relay();
        exit;
    }
    $du = "sip:127.0.0.1:" + $rU;
    t_relay();
}
'''


class Kamailio(h.Kamailio):
    """One with a configuration of its own and a SQLite database."""

    def __init__(self, where, text, **more):
        os.mkdir(where)
        super().__init__(where, '', 3)
        for name, value in {'PORT': self.port, 'RUN': where, **more}.items():
            text = text.replace(f'@{name}@', str(value))
        with open(self.cfg, 'w') as f:
            f.write(text)
        self.db = os.path.join(where, 'db')
        with sqlite3.connect(self.db) as db:
            db.execute('CREATE TABLE version (table_name TEXT, '
                       'table_version INTEGER)')
            db.execute("INSERT INTO version VALUES ('sip_trace', 4)")
            for table, columns in (('sip_capture', CAPTURE),
                                   ('sip_trace', TRACE)):
                db.execute(f'CREATE TABLE {table} (id INTEGER PRIMARY KEY, ' +
                           ', '.join(columns) + ')')

    def rows(self, table, want=0, seconds=15):
        """Rows as dicts, once there are so many."""
        def look():
            with sqlite3.connect(self.db, timeout=5) as db:
                db.row_factory = sqlite3.Row
                rows = db.execute(f'SELECT * FROM {table} ORDER BY id')
                return [dict(r) for r in rows]
        h.wait_for(lambda: len(look()) >= want, seconds, 0.2)
        return look()


def mirror(name, to, **keys):
    """A section of a mirror for h.Earshot(**sections)."""
    return {f'mirror {name}': {'to': to, **keys}}


def message(first, call_id, method='INVITE'):
    to = '' if first == method else ';tag=callee'
    line = f'{first} sip:bob@example.com SIP/2.0' if first == method else \
        f'SIP/2.0 {first}'
    return (f'{line}\r\n'
            f'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{call_id}\r\n'
            f'Max-Forwards: 70\r\n'
            f'From: <sip:alice@example.com>;tag=caller\r\n'
            f'To: <sip:bob@example.com>{to}\r\n'
            f'Call-ID: {call_id}\r\nCSeq: 1 {method}\r\n'
            f'Contact: <sip:alice@192.0.2.1:5060>\r\n'
            f'Content-Length: 0\r\n\r\n').encode()


# --- HEP over one Earshot ---------------------------------------------------

def test_hep(tap):
    """SIPp calls a Kamailio; a second one has all messages at the end."""
    for version in (1, 2, 3):
        with h.folder() as where:
            end = Kamailio(os.path.join(where, 'end'), SIPCAPTURE).start()
            ear = h.Earshot(where, **mirror(
                'next', f'hep:127.0.0.1:{end.port}', version=version)).start()
            phone = h.free_port()
            begin = Kamailio(
                os.path.join(where, 'begin'), FOLLOWER, CALL='',
                EARSHOT=ear.port, A=phone, B=phone).start()
            calls(where, begin.port, phone, 5)
            begin.stop()
            # INVITE, 100, 180, 200, ACK, BYE, 200, in and out
            h.wait_for(lambda: len(ear.search()) >= 5 * 13, 15)
            kept = ear.must('sql', '--json', 'SELECT call_id, method, status,'
                            ' cseq, src, dst, at, hex(raw) AS hex '
                            'FROM messages')
            rows = end.rows('sip_capture', len(kept))
            tap.equal(summary(rows, version > 1),
                      summary_of(kept, version > 1),
                      f'HEP {version}: method, addresses'
                      f'{" and times" if version > 1 else ""} of '
                      f'{len(kept)} messages are the same at the end')
            if version == 3:
                tap.equal({(r['correlation_id'], r['callid']) for r in rows},
                          {(r['callid'], r['callid']) for r in rows},
                          'HEP 3: each has a correlation id')
            tap.equal(kinds_of(rows), h.kinds(kept),
                      f'HEP {version}: as many of each kind')
            errors = [line for line in open(end.log, errors='replace')
                      if ('ERROR' in line or 'WARNING' in line) and
                      'insert_retries' not in line]
            tap.equal(errors, [], f'HEP {version}: sipcapture complains of '
                      'nothing')
            ear.stop()
            end.stop()


def kinds_of(rows):
    """As h.kinds(), out of sip_capture, where a reply's method is its code."""
    count = collections.Counter()
    for r in rows:
        method = r['cseq'].split()[-1]
        count[f'{r["method"]} {method}' if r['method'].isdigit()
              else method] += 1
    return dict(sorted(count.items()))


def summary(rows, timed):
    return sorted((r['callid'], r['method'], r['cseq'].split()[-1],
                   f'{r["source_ip"]}:{r["source_port"]}',
                   f'{r["destination_ip"]}:{r["destination_port"]}',
                   int(r['micro_ts']) if timed else 0, crc(r['msg']))
                  for r in rows)


def crc(text):
    return zlib.crc32(text if isinstance(text, bytes) else
                      text.encode('utf-8', 'surrogateescape'))


def summary_of(kept, timed):
    return sorted((r['call_id'], str(r['status']) if r.get('status')
                   else r['method'], r['cseq'].split()[-1], r['src'],
                   r['dst'], micro(r['at']) if timed else 0,
                   crc(bytes.fromhex(r['hex']))) for r in kept)


def micro(at):
    """RFC 3339 to microseconds since 1970."""
    head, _, tail = at.rstrip('Z').partition('.')
    seconds = calendar.timegm(time.strptime(head, '%Y-%m-%dT%H:%M:%S'))
    return seconds * 10**6 + int((tail + '000000')[:6])


def calls(where, port, phone, n):
    """SIPp's own scenarios, through a proxy."""
    uas = h.start(['sipp', '-sn', 'uas', '-i', '127.0.0.1', '-p', str(phone),
                   '-m', str(n), '-nostdin', '-timeout', '30'],
                  os.path.join(where, 'uas.log'), cwd=where)
    uac = subprocess.run(
        ['sipp', f'127.0.0.1:{port}', '-sn', 'uac', '-i', '127.0.0.1', '-p',
         str(h.free_port()), '-m', str(n), '-r', '20', '-d', '50', '-s',
         str(phone), '-nostdin', '-timeout', '30'], cwd=where,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    h.stop(uas)
    return uac.returncode


# --- X-Siptrace headers over two Earshots -----------------------------------

def test_xheaders(tap):
    with h.folder() as where:
        end = Kamailio(os.path.join(where, 'end'), XREADER).start()
        two_at = os.path.join(where, 'two')
        os.mkdir(two_at)
        two = h.Earshot(two_at, **mirror(
            'next', f'sip:127.0.0.1:{end.port}')).start()
        one_at = os.path.join(where, 'one')
        os.mkdir(one_at)
        one = h.Earshot(one_at, **mirror(
            'next', f'sip:127.0.0.1:{two.port}')).start()
        wire = hep.Udp(one.port)
        wire.send(hep.hep3(message('INVITE', 'x-1'), SEND_AT, PHONE, PROXY))
        wire.send(hep.hep3(message('180 Ringing', 'x-1'), SEND_AT + 1, PROXY,
                           PHONE))
        rows = end.rows('sip_trace', 2)
        tap.equal([(r['method'], r['status'], r['fromip'], r['toip'],
                    r['time_us']) for r in rows],
                  [('INVITE', '', 'udp:192.0.2.1:5060', 'udp:192.0.2.2:5060',
                    123456),
                   ('INVITE', '180', 'udp:192.0.2.2:5060',
                    'udp:192.0.2.1:5060', 123456)],
                  'two hops: addresses, method and microseconds of the first '
                  'sender are in the last row')
        # db_sqlite writes days of the Julian calendar
        stamps = [round((r['time_stamp'] - 2440587.5) * 86400) for r in rows]
        tap.equal(stamps, [1700000000, 1700000001],
                  'two hops: the seconds too')
        tap.equal([r['msg'] for r in rows],
                  [message('INVITE', 'x-1'), message('180 Ringing', 'x-1')],
                  'two hops: the message is as it was, without headers')
        for ear, name in ((one, 'first'), (two, 'second')):
            found = ear.search('call_id == x-1')
            tap.equal({(r['src'], r['dst']) for r in found},
                      {('192.0.2.1:5060', '192.0.2.2:5060'),
                       ('192.0.2.2:5060', '192.0.2.1:5060')},
                      f'two hops: the {name} Earshot has the addresses')
        for server in (one, two, end):
            server.stop()


# --- scenes -----------------------------------------------------------------

class Phone:
    """Answers requests by a plan: {'INVITE': ['180 Ringing', …]}."""

    def __init__(self, port=None):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(('127.0.0.1', port or h.free_port()))
        self.sock.settimeout(3)
        self.port = self.sock.getsockname()[1]
        self.call_id = ''

    def receive(self, what=''):
        """The next message that begins so; others are left aside."""
        until = time.monotonic() + 5
        while time.monotonic() < until:
            try:
                data, self.peer = self.sock.recvfrom(65536)
            except socket.timeout:
                break
            if data.startswith(what.encode()) and \
                    f'Call-ID: {self.call_id}\r'.encode() in data:
                return data.decode()
        raise RuntimeError(f'{self.port}: no {what}')

    def reply(self, request, first, tag):
        head = [f'SIP/2.0 {first}']
        for line in request.split('\r\n')[1:]:
            name = line.split(':')[0].lower()
            if name in ('via', 'record-route', 'from', 'call-id', 'cseq'):
                head.append(line)
            elif name == 'to':
                head.append(line if 'tag=' in line or not tag else
                            f'{line};tag={tag}')
        head.append(f'Contact: <sip:x@127.0.0.1:{self.port}>')
        self.sock.sendto(('\r\n'.join(head) +
                          '\r\nContent-Length: 0\r\n\r\n').encode(),
                         self.peer)


class Caller(Phone):
    def __init__(self, proxy, call_id, user):
        super().__init__()
        self.proxy, self.call_id, self.user = proxy, call_id, user
        self.branch = 0
        self.to = ''
        self.route = ''

    def request(self, method, cseq=1, branch=None, uri=None):
        if branch is None:
            self.branch += 1
        uri = uri or f'sip:{self.user}@example.com'
        text = (
            f'{method} {uri} SIP/2.0\r\n'
            f'Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK'
            f'{self.call_id}{branch or self.branch}\r\n{self.route}'
            f'Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=f\r\n'
            f'To: <sip:{self.user}@example.com>{self.to}\r\n'
            f'Call-ID: {self.call_id}\r\nCSeq: {cseq} {method}\r\n'
            f'Contact: <sip:alice@127.0.0.1:{self.port}>\r\n'
            f'Content-Length: 0\r\n\r\n')
        self.sock.sendto(text.encode(), ('127.0.0.1', self.proxy))
        return text

    def dialog(self, reply):
        """What requests in the dialog need out of a 2xx."""
        tag = re.search(r'^To:.*;tag=([^\r;]+)', reply, re.M)
        self.to = f';tag={tag[1]}'
        routes = re.findall(r'^Record-Route: (.*)\r', reply, re.M)
        self.route = ''.join(f'Route: {r}\r\n' for r in routes[::-1])
        return re.search(r'^Contact: <([^>]+)>', reply, re.M)[1]


def fork(k, a, b):
    """Two phones ring, one answers; the other is cancelled."""
    c = Caller(k.port, 'fork-1', 'fork')
    c.request('INVITE')
    one, two = a.receive('INVITE'), b.receive('INVITE')
    a.reply(one, '180 Ringing', 'a')
    b.reply(two, '180 Ringing', 'b')
    time.sleep(0.1)
    a.reply(one, '200 OK', 'a')
    b.reply(b.receive('CANCEL'), '200 OK', 'b')
    b.reply(two, '487 Request Terminated', 'b')
    b.receive('ACK')
    contact = c.dialog(c.receive('SIP/2.0 200'))
    c.request('ACK', uri=contact)
    a.receive('ACK')
    c.request('BYE', 2, uri=contact)
    a.reply(a.receive('BYE'), '200 OK', 'a')
    c.receive('SIP/2.0 200')


def cancel(k, a, b):
    c = Caller(k.port, 'cancel-1', a.port)
    c.request('INVITE')
    invite = a.receive('INVITE')
    a.reply(invite, '180 Ringing', 'a')
    c.receive('SIP/2.0 180')
    c.request('CANCEL', branch='1')
    a.reply(a.receive('CANCEL'), '200 OK', 'a')
    a.reply(invite, '487 Request Terminated', 'a')
    a.receive('ACK')
    c.receive('SIP/2.0 487')
    c.to = ';tag=a'
    c.request('ACK', branch='1')


def spiral(k, a, b):
    """Through the same proxy twice."""
    c = Caller(k.port, 'spiral-1', 'spiral')
    c.request('INVITE')
    invite = a.receive('INVITE')
    a.reply(invite, '200 OK', 'a')
    contact = c.dialog(c.receive('SIP/2.0 200'))
    c.request('ACK', uri=contact)
    a.receive('ACK')
    c.request('BYE', 2, uri=contact)
    a.reply(a.receive('BYE'), '200 OK', 'a')
    c.receive('SIP/2.0 200')


def early_bye(k, a, b):
    """The caller gives up an early dialog by a BYE (RFC 3261 s15)."""
    c = Caller(k.port, 'early-1', a.port)
    c.request('INVITE')
    invite = a.receive('INVITE')
    a.reply(invite, '180 Ringing', 'a')
    contact = c.dialog(c.receive('SIP/2.0 180'))
    c.request('BYE', 2, uri=contact)
    a.reply(a.receive('BYE'), '200 OK', 'a')
    a.reply(invite, '487 Request Terminated', 'a')
    a.receive('ACK')
    c.receive('SIP/2.0 487')
    c.route = ''
    c.request('ACK', branch='1')


def retransmissions(k, a, b):
    """The caller repeats its INVITE, the phone its 200."""
    c = Caller(k.port, 'again-1', a.port)
    c.request('INVITE')
    c.request('INVITE', branch='1')
    invite = a.receive('INVITE')
    a.reply(invite, '180 Ringing', 'a')
    a.reply(invite, '200 OK', 'a')
    a.reply(invite, '200 OK', 'a')
    contact = c.dialog(c.receive('SIP/2.0 200'))
    c.request('ACK', uri=contact)
    a.receive('ACK')
    c.request('BYE', 2, uri=contact)
    a.reply(a.receive('BYE'), '200 OK', 'a')
    c.receive('SIP/2.0 200')


SCENES = (('fork-1', fork), ('cancel-1', cancel), ('spiral-1', spiral),
          ('early-1', early_bye), ('again-1', retransmissions))


def of(rows, call_id):
    """Method, status and direction of siptrace's rows of one call."""
    return collections.Counter(
        (r['method'], r['status'], r['direction']) for r in rows
        if r['callid'] == call_id)


def took(found, port):
    """The same of what a trace of Earshot took; Kamailio's port says the
    direction, and a spiral is both."""
    me = f'127.0.0.1:{port}'
    count = collections.Counter()
    for r in found:
        status = str(r['status']) if r.get('status') else ''
        for side, direction in ((r['dst'], 'in'), (r['src'], 'out')):
            if side == me:
                count[(r['method'], status, direction)] += 1
    return count


def test_scenes(tap):
    for scope, call in (('transaction', 'sip_trace_mode("t");'),
                        ('dialog', 'setflag(4); dlg_manage(); '
                         'sip_trace_mode("t");')):
        with h.folder() as where:
            trace = {'rule': 'method == INVITE and kind == request and not '
                     'to.tag', 'scope': scope}
            ear = h.Earshot(where, **{'trace follow': trace}).start()
            a, b = Phone(), Phone()
            k = Kamailio(os.path.join(where, 'k'), FOLLOWER, CALL=call,
                         EARSHOT=ear.port, A=a.port, B=b.port).start()
            for call_id, play in SCENES:
                a.call_id = b.call_id = call_id
                try:
                    play(k, a, b)
                except RuntimeError as e:
                    tap.ok(False, f'{call_id} is played', e)
            time.sleep(1)
            k.stop()
            rows = k.rows('sip_trace')
            for call_id, _ in SCENES:
                judge(tap, ear, k, rows, call_id, scope)
            ear.stop()


def judge(tap, ear, k, rows, call_id, scope):
    """What siptrace followed is followed here; what is more is told."""
    all_ = ear.search(f'call_id == "{call_id}"')
    found = ear.search(f'call_id == "{call_id}" and trace == follow')
    theirs, ours = of(rows, call_id), took(found, k.port)
    missing = {key: n - ours[key] for key, n in theirs.items()
               if ours[key] < n}
    tap.ok(theirs and not missing,
           f'{scope}, {call_id}: all {sum(theirs.values())} rows of siptrace '
           f'are among the {sum(ours.values())} that the trace took',
           f'missing {missing}', f'rows {dict(theirs)}',
           f'took {dict(ours)}')
    if scope == 'dialog':
        tap.equal(len(found), len(all_),
                  f'dialog, {call_id}: every message of the call is taken')
        return
    wrong = [m for m in found if m['method'] in ('BYE', 'PRACK', 'UPDATE')]
    tap.equal(wrong, [], f'transaction, {call_id}: no other transaction is')
    end_to_end = [m for m in found if m['method'] == 'ACK' and
                  call_id in ('spiral-1', 'again-1')]
    tap.equal(end_to_end, [],
              f'transaction, {call_id}: an ACK to a 2xx is another')


def test_traps(tap):
    """What import-config writes switched off, Kamailio really does not do."""
    for call, want in (('sip_trace_mode("d");', 0),
                       ('sip_trace("", "", "d");', 13),
                       ('sip_trace();', 1)):
        with h.folder() as where:
            a, b = Phone(), Phone()
            a.call_id = 'cancel-1'
            k = Kamailio(os.path.join(where, 'k'), FOLLOWER.replace(
                '"trace_mode", 1', '"trace_mode", 0'), CALL='setflag(4); '
                'dlg_manage(); ' + call, EARSHOT=1, A=a.port,
                B=b.port).start()
            cancel(k, a, b)
            rows = k.rows('sip_trace', want, 5)
            k.stop()
            tap.equal(len(rows), want, f'Kamailio: rows of {call}')


# --- others' programs ---------------------------------------------------------

def test_sngrep(tap):
    """What a mirror sends is read by sngrep's listener."""
    why = h.have('sngrep')
    if why:
        tap.skip('sngrep', why)
        return
    with h.folder() as where:
        port = h.free_port()
        out = os.path.join(where, 'out.pcap')
        child = h.start(['sngrep', '-N', '-q', '-L', f'udp:127.0.0.1:{port}',
                         '-O', out], os.path.join(where, 'sngrep.log'))
        time.sleep(1)
        ear = h.Earshot(where, **mirror('next',
                                        f'hep:127.0.0.1:{port}')).start()
        wire = hep.Udp(ear.port)
        for first in ('INVITE', '180 Ringing', '200 OK'):
            wire.send(hep.hep3(message(first, 'sngrep-1'), SEND_AT))
        h.wait_for(lambda: os.path.exists(out) and
                   os.path.getsize(out) > 1000, 10)
        time.sleep(0.5)
        h.stop(child)
        ear.stop()
        data = open(out, 'rb').read() if os.path.exists(out) else b''
        tap.equal(len(re.findall(rb'Call-ID: sngrep-1', data)), 3,
                  'sngrep -L has all three messages')


def main():
    with h.Tap() as tap:
        why = h.have('kamailio', 'sipp')
        if not why and not os.path.exists(h.MODULES + 'db_sqlite.so'):
            why = 'no db_sqlite for Kamailio'
        if why:
            tap.skip('Kamailio on both ends', why)
            return
        only = sys.argv[1:]
        for name, test in (('hep', test_hep), ('xheaders', test_xheaders),
                           ('scenes', test_scenes), ('traps', test_traps),
                           ('sngrep', test_sngrep)):
            if not only or name in only:
                test(tap)


main()
