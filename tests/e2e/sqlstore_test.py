#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The SQL store before a real PostgreSQL and a real MariaDB: every mode, the
writer and the database killed, stopped and started between any two steps: all
rows are there, none twice. Then the program with the store behind it: hostile values, and a
Kamailio that writes its own rows of the same traffic into the same database.

    sqlstore_test.py [postgres|mariadb] [name of a test …]
"""
import os
import random
import re
import signal
import subprocess
import sys
import time

import databases
import harness as h
import hep

BENCH = os.environ.get('SQL_BENCH', os.path.join(
    h.ROOT, 'build', 'tests', 'bench', 'sql-bench'))


class Writer:
    """sql-bench: the sink, and a stand-in for its spool."""

    def __init__(self, db, spool, n, *words, url=None):
        self.log = os.path.join(os.path.dirname(db.where), 'writer.log')
        self.words = [BENCH, '--url', url or db.url, '--spool', str(spool),
                      '-n', str(n), *words]
        self.child = None

    def start(self):
        self.child = h.start(self.words, self.log)
        return self

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()

    def wait(self, seconds=120):
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            return 'still running'

    def run(self):
        p = subprocess.run(self.words, capture_output=True, text=True,
                           timeout=120)
        return p.returncode, p.stdout, p.stderr


def renew(db, table='sip_trace'):
    db.run(f'DELETE FROM {table}')


def test_modes(tap, db):
    """Each mode writes each message once; a second run writes nothing."""
    for spool, (n, words) in enumerate((
            (5000, ('--mode', 'batch')),
            (5000, ('--mode', 'batch', '--batch', '100000')),
            (5000, ('--mode', 'async', '--workers', '4', '--batch', '100')),
            (300, ('--mode', 'each')),
            (300, ('--mode', 'batch', '--batch', '1'))), 10):
        if spool > 10:
            renew(db)
        writer = Writer(db, spool, n, '--create', *words)
        code, out, error = writer.run()
        tap.equal((code, db.counts()), (0, (n, n)),
                  f'{db.name}: {" ".join(words)}: {n} rows, none twice')
        code, out, more = writer.run()
        tap.equal((code, db.counts()), (0, (n, n)),
                  'run again, it finds that all is there')
        if code or error.count('\n') > 1:
            tap.note((error + more)[-500:])
    tap.equal(db.rows('version', ['table_name', 'table_version'],
                      "WHERE table_name = 'sip_trace'"), [['sip_trace', 4]],
              'the table that it made has its version in the table version')


def test_writer_killed(tap, db):
    """kill -9 at any moment."""
    for spool, words in enumerate((
            ('--mode', 'batch', '--batch', '500'),
            ('--mode', 'async', '--workers', '4', '--batch', '70'),
            ('--mode', 'each')), 20):
        n = 1500 if 'each' in words else 20000
        renew(db)
        writer = Writer(db, spool, n, '--create', *words)
        amid = 0
        for _ in range(12):
            writer.start()
            h.wait_for(lambda: db.counts()[0] > amid, 5, 0.01)
            time.sleep(random.uniform(0, 0.05))
            writer.kill()
            got = db.counts()
            tap.ok(got[0] == got[1] <= n, f'killed at {got[0]} rows', got)
            if got[0] == n:
                break
            amid = got[0]
        tap.ok(amid > 0, f'{db.name}: {" ".join(words)}: killed while '
               'writing')
        writer.start()
        tap.equal((writer.wait(), db.counts()), (0, (n, n)),
                  'all rows are there, none twice')


def under_load(tap, db, spool, what, disturb):
    """The database is disturbed while rows come."""
    for words in (('--mode', 'batch', '--batch', '200'),
                  ('--mode', 'async', '--workers', '3', '--batch', '50')):
        renew(db)
        spool += 1
        n = 12000
        writer = Writer(db, spool, n, '--create', '--rate', '4000',
                        *words).start()
        for _ in range(2):
            time.sleep(random.uniform(0.4, 0.8))
            disturb()
        code = writer.wait()
        tap.equal((code, db.counts()), (0, (n, n)),
                  f'{db.name}: {what}: {" ".join(words)}: all rows are '
                  'there, none twice')
        if code:
            tap.note(h.tail(writer.log, 4))


def test_database_killed(tap, db):
    def disturb():
        db.kill()
        time.sleep(0.2)
        db.serve()
    under_load(tap, db, 30, 'killed under load', disturb)


def test_database_stopped(tap, db):
    def disturb():
        db.stop()
        time.sleep(0.2)
        db.serve()
    under_load(tap, db, 40, 'stopped and started under load', disturb)


def test_two_writers(tap, db):
    """One that everybody thought dead wakes up and goes on writing."""
    renew(db)
    n = 20000
    words = ('--create', '--mode', 'batch', '--batch', '100')
    first = Writer(db, 50, n, *words, '--rate', '15000').start()
    time.sleep(0.6)
    first.child.send_signal(signal.SIGSTOP)
    before = db.counts()[0]
    second = Writer(db, 50, n, *words).start()
    time.sleep(0.5)
    first.child.send_signal(signal.SIGCONT)
    codes = first.wait(), second.wait()
    tap.ok(0 < before < n, f'{db.name}: a writer that is stopped at {before} '
           f'of {n} rows, and another that takes over')
    tap.equal((codes, db.counts()), ((0, 0), (n, n)),
              'when the first wakes up, nothing is written twice')


def fault_of(db, *words, url=None):
    _, _, error = Writer(db, 60, 10, '--tries', '1', *words, url=url).run()
    return error


def test_faults(tap, db):
    """What people are told."""
    def told(what, error, *words):
        tap.ok(all(w in error for w in words) and
               databases.PASSWORD not in error and
               databases.PASSWORD_IN_URL not in error,
               f'{db.name}: {what}', error)
    told('a wrong password', fault_of(
        db, url=db.url_of('tracer', 'wrong-secret')),
        'cannot connect', 'tracer')
    tap.ok('wrong-secret' not in fault_of(
        db, url=db.url_of('tracer', 'wrong-secret')),
        'is not repeated in the fault')
    told('no such database', fault_of(
        db, url=db.url_of('tracer', databases.PASSWORD_IN_URL, 'nowhere')),
        'cannot connect', 'nowhere')
    told('no such table', fault_of(db, '--table', 'nowhere'),
         'there is no table nowhere', 'create = true')
    told('no such kind of database', fault_of(db, url='oracle://a@b/c'),
         "'oracle' is no kind of database")
    db.run('CREATE TABLE opensips (id INTEGER, time_stamp TIMESTAMP, callid '
           'VARCHAR(255), from_ip VARCHAR(50))')
    told("OpenSIPS' table", fault_of(db, '--table', 'opensips'), 'OpenSIPS')
    db.run('CREATE TABLE other (id INTEGER, time_stamp TIMESTAMP)')
    told('a table of another shape', fault_of(db, '--table', 'other'),
         'no column time_us')
    db.run("UPDATE version SET table_version = 5 WHERE table_name = "
           "'sip_trace'")
    told('a table of another version', fault_of(db), 'version 5', 'version 4')
    db.run("UPDATE version SET table_version = 4 WHERE table_name = "
           "'sip_trace'")


# --- the program -----------------------------------------------------------


class Store(h.Earshot):
    """Earshot with one section sql."""

    def __init__(self, where, db, **keys):
        os.makedirs(where, exist_ok=True)
        keys = {'url': db.url, 'create': 'true', 'delay': '200ms', **keys}
        super().__init__(where, privacy={'mask_secrets': 'false'},
                         **{'sql db': keys})

    def outlet(self):
        return next((o for o in self.status().get('outlets', [])
                     if o.get('name') == 'db'), {})

    def written(self, db, n, table='sip_trace'):
        """Wait until so many rows are there; gives how many are."""
        def count():
            try:
                return db.counts(table)[0]
            except RuntimeError:
                return 0  # not made yet
        h.wait_for(lambda: count() >= n, 20, 0.1)
        return count()


def refuse(db, table):
    """A row that the database takes from nobody."""
    if db.name == 'postgres':
        db.run(f"""CREATE FUNCTION poison() RETURNS trigger AS $$ BEGIN
            IF NEW.callid = 'poison' THEN RAISE EXCEPTION 'not this one';
            END IF; RETURN NEW; END $$ LANGUAGE plpgsql; CREATE TRIGGER poison BEFORE INSERT ON {table} FOR EACH
            ROW EXECUTE FUNCTION poison();""")
    else:
        db.run(f"""DELIMITER //
            CREATE TRIGGER poison BEFORE INSERT ON {table} FOR EACH ROW
            IF NEW.callid = 'poison' THEN SIGNAL SQLSTATE '45000' SET
            MESSAGE_TEXT = 'not this one'; END IF//""")


