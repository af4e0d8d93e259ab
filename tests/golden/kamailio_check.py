#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""earshot import-config kamailio over golden/kamailio-config/*.cfg: what it
prints is what stands in the .conf beside each, and check-config takes it.
WRITE=1 writes the .conf files anew; read the difference by eye."""
import glob
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
EARSHOT = os.path.abspath(sys.argv[1])
FOLDER = os.path.join(HERE, 'kamailio-config')

# wrong input, and what the fault must begin with
WRONG = [
    ('modparam("siptrace", "trace_on" 1)\n', "x.cfg:1:33: ',' must stand"),
    ('request_route {\n  if (1) {\n}\n', "x.cfg:1:15: this '{' is never"),
    ('loadmodule "siptrace.so\n', 'x.cfg:1:12: this text is never closed'),
    ('\n /* a /* b */\n', 'x.cfg:2:2: this comment is never closed'),
    ('#!ifdef A\n', 'x.cfg:1:1: this conditional has no #!endif'),
    ('  #!endif\n', 'x.cfg:1:3: #!endif without #!ifdef'),
    ('include_file "gone.cfg"\n', 'x.cfg:1:1: cannot include gone.cfg'),
    ('include_file "x.cfg"\n', 'x.cfg:1:1: more than 256 files, or deeper'),
    ('#!define A B\n#!define B A\nA\n', 'x.cfg:3:1: '),
    ('modparam("siptrace", "trace_on", foo)\n',
     'x.cfg:1:34: a number or a text in quotes must stand here'),
    ('loadmodule 7\n', "x.cfg:1:12: the name of a module must stand here"),
    ('request_route' + '{' * 200 + '\n', 'x.cfg:1:79: more than 64 blocks'),
    ('#!substdef "x"\n', 'x.cfg:1:1: a substitution must be written'),
]

n = bad = 0


def ok(good, what, *more):
    global n, bad
    n += 1
    bad += not good
    print(f'{"ok" if good else "not ok"} {n} - {what}')
    for line in more if not good else ():
        for part in str(line).splitlines():
            print('#', part)


def run(*words):
    return subprocess.run([EARSHOT, *words], cwd=FOLDER, text=True,
                          capture_output=True, timeout=60)


def differing(got, want):
    pairs = zip(got.splitlines() + [''], want.splitlines() + [''])
    return [f'{i}: got  {a}\n{i}: want {b}'
            for i, (a, b) in enumerate(pairs, 1) if a != b][:3]


def golden(name):
    p = run('import-config', 'kamailio', name + '.cfg')
    path = os.path.join(FOLDER, name + '.conf')
    if os.environ.get('WRITE') and p.returncode == 0:
        with open(path, 'w') as f:
            f.write(p.stdout)
    with open(path) as f:
        want = f.read()
    ok(p.returncode == 0 and p.stdout == want, f'{name}: as expected',
       p.stderr, *differing(p.stdout, want))
    strict = run('import-config', '--strict', 'kamailio', name + '.cfg')
    ok(strict.returncode == (1 if p.stderr else 0),
       f'{name}: --strict says whether all has an equivalent', strict.stderr)
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as f:
        f.write(p.stdout)
        f.flush()
        p = run('check-config', f.name)
        ok(p.returncode == 0, f'{name}: check-config takes it', p.stderr)


def wrong(text, want):
    with tempfile.TemporaryDirectory() as where:
        path = os.path.join(where, 'x.cfg')
        with open(path, 'w') as f:
            f.write(text)
        p = run('import-config', 'kamailio', path)
        said = p.stderr.replace(where + '/', '')
        ok(p.returncode == 1 and
           said.startswith('earshot import-config: ' + want),
           'refused: ' + want, said)


for found in sorted(glob.glob(FOLDER + '/*.cfg')):
    golden(os.path.basename(found)[:-4])
for text, want in WRONG:
    wrong(text, want)
p = run('import-config', 'kamailio', '-A', 'WITH_A,PORT=5', 'core-hep.cfg')
ok(p.returncode == 0, '-A takes names and values', p.stderr)
with tempfile.TemporaryDirectory() as where:
    out = os.path.join(where, 'out.conf')
    p = run('import-config', 'kamailio', 'core-hep.cfg', '-o', out)
    ok(p.returncode == 0 and os.stat(out).st_mode & 0o777 == 0o600,
       '-o writes a file that others cannot read', p.stderr)
ok(run('import-config', 'kamailio').returncode == 2, 'no file is wrong usage')
ok(run('import-config', 'asterisk', 'x').returncode == 2,
   'so is another program')
print(f'1..{n}')
sys.exit(bad != 0)
