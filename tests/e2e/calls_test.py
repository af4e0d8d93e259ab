#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls of SIPp and of a small phone through Kamailio: answered, refused,
away, cancelled, ringing out, failing, forked, redirected, transferred. Judges
are Kamailio's own books (acc, acc_cdrs, dialog) and SIPp's statistics.
"""
import collections
import os
import threading
import time
import urllib.parse

import ends
import harness as h

N = 4
# callee, what its phone does (None: no phone), who calls it how
SCENES = [
    ('bob', 'phone-answers', 'call', 'ANSWERED', 200),
    ('sara', 'phone-hangs-up', 'call-ends-there', 'ANSWERED', 200),
    ('carol', 'phone-busy', 'call-refused', 'BUSY', 486),
    ('erik', 'phone-declines', 'call-refused', 'BUSY', 603),
    ('away', 'phone-away', 'call-refused', 'NO_ANSWER', 480),
    ('dave', 'phone-rings', 'call-cancel', 'NO_ANSWER', 487),
    ('slow', 'phone-rings', 'call-refused', 'NO_ANSWER', 408),
    ('trunk', 'phone-fails', 'call-refused', 'FAILED', 500),
    ('nobody', None, 'call-refused', 'FAILED', 404),
    ('dead', '', 'call-refused', 'FAILED', 408),
]


def seconds(text):
    """SIPp's 00:00:03:712000"""
    hours, minutes, secs, micro = text.split(':')
    return int(hours) * 3600 + int(minutes) * 60 + int(secs) + \
        int(micro) / 1e6


def start_phones(where, office):
    """The callees, each registered; 'team' rings at two."""
    ports, running = {}, []
    for user, phone, *_ in SCENES:
        if phone is None:
            continue
        ports[user] = h.free_port()
        if phone:
            running.append(ends.run_sipp(where, office, phone, user, '-', 99,
                                         own=ports[user])[0])
    ports['team'] = h.free_port()
    running.append(ends.run_sipp(where, office, 'phone-rings', 'team', '-',
                                 99, own=ports['team'])[0])
    second = h.free_port()
    running.append(ends.run_sipp(where, office, 'phone-answers', 'team', '-',
                                 99, own=second)[0])
    done = [ends.run_sipp(where, office, 'register', u, '600', contact=p)[0]
            for u, p in [*ports.items(), ('team', second)]]
    for child in done:
        ends.wait(child)
    return running


def follows_redirect(office):
    """It is told 302 by a phone and calls again, in the same call."""
    phone = ends.Phone('moved', office)
    phone.register()

    def answer():
        while True:
            text = phone.receive()
            lines = text.split('\r\n')
            method = lines[0].split()[0]
            if method == 'ACK':
                return
            keep = [x for x in lines if x.split(':')[0] in
                    ('Via', 'From', 'Call-ID', 'CSeq', 'Record-Route')]
            to = next(x for x in lines if x.startswith('To:')) + ';tag=m'
            phone.send('\r\n'.join(
                ['SIP/2.0 302 Moved Temporarily', *keep, to,
                 'Contact: <sip:bob@office.example>',
                 'Content-Length: 0', '', '']))
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    caller = ends.Phone('zoe', office)
    reply = caller.invite('moved')
    assert ' 302 ' in reply[:16], reply
    reply = caller.invite('bob')
    caller.in_dialog('ACK', reply, seq=caller.seq)
    caller.in_dialog('BYE', reply)
    return caller.call


def refuses_login(office):
    caller = ends.Phone('eve', office)
    caller.secret = 'wrong'
    reply = caller.invite('bob')
    assert ' 407 ' in reply[:16], reply
    return caller.call


def same_caller_twice(office):
    """A call, and at once another: two rows."""
    calls = []
    for _ in range(2):
        caller = ends.Phone('ann', office)
        reply = caller.invite('bob')
        caller.in_dialog('ACK', reply, seq=caller.seq)
        # Kamailio's clock for a call begins behind its ACK
        time.sleep(.3)
        caller.in_dialog('BYE', reply)
        calls.append(caller.call)
    return calls


