#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""List what the page is made of, so that the build knows when to make it
again. A new file is seen at the next `meson setup --reconfigure`."""

import pathlib

WEB = pathlib.Path(__file__).resolve().parent
TOP = ("build.mjs", "embed.py", "favicon.svg", "index.html",
       "package-lock.json", "package.json", "tsconfig.json")

for name in sorted([*TOP, *(str(p.relative_to(WEB))
                            for p in (WEB / "src").rglob("*.*"))]):
    print(name)
