#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs/siptrace.md: all of siptrace is in its tables, each row names a test,
and each test is there."""
import os
import re
import sys

ROOT = sys.argv[1]
WANT = '''
db_url table trace_flag trace_on traced_user_avp trace_table_avp duplicate_uri
trace_to_database trace_local_ip trace_sl_acks xheaders_write xheaders_read
hep_mode_on hep_version hep_capture_id trace_db_mode trace_delayed
send_sock_name send_sock_addr force_send_sock trace_init_mode trace_mode
data_mode auth_key evcb_msg trace_dialog_ack trace_dialog_spiral
date_column callid_column traced_user_column msg_column method_column
status_column fromip_column toip_column fromtag_column totag_column
direction_column trace_ephemeral_socket
sip_trace sip_trace_mode sip_trace_msg hlog
siptrace.status event_route[siptrace:msg]
$siptrace(src_addr) $siptrace(dst_addr) $siptrace(src_host) $siptrace(dst_host)
$siptrace(src_hostip) $siptrace(dst_hostip) $siptrace(src_port)
$siptrace(dst_port) $siptrace(src_proto) $siptrace(dst_proto)
$siptrace(direction) traced_requests traced_replies
'''.split()

n = bad = 0


def ok(good, what, why=''):
    global n, bad
    n += 1
    bad += not good
    print(f'{"ok" if good else "not ok"} {n} - {what}')
    if not good:
        print('#', why)


def rows():
    with open(os.path.join(ROOT, 'docs', 'siptrace.md')) as f:
        for line in f:
            cells = re.split(r'(?<!\\)\|', line.strip())[1:-1]
            if len(cells) == 4 and cells[0].strip() not in ('Kamailio', '---'):
                yield [c.strip() for c in cells]


def names(cell):
    """`sip_trace([address]…)` is sip_trace; `$siptrace(x)` stays whole."""
    for word in re.findall(r'`([^`]+)`', cell):
        if word.startswith(('$', 'event_route')):
            yield word
        else:
            yield re.match(r'[\w.]+', word)[0]


tests = {}
found = set()
for cells in rows():
    found.update(names(cells[0]))
    m = re.fullmatch(r'`(\w+\.py)::(\w+)`', cells[3])
    ok(m, f'{cells[0]}: names a test', cells[3])
    if not m:
        continue
    path = os.path.join(ROOT, 'tests', 'e2e', m[1])
    if m[1] not in tests:
        text = open(path).read() if os.path.exists(path) else ''
        tests[m[1]] = set(re.findall(r'^def (\w+)\(', text, re.M))
    ok(m[2] in tests[m[1]], f'{cells[0]}: {m[1]} has {m[2]}', path)
missing = [w for w in WANT if w not in found]
ok(not missing, 'all of siptrace is in the table', ' '.join(missing))
print(f'1..{n}')
sys.exit(bad != 0)