def answers_all(phone):
    """It picks up, and accepts whatever comes within the call."""
    while True:
        try:
            lines = phone.receive().split('\r\n')
        except (OSError, RuntimeError):
            return
        method = lines[0].split()[0]
        if method == 'ACK' or method.startswith('SIP/'):
            continue
        keep = [x for x in lines if x.split(':')[0] in
                ('Via', 'From', 'To', 'Call-ID', 'CSeq', 'Record-Route')]
        keep = [x + ';tag=hal' if x.startswith('To:') and 'tag=' not in x
                else x for x in keep]
        status = '202 Accepted' if method == 'REFER' else '200 OK'
        phone.send('\r\n'.join([f'SIP/2.0 {status}', *keep,
                                f'Contact: {phone.contact}',
                                'Content-Length: 0', '', '']))


def talk(name, office, user, extra=''):
    phone = ends.Phone(name, office)
    reply = phone.invite(user, extra)
    phone.in_dialog('ACK', reply, seq=phone.seq)
    return phone, reply


def transfers(office):
    """ann calls hal and sends hal on to bob; the second time she asks bob
    first. @return Call-IDs, as they were made"""
    hal = ends.Phone('hal', office)
    hal.register()
    threading.Thread(target=answers_all, args=[hal], daemon=True).start()
    by = 'Referred-By: <sip:ann@office.example>\r\n'
    made = {}
    for how in ('blind', 'attended'):
        calls = [talk('ann', office, 'hal')]
        to, replaces = 'sip:bob@office.example', ''
        if how == 'attended':
            calls.append(talk('ann', office, 'bob'))
            asked, reply = calls[1]
            tag = asked.to_of(reply).split('tag=')[1]
            replaces = f'{asked.call};to-tag={tag};from-tag={asked.tag}'
            to += '?Replaces=' + urllib.parse.quote(replaces, safe='')
        first, reply = calls[0]
        got = first.in_dialog('REFER', reply, f'Refer-To: <{to}>\r\n{by}')
        assert ' 202 ' in got[:16], got
        calls.append(talk('hal', office, 'bob', by + (
            f'Replaces: {replaces}\r\n' if replaces else '')))
        time.sleep(.3)
        for phone, reply in calls:
            phone.in_dialog('BYE', reply)
        made[how] = [phone.call for phone, _ in calls]
    return made


def make_calls(tap, where, office):
    """@return {user who calls: SIPp's statistics}, calls of the phone"""
    running = {}
    for n, (user, _, scenario, _, _) in enumerate(SCENES):
        running[f'u{n}'] = ends.run_sipp(where, office, scenario, f'u{n}',
                                         user, N, rate=4)
    running['ut'] = ends.run_sipp(where, office, 'call', 'ut', 'team', N,
                                  rate=4)
    special = {'302': follows_redirect(office), '407': refuses_login(office),
               'twice': same_caller_twice(office),
               'transfers': transfers(office)}
    stats = {}
    for user, (child, run) in running.items():
        if ends.wait(child):
            tap.note(f'{user} ends with {child.returncode}')
        stats[user] = h.sipp_stats(os.path.join(run, 'stat.csv'))
    return stats, special


def listed(ear):
    return ear.must('calls', '--json', '-n', '0')


def check_sipp(tap, calls, stats):
    for n, (user, _, scenario, word, code) in enumerate(SCENES):
        mine = [r for r in calls if r['src'] == f'u{n}']
        tap.equal({(r['dst'], r['disposition'], r['code']) for r in mine},
                  {(user, word, code)}, f'{scenario} to {user}: {word}')
        tap.equal(len(mine), int(stats[f'u{n}']['SuccessfulCall(C)']),
                  f'{scenario} to {user}: as many as SIPp made')
    for who, others in (('u0', 'bob'), ('ut', 'team')):
        mine = [r for r in calls if r['src'] == who]
        lasted = sum(r['talk_ms'] + r['ring_ms'] for r in mine) / \
            max(1, len(mine)) / 1000
        sipp = seconds(stats[who]['CallLength(C)'])
        tap.ok(mine and abs(lasted - sipp) < .25,
               f'calls to {others} lasted as SIPp says', lasted, sipp)


