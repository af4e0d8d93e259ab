# SPDX-License-Identifier: Apache-2.0
"""The API of the console, for tests of the real program."""
import http.client
import json
import re
import subprocess
import urllib.parse

import harness

PASSWORD = 'correct-horse-battery'


class Api:
    def __init__(self, port, source='127.0.0.1'):
        self.port = port
        self.source = source
        self.cookie = ''

    def raw(self, method, path, body=None):
        conn = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30,
                                          source_address=(self.source, 0))
        conn.request(method, path, body, {
            'X-Earshot': '1', 'Cookie': 'earshot_session=' + self.cookie})
        answer = conn.getresponse()
        found = re.match('earshot_session=([0-9a-f]+)',
                         answer.headers.get('Set-Cookie', ''))
        if found:
            self.cookie = found.group(1)
        out = answer.status, answer.headers, answer.read()
        conn.close()
        return out

    def get(self, path, **args):
        status, _, body = self.raw(
            'GET', f'/api/v1/{path}?{urllib.parse.urlencode(args)}')
        return status, json.loads(body)

    def post(self, path, **body):
        status, _, out = self.raw(
            'POST', '/api/v1/' + path, json.dumps(body))
        return status, json.loads(out)


def user(ear, *words, typed=''):
    p = subprocess.run([harness.EARSHOT, 'user', *words, '--data', ear.data],
                       input=typed, capture_output=True, text=True, timeout=30)
    return p.returncode, p.stdout + p.stderr


def admin(ear, name='tester'):
    """An admin of the test's own, logged in."""
    code, text = user(ear, 'add', name, '--role', 'admin',
                      typed=PASSWORD + '\n')
    if code:
        raise RuntimeError(text)
    api = Api(ear.console)
    status, body = api.post('login', name=name, password=PASSWORD)
    if status != 200:
        raise RuntimeError(body)
    return api