def test_values(tap, db):
    """What databases refuse is cut, replaced or left out, and told."""
    table = 'odd'
    ear = Store(os.path.join(os.path.dirname(db.where), db.name + '-values'),
                db, table=table).start()
    sender = hep.Udp(ear.port)
    sender.send(hep.hep3(hep.options('first')))
    tap.equal(ear.written(db, 1, table), 1, f'{db.name}: one row')
    refuse(db, table)
    if db.name == 'mariadb':
        db.run(f'ALTER TABLE {table} MODIFY msg MEDIUMTEXT CHARACTER SET '
               'latin1 NOT NULL')
    odd = {
        'nul': hep.options('nul').replace(b'e2e', b'e\0e'),
        'latin': hep.options('latin').replace(b'e2e', b'J\xf6rg'),
        'utf8': hep.options('utf8').replace(b'e2e', 'Jörg'.encode()),
        'kanji': hep.options('kanji').replace(b'e2e', '日本'.encode()),
        'quote': hep.options('quote').replace(b'e2e', b"\\'\"{},%s?$1"),
        'poison': hep.options('poison'),
        'long': hep.options('long').replace(b'tag=tlong', b'tag=' + b't' * 200),
        'last': hep.options('last', size=9000),
    }
    for name, message in odd.items():
        sender.send(hep.hep3(message))
    tap.equal(ear.written(db, len(odd), table), len(odd),
              'all but the one that it refuses')
    got = dict(db.rows(table, ['callid', 'msg']))
    agent = {k: re.search('User-Agent: (.*?)\r', v)[1]
             for k, v in got.items()}
    # MariaDB takes NUL as text, and stores what the column's character set has
    tap.equal(agent, {
        'first': 'e2e', 'last': 'e2e', 'long': 'e2e',
        'nul': 'e\0e' if db.name == 'mariadb' else 'e\ufffde',
        'latin': 'J?rg' if db.name == 'mariadb' else 'J\ufffdrg',
        'utf8': 'Jörg', 'quote': "\\'\"{},%s?$1",
        'kanji': '??' if db.name == 'mariadb' else '日本',
    }, 'what is no text in the database is replaced')
    tap.equal(got['last'].encode(), odd['last'],
              'a message arrives byte for byte')
    tap.equal(len(db.rows(table, ['fromtag'], "WHERE callid = 'long'")[0][0]),
              128, 'a value is cut to its column')
    told = h.wait_for(lambda: (lambda o: o.get('rows_refused') and o)(
        ear.outlet()), 10) or ear.outlet()
    tap.equal((told.get('rows_refused'), told.get('values_cut')), (1, 1),
              'the status counts what was refused and cut')
    tap.ok(told.get('values_repaired', 0) >= 2, 'and replaced', told)
    tap.ok({'sql.refused', 'sql.cut', 'sql.repaired'} <= set(ear.notices()),
           'and there is a notice of each', ear.notices())
    ear.stop()


