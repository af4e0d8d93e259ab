#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast the SQL store writes, against the server's own bulk load of the
same rows in the same batches (COPY, LOAD DATA), taking turns in each round.

    tests/bench/sql_store.py [--tool BUILD/tests/bench/sql-bench]
                             [--messages N] [--rounds N]

Servers of its own, in a folder of its own, with their usual settings: a
commit is on the disk. tests/bench/run takes its rows from here.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import databases  # noqa: E402
import harness  # noqa: E402

BATCH = 1000
COLUMNS = ("time_stamp, time_us, callid, traced_user, msg, method, status, "
           "fromip, toip, fromtag, totag, direction")
BULK = {"postgres": "COPY", "mariadb": "LOAD DATA"}
NAMES = {"postgres": "PostgreSQL", "mariadb": "MariaDB"}
MODES = (("batch", ("--mode", "batch")),
         ("async", ("--mode", "async", "--workers", "2")))


def bulk_statements(db, folder, rows):
    """The rows in files of a batch each; gives a script that loads them."""
    script = []
    with open(rows) as f:
        lines = f.readlines()
    for i in range(0, len(lines), BATCH):
        path = os.path.join(folder, f"{i}.rows")
        with open(path, "w") as f:
            f.writelines(lines[i:i + BATCH])
        script.append(
            f"\\copy sip_trace({COLUMNS}) from '{path}'\n"
            if db.name == "postgres" else
            f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE sip_trace "
            f"CHARACTER SET utf8mb4 ({COLUMNS});\n")
    return "".join(script)


def empty(db):
    db.run("TRUNCATE sip_trace")


def what_is_in(db):
    return db.rows("sip_trace", ["COUNT(*)", "SUM(LENGTH(msg))"])


def ours(tool, db, messages, spool, words):
    empty(db)
    done = subprocess.run(
        [tool, "--url", db.url, "-n", str(messages), "--batch", str(BATCH),
         "--spool", str(spool), "--create", *words], check=True,
        stdout=subprocess.PIPE, timeout=300)
    return json.loads(done.stdout), what_is_in(db)


def theirs(db, script, messages):
    empty(db)
    began = time.monotonic()
    db.run(script)
    return messages / (time.monotonic() - began), what_is_in(db)


def measure(tool, kind, where, messages, rounds):
    """{'COPY': rows/s, 'batch': (rows/s, CPU-us a row), 'async': …}"""
    db = kind(where).start()
    try:
        subprocess.run([tool, "--url", db.url, "-n", "10", "--create"],
                       check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        rows = os.path.join(where, "rows")
        subprocess.run([tool, "--url", db.url, "-n", str(messages), "--rows",
                        rows], check=True)
        folder = os.path.join(where, db.name + "-rows")
        os.mkdir(folder)
        script = bulk_statements(db, folder, rows)
        bulk, own = [], {name: [] for name, _ in MODES}
        for r in range(rounds):
            rate, there = theirs(db, script, messages)
            bulk.append(rate)
            for m, (name, words) in enumerate(MODES):
                one, here = ours(tool, db, messages, 100 + 10 * r + m, words)
                if here != there:
                    raise SystemExit(f"other rows: {here}, not {there}")
                own[name].append((one["rate"], one["cpu"] / messages * 1e6))
        return statistics.median(bulk), {
            name: tuple(statistics.median(c) for c in zip(*values))
            for name, values in own.items()}
    finally:
        db.stop()


def report(tool, messages, rounds, say):
    """Rows of a table in Markdown."""
    say("| SQL store, batches of 1,000 rows | rows/s | CPU-us per row | "
        "of the bulk load |")
    say("|---|---:|---:|---:|")
    for kind in databases.BOTH:
        name = NAMES[kind.name]
        why = kind.missing()
        if why:
            say(f"| SQL store {name}: {why} | | | |")
            continue
        with tempfile.TemporaryDirectory(prefix="earshot-bench-") as where:
            bulk, own = measure(tool, kind, where, messages, rounds)
        say(f"| {name} {BULK[kind.name]} | {bulk:,.0f} | | 1 |")
        for mode, (rate, cpu) in own.items():
            more = "" if mode == "batch" else f", {mode}, 2 connections"
            say(f"| SQL store {name}: of {BULK[kind.name]}{more} "
                f"| {rate:,.0f} | {cpu:.2f} | {rate / bulk:.2f} |")
    harness.stop_children()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", default=os.path.join(
        os.path.dirname(os.path.dirname(HERE)), "build", "tests", "bench",
        "sql-bench"))
    parser.add_argument("--messages", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    report(options.tool, options.messages, options.rounds,
           lambda line: print(line, flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
