#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The console's certificate: a chain that a client can check, and a renewed
one that a reload brings into use while connections that are up go on."""
import http.client
import os
import shutil
import ssl
import subprocess

import harness
from harness import Earshot, Tap, folder, have, wait_for


def openssl(where, *words):
    subprocess.run(['openssl', *words], cwd=where, check=True,
                   capture_output=True, timeout=30)


def authority(where):
    """A root and an authority below it."""
    with open(where + '/ext', 'w') as f:
        f.write('[ca]\nbasicConstraints=critical,CA:TRUE\n'
                '[leaf]\nbasicConstraints=critical,CA:FALSE\n'
                'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
    openssl(where, 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
            'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj',
            '/CN=root', '-keyout', 'root.key', '-out', 'root.crt')
    sign(where, 'middle', 'root', 'ca', 7)


def sign(where, name, by, kind, serial):
    openssl(where, 'req', '-newkey', 'ec', '-pkeyopt',
            'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=' + name,
            '-keyout', name + '.key', '-out', name + '.csr')
    openssl(where, 'x509', '-req', '-in', name + '.csr', '-CA', by + '.crt',
            '-CAkey', by + '.key', '-set_serial', str(serial), '-days', '2',
            '-extfile', 'ext', '-extensions', kind, '-out', name + '.crt')


def put(where, leaf):
    """The chain and its key to where the server looks for them."""
    with open(where + '/chain.pem', 'w') as out:
        for name in (leaf, 'middle'):
            with open(f'{where}/{name}.crt') as f:
                out.write(f.read())
    shutil.copy(f'{where}/{leaf}.key', where + '/chain.key')


def connect(where, port):
    context = ssl.create_default_context(cafile=where + '/root.crt')
    conn = http.client.HTTPSConnection('localhost', port, timeout=10,
                                       context=context)
    conn.connect()
    return conn


def serial(conn):
    return int(conn.sock.getpeercert()['serialNumber'], 16)


def healthy(conn):
    conn.request('GET', '/healthz')
    return conn.getresponse().read() == b'{"ok":true}'


with Tap() as tap, folder() as where:
    missing = have('openssl')
    if missing:
        tap.skip('certificates', missing)
        raise SystemExit
    authority(where)
    sign(where, 'one', 'middle', 'leaf', 1001)
    sign(where, 'two', 'middle', 'leaf', 1002)
    put(where, 'one')
    ear = Earshot(where, console={'certificate': where + '/chain.pem',
                                  'private_key': where + '/chain.key'})
    ear.start()
    first = connect(where, ear.console)
    tap.ok(healthy(first), 'the chain is sent: a client that knows the root '
           'alone takes it')
    tap.equal(serial(first), 1001, 'the first certificate')
    put(where, 'two')
    second = connect(where, ear.console)
    tap.equal(serial(second), 1001, 'a file that changed alone does nothing')
    told = ear.must('ctl', 'reload')
    third = wait_for(lambda: connect(where, ear.console))
    tap.equal(serial(third), 1002, 'after a reload the renewed one')
    tap.ok(healthy(first) and healthy(second) and healthy(third),
           'connections of before go on')
    with open(where + '/chain.key', 'w') as f:
        f.write('no key')
    code, rows, error = ear.run('ctl', 'reload')
    tap.ok('certificate' in str(rows) + error,
           'one that will not do is told', rows, error)
    tap.equal(serial(connect(where, ear.console)), 1002,
              'and the one before stays')
    tap.equal(ear.stop(), 0, 'it ends well')
    log = harness.tail(ear.log, 10000)
    tap.ok('ERROR:' not in log and 'runtime error' not in log,
           'and no sanitizer spoke', log[-2000:])