def test_traces(tap, db):
    """A trace with users and a table of its own; and switched off."""
    where = os.path.join(os.path.dirname(db.where), db.name + '-traces')
    os.mkdir(where)
    ear = Store(where, db, table='rest')
    with open(ear.config, 'a') as f:
        f.write(h.Earshot.section('trace alice', {
            'rule': 'from.user == "alice"', 'table': 'alice',
            'traced_user': ['{from.user}', 'second']}))
    ear.start()
    sender = hep.Tcp(ear.port)
    for i, user in enumerate(('alice', 'bob', 'alice')):
        sender.send(hep.hep3(hep.options(f'{user}{i}', user=user)))
    ear.written(db, 6, 'alice')
    ear.written(db, 1, 'rest')
    tap.equal(sorted(db.rows('alice', ['callid', 'traced_user'])),
              [[c, u] for c in ('alice0', 'alice2')
               for u in ('', 'alice', 'second')],
              f'{db.name}: a row for the message and one for each user, in '
              "the trace's table")
    tap.equal(db.rows('rest', ['callid', 'traced_user']), [['bob1', '']],
              'and what no trace took is in the other')
    code, _, error = ear.run('ctl', 'siptrace.status', 'off')
    sender.send(hep.hep3(hep.options('off', user='alice')))
    ear.written(db, 8, 'alice')
    tap.equal((code, sorted(db.rows('alice', ['traced_user'],
                                    "WHERE callid = 'off'"))),
              (0, [['alice'], ['second']]),
              'switched off, the rows of traced users alone')
    sender.close()
    ear.stop()


