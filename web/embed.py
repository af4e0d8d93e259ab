#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the console's page and write it as one C file of gzipped arrays.

    embed.py OUT.c [--dist DIR]

With npm the page is built from web/src; the first time, `npm ci` fetches the
two packages that it needs, at the versions of package-lock.json. Without npm
a page that was built before (web/dist, as in a release) is taken. With
neither the build stops and says so.
"""

import argparse
import fcntl
import gzip
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

WEB = pathlib.Path(__file__).resolve().parent
FILES = {
    "index.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "app.css": "text/css; charset=utf-8",
    "favicon.svg": "image/svg+xml",
}
NEEDED = ("preact", "esbuild")
PER_LINE = 20


def stop(words):
    sys.exit("web/embed.py: " + words)


def installed():
    """Whether node_modules has what package-lock.json says we need."""
    lock = json.loads((WEB / "package-lock.json").read_text())["packages"]
    for name in NEEDED:
        file = WEB / "node_modules" / name / "package.json"
        if not file.exists():
            return False
        want = lock["node_modules/" + name]["version"]
        if json.loads(file.read_text())["version"] != want:
            return False
    return True


def run(command):
    done = subprocess.run(command, cwd=WEB, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        stop(f"`{' '.join(map(str, command))}` failed:\n{done.stdout}")


def build(out):
    # Several build directories may want the packages at the same moment.
    with open(WEB / ".npm-lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed():
            run(["npm", "ci", "--omit=dev", "--ignore-scripts",
                 "--no-audit", "--no-fund"])
    run(["node", WEB / "build.mjs", "--out", out])


def c_name(name):
    return "".join(c if c.isalnum() else "_" for c in name)


def write(dist, out):
    arrays, rows = [], []
    for name, kind in FILES.items():
        plain = (dist / name).read_bytes()
        # no time in it: the same page gives the same file
        packed = gzip.compress(plain, 9, mtime=0)
        etag = hashlib.sha256(plain).hexdigest()[:20]
        lines = [", ".join(f"{b}" for b in packed[i:i + PER_LINE])
                 for i in range(0, len(packed), PER_LINE)]
        arrays.append(f"static const unsigned char {c_name(name)}[] = {{\n\t"
                      + ",\n\t".join(lines) + "\n};\n")
        rows.append(f'\t{{"/{name}", "{kind}", "\\"{etag}\\"",\n\t\t'
                    f"{c_name(name)}, sizeof {c_name(name)}, "
                    f"{len(plain)}}},\n")
    out.write_text(
        "/* SPDX-License-Identifier: Apache-2.0 */\n"
        "/* Made by web/embed.py from the console's page. */\n"
        '#include "console/assets.h"\n\n' + "\n".join(arrays) +
        "\nconst struct ear_asset ear_assets[] = {\n" + "".join(rows) +
        "};\n"
        "const size_t ear_assets_n = sizeof ear_assets / "
        "sizeof *ear_assets;\n", encoding="ascii")


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument("out", type=pathlib.Path)
    ask.add_argument("--dist", type=pathlib.Path,
                     help="take the page from here and build nothing")
    args = ask.parse_args()
    if args.dist:
        missing = [n for n in FILES if not (args.dist / n).exists()]
        if missing:
            stop(f"{args.dist} has no {', '.join(missing)}")
        write(args.dist, args.out)
        return
    if shutil.which("npm") and shutil.which("node"):
        with tempfile.TemporaryDirectory() as made:
            build(pathlib.Path(made))
            write(pathlib.Path(made), args.out)
        return
    if all((WEB / "dist" / n).exists() for n in FILES):
        print("web/embed.py: npm is not installed; web/dist is taken as it "
              "is", file=sys.stderr)
        write(WEB / "dist", args.out)
        return
    stop("the console's page is not built, and npm is not installed to build "
         "it.\nInstall nodejs (18 or later) and npm, or unpack a release, "
         "which has web/dist.")


if __name__ == "__main__":
    main()
