# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL and a MariaDB of a test's own: in a folder, on a loopback
port, as a user that is not root, ended by their process ids.

    db = databases.Postgres(folder).start()
    db.run('CREATE TABLE a (b INTEGER)')
    db.rows('a', ['b'])               # [[1], [2]]
    db.url                            # for Earshot
"""
import glob
import json
import os
import pwd
import shutil
import signal
import subprocess

import harness as h

# With what a URL has to escape and a connection string to put into braces.
PASSWORD = 'p;w}=@{ 1/'
PASSWORD_IN_URL = 'p%3Bw%7D%3D%40%7B%201%2F'


class Database:
    """What both have in common."""

    def __init__(self, where):
        self.where = os.path.join(where, self.name)
        self.data = os.path.join(self.where, 'data')
        self.log = os.path.join(where, self.name + '.log')
        self.port = h.free_port()
        self.child = None

    @property
    def url(self):
        return self.url_of('tracer', PASSWORD_IN_URL)

    def url_of(self, user, password, database='traces'):
        return (f'{self.scheme}://{user}:{password}@127.0.0.1:{self.port}'
                f'/{database}')

    def prepare(self):
        """Folders that its user may reach and write."""
        os.makedirs(self.data)
        for path in (os.path.dirname(self.where), self.where):
            os.chmod(path, 0o755)
        if os.geteuid() == 0:
            user = pwd.getpwnam(self.user)
            for path in (self.where, self.data):
                os.chown(path, user.pw_uid, user.pw_gid)
        os.chmod(self.data, 0o700)

    def as_user(self, *words):
        """Servers refuse to run as root."""
        if os.geteuid():
            return list(words)
        way = []
        if not os.stat('/').st_mode & 1:
            # a root that only root may search, as that of a fresh chroot
            way = ['--inh-caps=+dac_read_search',
                   '--ambient-caps=+dac_read_search',
                   '--securebits=+no_setuid_fixup']
        return ['setpriv', f'--reuid={self.user}', f'--regid={self.user}',
                '--clear-groups', *way, *words]

    def start(self, wait=40):
        if not os.path.isdir(self.data):
            self.prepare()
            self.make()
            self.serve(wait)
            self.first()
        else:
            self.serve(wait)
        return self

    def serve(self, wait=40):
        def ready():
            if self.child is None or self.child.poll() is not None:
                # the one that was killed may not be quite gone
                self.child = h.start(self.as_user(*self.command()), self.log,
                                     cwd=self.where)
            return self.answers()
        if not h.wait_for(ready, wait, 0.3):
            raise RuntimeError(f'{self.name} does not start:\n'
                               + h.tail(self.log))

    def stop(self):
        """In good order, and at once."""
        self.child.send_signal(self.stop_signal)
        try:
            self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()
        if self.child in h._children:
            h._children.remove(self.child)

    def kill(self):
        self.child.kill()
        self.child.wait()

    def pause(self):
        self.child.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.child.send_signal(signal.SIGCONT)

    def backends(self):
        """Its children: in PostgreSQL each connection has one."""
        found = subprocess.run(['pgrep', '-P', str(self.child.pid)],
                               capture_output=True, text=True).stdout
        return [int(pid) for pid in found.split()]

    def run(self, sql, database='traces'):
        p = self.client(sql, database)
        if p.returncode:
            raise RuntimeError(f'{self.name}: {sql[:200]}: {p.stderr}')
        return p.stdout

    def answers(self):
        return self.client('SELECT 1', self.at_first).returncode == 0

    def rows(self, table, columns, more=''):
        """Lists of values, in the order of id."""
        out = self.run(f'SELECT {self.array}({", ".join(columns)}) '
                       f'FROM {table} {more}')
        return [json.loads(line) for line in out.splitlines()]

    def number(self, sql):
        return int(self.run(sql).split()[0])

    def counts(self, table='sip_trace'):
        """Rows, and different messages."""
        return tuple(self.rows(table, ['COUNT(*)', 'COUNT(DISTINCT msg)'])[0])

    def load(self, path):
        with open(path, encoding='utf-8') as f:
            self.run(f.read())


class Postgres(Database):
    name, user, scheme = 'postgres', 'postgres', 'postgres'
    at_first, stop_signal = 'postgres', signal.SIGINT
    array, scripts = 'json_build_array', '/usr/share/kamailio/postgres/'
    modules = 'db_postgres.so'

    @staticmethod
    def missing():
        return (h.have('psql', 'setpriv') or
                ('' if Postgres.bin() else 'no PostgreSQL server'))

    @staticmethod
    def bin():
        found = sorted(glob.glob('/usr/lib/postgresql/*/bin'))
        if found:
            return found[-1] + '/'
        path = shutil.which('postgres')
        return os.path.dirname(path) + '/' if path else ''

    def make(self):
        secret = os.path.join(self.where, 'secret')
        with open(secret, 'w') as f:
            f.write(PASSWORD + '\n')
        os.chmod(secret, 0o644)
        subprocess.run(self.as_user(
            self.bin() + 'initdb', '-D', self.data, '-U', 'owner', '-A',
            'scram-sha-256', '--pwfile', secret, '-E', 'UTF8',
            '--locale=C.UTF-8'), check=True, stdout=subprocess.DEVNULL,
            cwd=self.where)

    def command(self):
        return [self.bin() + 'postgres', '-D', self.data, '-p',
                str(self.port), '-k', self.where, '-c',
                'listen_addresses=127.0.0.1', '-c', 'max_wal_size=2GB']

    def first(self):
        self.run(f"CREATE ROLE tracer LOGIN PASSWORD '{PASSWORD}'",
                 self.at_first)
        self.run('CREATE DATABASE traces OWNER tracer', self.at_first)

    def client(self, sql, database):
        return subprocess.run(
            ['psql', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-h',
             '127.0.0.1', '-p', str(self.port), '-U',
             'owner' if database == self.at_first else 'tracer', '-d',
             database], input=sql, capture_output=True, text=True,
            env={**os.environ, 'PGPASSWORD': PASSWORD}, timeout=120)


class MariaDB(Database):
    name, user, scheme = 'mariadb', 'mysql', 'mysql'
    at_first, stop_signal = 'mysql', signal.SIGTERM
    array, scripts = 'JSON_ARRAY', '/usr/share/kamailio/mysql/'
    modules = 'db_mysql.so'

    @staticmethod
    def missing():
        return h.have('mariadbd', 'mariadb-install-db', 'mariadb', 'setpriv')

    @property
    def socket(self):
        return os.path.join(self.where, 'socket')

    def make(self):
        subprocess.run(self.as_user(
            'mariadb-install-db', '--no-defaults', '--datadir=' + self.data,
            '--auth-root-authentication-method=normal', '--skip-test-db'),
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd=self.where)

    def command(self):
        return [shutil.which('mariadbd'), '--no-defaults',
                '--datadir=' + self.data, '--socket=' + self.socket,
                f'--port={self.port}', '--bind-address=127.0.0.1',
                '--pid-file=' + os.path.join(self.where, 'pid'),
                '--character-set-server=utf8mb4',
                '--innodb-log-file-size=256M']

    def first(self):
        self.run(f"CREATE USER tracer@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';"
                 f"CREATE DATABASE traces;"
                 f"GRANT ALL ON traces.* TO tracer@'127.0.0.1';",
                 self.at_first)

    def client(self, sql, database):
        return subprocess.run(
            ['mariadb', '--no-defaults', '--socket=' + self.socket, '-u',
             'root', '--batch', '--raw', '--skip-column-names',
             '--default-character-set=utf8mb4', database], input=sql,
            capture_output=True, text=True, timeout=120)


BOTH = (Postgres, MariaDB)