def test_silent(tap, db):
    """A server that takes connections and says nothing holds up nobody."""
    where = os.path.join(os.path.dirname(db.where), db.name + '-silent')
    ear = Store(where, db, table='silent').start()
    sender = hep.Tcp(ear.port)
    sender.send(hep.hep3(hep.options('before')))
    ear.written(db, 1, 'silent')
    db.pause()
    backends = db.backends()
    for pid in backends:
        os.kill(pid, signal.SIGSTOP)
    for i in range(300):
        sender.send(hep.hep3(hep.options(f's{i}')))
    tap.ok(ear.settle(301, 10), f'{db.name}: while it says nothing, all is '
           'taken in and can be searched')
    began = time.monotonic()
    ear.stop()
    took = time.monotonic() - began
    tap.ok(took < 20, f'and the program ends, in {took:.1f} s')
    for pid in backends:
        os.kill(pid, signal.SIGCONT)
    db.go_on()
    ear.start()
    tap.equal((ear.written(db, 301, 'silent'), db.counts('silent')),
              (301, (301, 301)), 'when it speaks again: all rows, none twice')
    ear.stop()


def test_away(tap, db):
    """Earshot and its database, each killed and away for a while."""
    table = 'away'
    ear = Store(os.path.join(os.path.dirname(db.where), db.name + '-away'),
                db, table=table)
    db.stop()
    ear.start()
    sender = hep.Tcp(ear.port)
    sent = 0

    def send(n):
        nonlocal sent, sender
        for _ in range(n):
            if not sender.send(hep.hep3(hep.options(f'a{sent}'))):
                sender = hep.Tcp(ear.port)
                sender.send(hep.hep3(hep.options(f'a{sent}')))
            sent += 1
        ear.settle(0)
    send(500)
    tap.ok(h.wait_for(lambda: 'mirror.down' in ear.notices(), 20),
           f'{db.name}: that the database is away is told', ear.notices())
    tap.ok(databases.PASSWORD not in str(ear.status()) and
           databases.PASSWORD_IN_URL not in str(ear.status()),
           'the status has no password')
    db.serve()
    tap.equal((ear.written(db, sent, table), db.counts(table)),
              (sent, (sent, sent)), 'it comes, and gets all')
    for round in range(3):
        send(400)
        time.sleep(random.uniform(0, 0.3))
        ear.kill()
        ear.start()
        sender = hep.Tcp(ear.port)
        send(100)
        db.kill()
        send(100)
        db.serve()
    tap.equal((ear.written(db, sent, table), db.counts(table)),
              (sent, (sent, sent)),
              'both are killed again and again: all rows, none twice')
    sender.close()
    ear.stop()


# --- Kamailio ---------------------------------------------------------------

SCENARIOS = os.path.join(h.ROOT, 'packaging', 'sample', 'scenarios')
COLUMNS = ['callid', 'traced_user', 'msg', 'method', 'status', 'fromip',
           'toip', 'fromtag', 'totag', 'direction']


def kamailio_for(where, db, port):
    """Its siptrace in automatic mode, to HEP and into the database. It has an
    address of its own, so that directions can be told."""
    db.run('CREATE USER kam' + (
        "@'127.0.0.1' IDENTIFIED BY 'simple'" if db.name == 'mariadb'
        else " PASSWORD 'simple'"), db.at_first)
    db.run('GRANT ALL ON traces.* TO kam@\'127.0.0.1\''
           if db.name == 'mariadb' else 'GRANT ALL ON DATABASE traces TO kam',
           db.at_first)
    db.load(db.scripts + 'standard-create.sql')
    db.load(db.scripts + 'siptrace-create.sql')
    if db.name == 'postgres':
        db.run('GRANT ALL ON ALL TABLES IN SCHEMA public TO kam;'
               'GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO kam;')
    k = h.Kamailio(where, f'sip:127.0.0.1:{port}', 3)
    with open(k.cfg) as f:
        text = f.read()
    text = text.replace(f'127.0.0.1:{k.port}', f'127.0.0.2:{k.port}')
    text = text.replace('loadmodule "siptrace.so"',
                        f'loadmodule "{db.modules}"\n'
                        'loadmodule "siptrace.so"')
    text = text.replace('"trace_mode", 1', '"trace_mode", 3')
    text = text.replace('modparam("siptrace", "trace_on"',
                        f'modparam("siptrace", "db_url", "{db.scheme}://kam:'
                        f'simple@127.0.0.1:{db.port}/traces")\n'
                        'modparam("siptrace", "trace_on"')
    with open(k.cfg, 'w') as f:
        f.write(text)
    return k


