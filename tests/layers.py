#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks every #include in src/ against the table of layers in meson.build."""
import ast
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


def main():
    root = pathlib.Path(sys.argv[1])
    layers = read_layers(root)
    bad = list(violations(root, layers))
    print("1..1")
    for line in bad:
        print("# " + line)
    print(("not ok" if bad else "ok") + " 1 - includes follow the layers")
    return 1 if bad else 0


sys.exit(main())