def check_kamailio(tap, office, calls):
    """Each row beside what Kamailio's own books say of that Call-ID."""
    acc = {r['call_id']: int(r['code'])
           for r in office.books('ACC: transaction answered')
           if r['method'] == 'INVITE'}
    ours = {r['call_id']: r['code'] for r in calls if r['code'] != 407}
    tap.equal(ours, acc, f'acc: {len(acc)} calls with their status')
    cdrs = {r['callid']: float(r['duration'])
            for r in office.books('start_time=')}
    talked = {r['call_id']: r['talk_ms'] / 1000 for r in calls
              if r['disposition'] == 'ANSWERED'}
    tap.equal(sorted(talked), sorted(cdrs),
              f'CDRs of acc: {len(cdrs)} calls were answered')
    # of a redirect Kamailio has two dialogs and the time of the first
    far = {c: (cdrs[c], talked.get(c)) for c in cdrs
           if not c.startswith('zoe') and abs(cdrs[c] - talked.get(c, -9)) > .1}
    tap.equal(far, {}, 'CDRs of acc: each talked as long, within 0.1 s')
    stats = office.statistics()
    tap.equal(stats.get('dialog:processed_dialogs', 0) -
              stats.get('dialog:failed_dialogs', 0), len(talked),
              'dialog: as many dialogs')


def check_special(tap, calls, special):
    by = collections.defaultdict(list)
    for r in calls:
        by[r['call_id']].append(r)
    row = by[special['302']]
    tap.ok(len(row) == 1 and row[0]['disposition'] == 'ANSWERED' and
           'redirected to bob' in row[0]['note'],
           'a redirect that is followed is one call', row)
    row = by[special['407']]
    # FAILED once the caller did not try again for 32 s
    tap.equal([(r['disposition'], r['code']) for r in row],
              [('IN_PROGRESS', 407)], 'credentials that are refused wait')
    tap.ok(all(len(by[c]) == 1 for c in special['twice']),
           'who calls again at once makes another row')
    for how, made in special['transfers'].items():
        rows = [by[c][0] for c in made]
        tap.ok('transferred to bob' in rows[0]['note'] and
               'referred by ann' in rows[-1]['note'],
               f'{how} transfer: both rows say so',
               [r['note'] for r in rows])
        tap.ok(rows[0]['legs'] and len({r['legs'] for r in rows}) == 1,
               f'{how} transfer: one group of {len(rows)}',
               [(r['legs'], r['legs_why']) for r in rows])
    team = [r for r in calls if r['src'] == 'ut']
    tap.equal({(r['dst'], r['disposition'], r['code']) for r in team},
              {('team', 'ANSWERED', 200)}, 'a fork: the one that answers')
    tap.ok(all(r['branches'] >= 2 for r in team), 'and of two branches',
           [r['branches'] for r in team])
    one = [r for r in calls if r['src'] == 'u0']
    tap.equal({(r['branches'], r['retries'], r['auth_user']) for r in one},
              {(1, 1, 'u0')}, 'a call to one phone: one branch, credentials')


def main():
    with h.Tap() as tap:
        why = ends.missing()
        if why:
            tap.skip('calls', why)
            return
        with h.folder() as where:
            ear = h.Earshot(where).start()
            office = ends.Office(where, f'127.0.0.1:{ear.port}').start()
            phones = start_phones(where, office)
            stats, special = make_calls(tap, where, office)
            want = N * (len(SCENES) + 1) + 4 + 5
            h.wait_for(lambda: len([
                r for r in listed(ear) if r['ended']]) >= want - 1, 20, .3)
            calls = listed(ear)
            tap.equal(len(calls), want, 'a row for each call')
            check_sipp(tap, calls, stats)
            check_kamailio(tap, office, calls)
            check_special(tap, calls, special)
            for phone in phones:
                h.stop(phone)
            office.stop()
            tap.equal(ear.stop(), 0, 'ends well')


main()