def sipp(where, k, name, user, calls, last, phone):
    run = os.path.join(where, f'{name}-{user}')
    os.mkdir(run)
    inf = os.path.join(run, 'fields.csv')
    with open(inf, 'w') as f:
        f.write('SEQUENTIAL\n' + ';'.join(
            [user, user.title(), f'[authentication username={user} '
             f'password=secret-{user}]', last, 'SIPp']) + '\n')
    return h.start_sipp(
        run, os.path.join(SCENARIOS, name + '.xml'), f'127.0.0.2:{k.port}',
        phone if name == 'phone-answers' else h.free_port(), '-inf', inf,
        '-m', calls, '-r', 20, '-s', user, '-timeout', 60, '-key',
        'contact_port', phone)


def traffic(where, k):
    phone = h.free_port()
    for name, user, last in (('register', 'bob', '3600'),
                             ('register', 'alice', '3600'),
                             ('options', 'alice', '')):
        if sipp(where, k, name, user, 3, last, phone).wait(60):
            raise RuntimeError('SIPp: ' + name)
    callee = sipp(where, k, 'phone-answers', 'bob', 12, '', phone)
    if sipp(where, k, 'call', 'alice', 12, 'bob', phone).wait(60) or \
            callee.wait(60):
        raise RuntimeError('SIPp: call')


def as_text(rows):
    """Kamailio's db_postgres writes a message as the digits of its bytes; here
    it is text in every database."""
    return [[bytes.fromhex(v[2:]).decode() if isinstance(v, str) and
             v.startswith('\\x') else v for v in row] for row in rows]


def test_kamailio(tap, db):
    """The judge: the same traffic, the same rows."""
    why = h.have('kamailio', 'kamcmd', 'sipp') or (
        '' if os.path.exists(h.MODULES + db.modules) and
        os.path.exists(db.scripts) else 'no ' + db.modules)
    if why:
        tap.skip(f'{db.name}: rows as Kamailio writes them', why)
        return
    where = os.path.join(os.path.dirname(db.where), db.name + '-kamailio')
    db.run('DROP TABLE IF EXISTS sip_trace; DROP TABLE IF EXISTS version')
    os.mkdir(where)
    ear = Store(os.path.join(where, 'earshot'), db, table='ours')
    k = kamailio_for(where, db, ear.port)
    ear.start()
    k.start()
    traffic(where, k)
    k.stop()
    n = db.counts()[0]
    tap.ok(n > 100, f"{db.name}: Kamailio's siptrace wrote {n} rows")
    tap.equal(ear.written(db, n, 'ours'), n, 'Earshot wrote as many')
    theirs, ours = (sorted(as_text(db.rows(t, COLUMNS)))
                    for t in ('sip_trace', 'ours'))
    if not tap.ok(theirs == ours, 'equal in ' + ', '.join(COLUMNS)):
        for a, b in [(a, b) for a, b in zip(theirs, ours) if a != b][:3]:
            tap.note(f'theirs {a}')
            tap.note(f'ours   {b}')
    # theirs is of the moment of writing, ours of the capture
    epoch = ('UNIX_TIMESTAMP(time_stamp)' if db.name == 'mariadb' else
             'EXTRACT(EPOCH FROM time_stamp)')
    late = [a[0] + a[1] / 1e6 - b[0] - b[1] / 1e6 for a, b in zip(*(
        sorted(as_text(db.rows(t, [epoch, 'time_us', *COLUMNS])),
               key=lambda r: (r[2:], r[:2])) for t in ('sip_trace', 'ours')))]
    tap.ok(late and max(map(abs, late)) < 1.5,
           f'times differ by at most {max(map(abs, late)):.3f} s')
    tap.equal(db.rows('version', ['table_version'],
                      "WHERE table_name IN ('sip_trace', 'ours')"),
              [[4], [4]], 'both tables are of version 4')
    ear.stop()


TESTS = [test_modes, test_writer_killed, test_database_killed,
         test_database_stopped, test_two_writers, test_faults, test_values,
         test_traces, test_silent, test_away, test_kamailio]


def main():
    only = sys.argv[1:]
    with h.Tap() as tap, h.folder() as where:
        random.seed(os.environ.get('SEED'))
        for kind in databases.BOTH:
            if only and kind.name not in only and (
                    set(only) & {k.name for k in databases.BOTH}):
                continue
            why = kind.missing()
            if why:
                tap.skip(kind.name, why)
                continue
            db = kind(where).start()
            for test in TESTS:
                names = set(only) - {k.name for k in databases.BOTH}
                if not names or test.__name__[5:] in names:
                    test(tap, db)
            db.stop()


if __name__ == '__main__':
    main()
