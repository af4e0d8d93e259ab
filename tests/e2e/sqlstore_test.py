#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The SQL store before a real PostgreSQL and a real MariaDB: every mode, the
writer and the database killed, stopped and started between any two steps: all
rows are there, none twice.

    sqlstore_test.py [postgres|mariadb] [name of a test …]
"""
import os
import random
import signal
import subprocess
import sys
import time

import databases
import harness as h

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


TESTS = [test_modes, test_writer_killed, test_database_killed,
         test_database_stopped, test_two_writers, test_faults]


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
