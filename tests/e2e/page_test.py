#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page in Chromium, served by the real program: the sample and invented
traffic with a hostile name are in its store; then console/run.mjs drives it.
Screenshots are kept in artifacts/page beside the program, or EARSHOT_SHOTS."""
import os
import re
import shutil
import subprocess
import sys

import harness
from harness import Earshot, folder, tail

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PASSWORD = 'correct-horse-battery'
# One whose password changes, one of each lesser role.
USERS = [('tester', 'admin'), ('chief', 'admin'), ('operator', 'operator'),
         ('viewer', 'viewer')]


def main():
    node = shutil.which('node')
    if not node:
        print('1..0 # SKIP node is not installed')
        return 0
    with folder() as where:
        ear = Earshot(where)
        # The sample's own times are past; what is sent now is of now.
        code, _, error = ear.run('import', os.path.join(
            ROOT, 'packaging/sample/sample.pcap'))
        if code:
            raise RuntimeError(error)
        for name, role in USERS:
            done = subprocess.run(
                [harness.EARSHOT, 'user', 'add', name, '--role', role,
                 '--data', ear.data], input=PASSWORD + '\n', text=True,
                capture_output=True)
            if done.returncode:
                raise RuntimeError(done.stderr)
        ear.start()
        hep = f'127.0.0.1:{ear.port}'
        subprocess.run([node, os.path.join(ROOT, 'web/mock/send.mjs'), hep],
                       check=True, stdout=sys.stderr, timeout=60)
        env = dict(os.environ, EARSHOT_URL=f'http://127.0.0.1:{ear.console}',
                   EARSHOT_HEP=hep, EARSHOT_USER='tester',
                   EARSHOT_PASSWORD=PASSWORD)
        env.setdefault('EARSHOT_SHOTS', os.path.join(
            os.path.dirname(harness.EARSHOT), 'artifacts', 'page'))
        code = subprocess.run(
            [node, os.path.join(ROOT, 'tests/e2e/console/run.mjs')],
            env=env).returncode
        if code:
            print(re.sub('^', '# ', tail(ear.log), flags=re.M))
        ear.stop()
        return code


sys.exit(main())
