#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Captures SIP over TLS between OpenSSL's own client and server.

    unshare -n tests/tools/mktls.py DIR

writes DIR/tls.pcapng, with its key log inside (a Decryption Secrets Block),
DIR/plain.pcap, the same without it, and DIR/keys.log. It needs openssl,
tcpdump and editcap, and a network of its own, in which it takes port 5061.
tls.pcapng is tests/golden/capture-tls/capture.pcapng.
"""
import os
import subprocess
import sys
import tempfile
import time

PORT = 5061

CASES = [  # name, certificate, options of both, options of the client
    ('tls12-gcm', 'ec', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
     ['-servername', 'proxy.example', '-alpn', 'sip']),
    ('tls12-gcm256', 'ec',
     ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384'], []),
    ('tls12-chacha', 'ec',
     ['-tls1_2', '-cipher', 'ECDHE-ECDSA-CHACHA20-POLY1305'], []),
    ('tls12-ccm', 'ec', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-CCM'], []),
    ('tls12-ccm8', 'ec', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-CCM8'], []),
    ('tls12-rsa', 'rsa', ['-tls1_2', '-cipher', 'AES256-GCM-SHA384'], []),
    ('tls12-cbc', 'ec', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA'], []),
    ('tls12-resumed', 'ec', ['-tls1_2'], ['resume']),
    ('tls13-gcm', 'ec', ['-tls1_3', '-ciphersuites', 'TLS_AES_128_GCM_SHA256'],
     ['-servername', 'proxy.example', '-alpn', 'sip']),
    ('tls13-gcm256', 'ec',
     ['-tls1_3', '-ciphersuites', 'TLS_AES_256_GCM_SHA384'], []),
    ('tls13-chacha', 'ec',
     ['-tls1_3', '-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256'], []),
    ('tls13-ccm', 'ec',
     ['-tls1_3', '-ciphersuites', 'TLS_AES_128_CCM_SHA256'], []),
    ('tls13-retry', 'ec', ['-tls1_3'], ['retry']),
    ('tls13-update', 'ec', ['-tls1_3'], ['update']),
    ('tls13-resumed', 'ec', ['-tls1_3'], ['resume']),
]


def sip(first, case, seq):
    return (f'{first}\r\n'
            f'Via: SIP/2.0/TLS 127.0.0.1:40000;branch=z9hG4bK{case}{seq}\r\n'
            f'From: <sip:alice@example>;tag=1\r\nTo: <sip:bob@example>\r\n'
            f'Call-ID: {case}@example\r\nCSeq: {seq} OPTIONS\r\n'
            f'Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n').encode()


def certificate(kind, where):
    key = ['-newkey', 'rsa:2048'] if kind == 'rsa' else \
        ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    subprocess.run(
        ['openssl', 'req', '-x509', *key, '-nodes', '-days', '3650', '-subj',
         '/O=Test, Inc/CN=proxy.example', '-keyout', f'{where}/{kind}.key',
         '-out', f'{where}/{kind}.pem'], check=True, capture_output=True)


def ready(proc, word):
    """Reads what a program prints until it says the word."""
    text = b''
    while word not in text:
        piece = os.read(proc.stdout.fileno(), 4096)
        if not piece:
            sys.exit(f'openssl ended: {text.decode()}')
        text += piece


def talk(case, server, client, update):
    """Two requests and two answers, in one TLS connection."""
    for seq in (1, 2):
        client.stdin.write(sip('OPTIONS sip:bob@example SIP/2.0', case, seq))
        client.stdin.flush()
        time.sleep(.15)
        if update and seq == 1:
            client.stdin.write(b'K\n')  # KeyUpdate, asking for the other's
            client.stdin.flush()
            time.sleep(.15)
        server.stdin.write(sip('SIP/2.0 200 OK', case, seq))
        server.stdin.flush()
        time.sleep(.15)


def run(case, cert, both, extra, where):
    flags = {'resume', 'retry', 'update'} & set(extra)
    extra = [e for e in extra if e not in flags]
    server = subprocess.Popen(
        ['openssl', 's_server', '-accept', str(PORT), '-cert',
         f'{where}/{cert}.pem', '-key', f'{where}/{cert}.key', '-quiet',
         '-alpn', 'sip', *both,
         *(['-groups', 'P-384'] if 'retry' in flags else [])],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    time.sleep(.3)
    base = ['openssl', 's_client', '-connect', f'127.0.0.1:{PORT}',
            '-keylogfile', f'{where}/keys.log', *both, *extra]
    if 'retry' in flags:
        base += ['-groups', 'X25519:P-384']
    if 'resume' in flags:
        # TLS 1.3 gives its ticket behind the handshake.
        first = subprocess.Popen(
            base + ['-sess_out', f'{where}/session'], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        ready(first, b'Verify return code')
        time.sleep(.4)
        first.stdin.write(b'Q\n')
        first.stdin.flush()
        first.wait()
        base += ['-sess_in', f'{where}/session']
    quiet = [] if 'update' in flags else ['-quiet']
    client = subprocess.Popen(base + quiet, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    time.sleep(.4)
    talk(case, server, client, 'update' in flags)
    if quiet:
        client.stdin.close()
    else:
        client.stdin.write(b'Q\n')
        client.stdin.flush()
    time.sleep(.2)
    client.terminate()
    client.wait()
    server.terminate()
    server.wait()


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
    with tempfile.TemporaryDirectory() as where:
        certificate('ec', where)
        certificate('rsa', where)
        dump = subprocess.Popen(
            ['tcpdump', '-i', 'lo', '-U', '--immediate-mode', '-s', '0', '-w',
             f'{where}/plain.pcap', 'port', str(PORT)],
            stderr=subprocess.PIPE)
        while b'listening' not in dump.stderr.readline():
            pass
        for case, cert, both, extra in CASES:
            run(case, cert, both, extra, where)
        time.sleep(.5)
        dump.terminate()
        dump.wait()
        subprocess.run(
            ['editcap', '--inject-secrets', f'tls,{where}/keys.log',
             f'{where}/plain.pcap', f'{out}/tls.pcapng'], check=True)
        for name in 'plain.pcap', 'keys.log':
            with open(f'{where}/{name}', 'rb') as f:
                data = f.read()
            with open(f'{out}/{name}', 'wb') as f:
                f.write(data)


if __name__ == '__main__':
    main()
