#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks every #include in src/ against the table of layers in meson.build, and
that the sources which the documents name are there."""
import ast
import fnmatch
import pathlib
import re
import sys


def read_layers(root):
    text = (root / "meson.build").read_text()
    table = re.search(r"^layers = (\[.*?^\])", text, re.M | re.S).group(1)
    return {name: set(below) for name, below in ast.literal_eval(table)}


def violations(root, layers):
    for path in sorted((root / "src").rglob("*.[ch]")):
        folder = path.relative_to(root / "src").parts[0]
        if folder not in layers:
            yield f"{path}: folder '{folder}' is not in the table"
            continue
        allowed = layers[folder] | {folder}
        for number, line in enumerate(path.read_text().splitlines(), 1):
            m = re.match(r'\s*#\s*include\s+"([^/"]+)/', line)
            if m and m.group(1) in layers and m.group(1) not in allowed:
                yield (f"{path.relative_to(root)}:{number}: "
                       f"'{folder}' may not include '{m.group(1)}'")


def missing(root):
    """`folder/name.c` and `name.c` as documents write them; `_name.c` goes on
    with the name before it, `name*.c` is several."""
    there = ["/" + str(path.relative_to(root)) for top in
             ("src", "tests", "include", "web", "docs", "examples")
             for path in (root / top).rglob("*.*")
             if "node_modules" not in path.parts]
    for page in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        text = (root / page).read_text()
        for name in re.findall(r"`([\w./*-]+\.(?:[ch]|def|py|mjs|tsx?))`", text):
            end = "*" + name if name[0] == "_" else "*/" + name
            if not any(fnmatch.fnmatchcase(path, end) for path in there):
                yield f"{page}: {name} is not there"


def main():
    root = pathlib.Path(sys.argv[1])
    layers = read_layers(root)
    checks = {"includes follow the layers": list(violations(root, layers)),
              "documents name files that are there": list(missing(root))}
    print(f"1..{len(checks)}")
    for number, (what, bad) in enumerate(checks.items(), 1):
        for line in bad:
            print("# " + line)
        print(f"{'not ok' if bad else 'ok'} {number} - {what}")
    return 1 if any(checks.values()) else 0


sys.exit(main())
