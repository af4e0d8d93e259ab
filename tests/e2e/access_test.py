#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may do what at the console, and what is noted of it: roles, tokens,
locks, proxies, TLS, audit trail: access_test.py CONSOLE-FIXTURE."""
import csv
import io
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse

import api_test
from api_test import GOOD, Client, Server, check, ready, wait_for

# What each role is answered, by route: a row a route of routes.c.
#   method, path, body, viewer, operator
ROLES = [
    ("GET", "me", None, 200, 200),
    ("GET", "messages?limit=1", None, 200, 200),
    ("GET", "sessions", None, 200, 200),
    ("GET", "accounts", None, 200, 200),
    ("GET", "calls", None, 200, 200),
    ("GET", "connections", None, 200, 200),
    ("GET", "calls/columns", None, 200, 200),
    ("GET", "web-sessions", None, 200, 200),
    ("GET", "audit", None, 403, 200),
    ("GET", "audit/columns", None, 403, 200),
    ("GET", "users", None, 403, 403),
    ("POST", "users", {"name": "x"}, 403, 403),
    ("POST", "users/admin", {"action": "remove"}, 403, 403),
    ("GET", "tokens", None, 200, 200),
    # the fixture has no traces: 404 is behind the door
    ("POST", "traces", {}, 403, 404),
    ("POST", "traces/t1/stop", {}, 403, 404),
    ("POST", "siptrace", {"on": True}, 403, 404),
    ("GET", "traces", None, 404, 404),
]


def ask(client, method, path, body):
    status, headers, out = client.ask(
        method, "/api/v1/" + path, body and json.dumps(body),
        {"X-Earshot": "1"} if method == "POST" else {})
    return status


def add(admin, name, role):
    status, body, _ = admin.post(
        "users", {"name": name, "role": role, "password": GOOD + name})
    check(f"a {role} is added", status == 200, body)
    client = Client(admin.server)
    client.login(GOOD + name, name)
    return client


def token(client, **order):
    status, body, _ = client.post("tokens", order)
    return status, body


class Bearer:
    def __init__(self, server, text):
        self.client = Client(server)
        self.headers = {"Authorization": "Bearer " + text}

    def get(self, path, **args):
        return self.client.get(path, self.headers, **args)

    def post(self, path, body):
        return self.client.post(path, body, self.headers)


def test_roles(server, admin):
    viewer = add(admin, "vera", "viewer")
    operator = add(admin, "otto", "operator")
    for method, path, body, *wants in ROLES:
        for client, role, want in ((viewer, "viewer", wants[0]),
                                   (operator, "operator", wants[1])):
            got = ask(client, method, path, body)
            check(f"{method} {path} as {role}: {want}", got == want, got)
        got = ask(Client(server), method, path, body)
        check(f"{method} {path} without a log-in: 401", got == 401, got)
    return viewer, operator


def test_users(server, admin, viewer):
    status, body, _ = admin.post("users", {"name": "new"})
    given = body.get("password", "")
    check("a password is made up and answered once",
          status == 200 and len(given) == 19, body)
    new = Client(server)
    check("it has to be changed",
          new.login(given, "new")[1]["must_change"] is True)
    check("until then nothing else", new.get("calls")[0] == 403)
    for body, want in [({"action": "role", "role": "boss"}, 400),
                       ({"action": "fly"}, 400), ({}, 400),
                       ({"action": "role", "role": "operator"}, 200),
                       ({"action": "unlock"}, 404),
                       ({"action": "password", "password": "short"}, 400),
                       ({"action": "password"}, 200),
                       ({"action": "remove"}, 200),
                       ({"action": "remove"}, 404)]:
        status, got, _ = admin.post("users/new", body)
        check(f"users/new {body}: {want}", status == want, got)
    check("who was removed is out", new.get("me")[0] == 401)
    status, body, _ = admin.post(
        "users/admin", {"action": "role", "role": "viewer"})
    check("the last admin stays one", status == 400, body)
    users = {u["name"]: u for u in admin.get("users")[1]["users"]}
    check("the list of users", set(users) == {"admin", "vera", "otto"}
          and users["vera"]["role"] == "viewer"
          and users["vera"]["last_login"], users)
    admin.post("users/vera", {"action": "role", "role": "operator"})
    check("a new role ends the session", viewer.get("me")[0] == 401)
    admin.post("users/vera", {"action": "role", "role": "viewer"})
    viewer.login(GOOD + "vera", "vera")


def test_tokens(server, admin, viewer, operator):
    status, made = token(viewer, name="ci", role="operator")
    check("a token has at most its maker's role", status == 400, made)
    for order in [{}, {"name": ""}, {"name": "x" * 65},
                  {"name": "x", "scopes": ["fly"]},
                  {"name": "x", "expires": "gestern"},
                  {"name": "x", "expires": "2020-01-01"},
                  {"name": "x", "role": "none"}]:
        check(f"no token of {order}"[:60], token(viewer, **order)[0] == 400)
    status, made = token(operator, name="ci", scopes=["read"], expires="1h")
    check("a token is made", status == 200
          and re.fullmatch("ear_[0-9a-f]{64}", made["token"])
          and made["role"] == "operator" and made["expires"], made)
    t = Bearer(server, made["token"])
    check("it reads without a cookie", t.get("calls")[0] == 200)
    check("and is who made it", t.get("me")[1]["name"] == "otto")
    for path in ("export?format=text", "calls?format=csv", "tokens"):
        status, _, out = t.client.ask("GET", "/api/v1/" + path, None,
                                      t.headers)
        check(f"without the scope no {path}", status == 403, out)
    check("nor traces", t.post("siptrace", {"on": True})[0] == 403)
    status, out, _ = t.post("tokens", {"name": "more"})
    check("a token makes no tokens", status == 403, out)
    check("and changes no password", t.post(
        "password", {"old": "x", "new": "y"})[0] == 403)
    status, all_of_it = token(operator, name="all")
    t2 = Bearer(server, all_of_it["token"])
    check("one without scopes may what its role may", t2.post(
        "siptrace", {"on": True})[0] == 404, "the fixture has no traces")
    check("also without X-Earshot, which is for cookies",
          t2.get("audit")[0] == 200)
    check("but not more", t2.get("users")[0] == 403)
    check("no token is in users.db", all_of_it["token"] not in
          str(server.db("SELECT * FROM token")))
    listed = admin.get("tokens")[1]["tokens"]
    check("an admin sees all", {x["name"] for x in listed} == {"ci", "all"}
          and "token" not in listed[0], listed)
    check("others their own", viewer.get("tokens")[1]["tokens"] == [])
    check("nobody revokes another's", viewer.post(
        f"tokens/{made['id']}", {"action": "revoke"})[0] == 404)
    check("its use is noted", wait_for(lambda: [
        x for x in operator.get("tokens")[1]["tokens"]
        if x["name"] == "ci"][0]["last_used"]))
    check("revoked", operator.post(
        f"tokens/{made['id']}", {"action": "revoke"})[0] == 200)
    check("it is worth nothing", t.get("me")[0] == 401)
    server.db("UPDATE token SET expires_ns=5 WHERE name='all'")
    check("nor past its time", t2.get("me")[0] == 401)
    check("a made-up one neither",
          Bearer(server, "ear_" + "0" * 64).get("me")[0] == 401)

    def events():
        rows = viewer.get("web-sessions", q='"token"')[1]["rows"]
        return [(x["event"], x["principal"]) for x in rows]
    wait_for(lambda: len(events()) >= 5)
    got = events()
    check("tokens are access events: SUCCESS alone, once a while",
          got.count(("SUCCESS", "otto (token ci)")) == 1
          and ("FAIL_CREDENTIALS_EXPIRED", "otto (token all)") in got
          and ("FAIL_BAD_CREDENTIALS", "token") in got
          and ("SUCCESS_INTERACTIVE", "otto (token ci)") not in got, got)
    answers = [Bearer(server, "ear_" + "1" * 64).get("me")[0]
               for _ in range(30)]
    check("guessing is slowed down", 429 in answers, answers)
    check("which holds up nobody who knows", viewer.get("me")[0] == 200)


def test_lists(server, c):
    status, body = c.get("calls", limit=7)
    seen, cursor = [], ""
    while True:
        status, body = c.get("calls", limit=300, sort="dst",
                             **({"cursor": cursor} if cursor else {}))
        seen += [r["id"] for r in body["rows"]]
        cursor = body["cursor"]
        if not body["more"]:
            break
    check("by cursor each row once", len(seen) == len(set(seen)) == 1000,
          (len(seen), len(set(seen))))
    args = {"q": "disposition == BUSY", "sort": "at", "order": "asc"}
    rows = c.get("calls", limit=1000, **args)[1]["rows"]
    status, headers, text = c.ask(
        "GET", "/api/v1/calls?" + urllib.parse.urlencode(
            {**args, "format": "csv"}))
    table = list(csv.DictReader(io.StringIO(text.decode())))
    check("CSV is what the list is, in its order",
          [r["call_id"] for r in rows] == [r["call_id"] for r in table]
          and len(rows) == 250, (len(rows), len(table)))
    check("as a file", headers["Content-Type"].startswith("text/csv")
          and 'filename="earshot-calls-' in headers["Content-Disposition"]
          and headers["X-Earshot-Complete"] == "yes", dict(headers))
    check("a formula is made text", table[0]["src_name"][0] == "'",
          table[0]["src_name"])
    check("columns are those of the rows",
          [x["name"] for x in c.get("calls/columns")[1]["columns"]]
          == list(rows[0]) == list(table[0]))
    for what, path, query, offset in [
            ("a bad expression", "calls", {"q": "src == 1 and nope == 2"}, 13),
            ("the same of what is newer, of accounts", "accounts",
             {"q": "username == 1 and nope == 2", "newer": "1"}, 18)]:
        status, body = c.get(path, **query)
        check(what + " is told at its place",
              status == 400 and body.get("offset") == offset, body)
    for query in [{"sort": "nope"}, {"order": "up"}, {"limit": 0},
                  {"limit": 1001}, {"newer": "xyz"}, {"cursor": "junk"},
                  {"cursor": "c" * 300}, {"format": "xls"}, {"from": "x"},
                  {"newer": "1" * 40}]:
        status, body = c.get("calls", **query)
        check(f"calls {query}: 400"[:60], status == 400, body)
    newest = c.get("calls", limit=1)[1]
    server.tell("call fresh-1")
    server.tell("call fresh-2")
    got = c.get("calls", newer=newest["newest"])[1]
    check("what is newer", got["count"] == 2 and [
        r["src"] for r in got["rows"]] == ["fresh-2", "fresh-1"], got)
    check("the version changed", got["version"] != newest["version"])
    again = c.get("calls", newer=got["newest"])[1]
    check("and then nothing is", again["count"] == 0
          and again["newest"] == got["newest"]
          and again["version"] == got["version"], again)
    got = c.get("accounts", newer="1", q="username == 803")[1]
    check("newer accounts, with an expression", [
        r["username"] for r in got["rows"]] == ["803"], got)
    check("refused registrations when asked for", [
        sum(r["failed"] for r in c.get("sessions", **a)[1]["rows"])
        for a in ({}, {"failures": 1})] == [0, 1])
    facet = c.get("calls/facet", by="disposition", q='src == "909"')[1]
    check("a facet counts", {v["value"]: v["count"] for v in
                             facet["values"]}["BUSY"] == 250, facet)
    for path in ("calls/facet", "calls/facet?by=nope",
                 "calls/facet?by=src&most=0", "calls/timeline?by=nope",
                 "calls/timeline?buckets=401"):
        check(f"{path}: 400", ask(c, "GET", path, None) == 400)
    for n in (1, 2, 60, 400):
        t = c.get("calls/timeline", by="disposition", buckets=n)[1]
        total = sum(sum(s["counts"]) for s in t["series"])
        check(f"a timeline of {n} counts all", total == 1002
              and len(t["series"][0]["counts"]) <= n, t)
    check("one series", [s["name"] for s in
                         c.get("calls/timeline")[1]["series"]] == ["all"])


def test_large_csv():
    """Some megabytes: in pieces, whole, and nobody waits for who stalls."""
    with Server(10, calls=30000) as server:
        c = ready(server)
        stalled = stall(server, c)
        time.sleep(0.5)
        before = server.rss_kib()
        began = time.time()
        status, headers, text = c.ask("GET", "/api/v1/calls?format=csv")
        took = time.time() - began
        lines = text.count(b"\r\n")
        check("a large CSV comes whole, while another client stalls",
              status == 200 and lines == 30001 and took < 30
              and headers.get("Transfer-Encoding") == "chunked",
              (status, lines, took))
        check("and costs no memory to speak of",
              server.rss_kib() - before < 60000, server.rss_kib() - before)
        began = time.time()
        check("lists answer meanwhile", c.get("calls")[0] == 200
              and time.time() - began < 2)
        stalled.close()
        check("its place is free when it goes", wait_for(
            lambda: c.ask("GET", "/api/v1/web-sessions?format=csv")[0] == 200))


def stall(server, client):
    """A download whose reader takes nothing."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    s.connect(("127.0.0.1", server.port))
    s.sendall(b"GET /api/v1/calls?format=csv HTTP/1.1\r\nHost: localhost\r\n"
              b"Cookie: earshot_session=" + client.cookie.encode()
              + b"\r\n\r\n")
    return s


def test_stalled():
    """Who stalls is in nobody's way but their own."""
    with Server(10, calls=30000) as server:
        admin = ready(server)
        people = [admin] + [add(admin, n, "viewer") for n in ("anna", "ben")]
        other = add(admin, "cleo", "viewer")
        small = "/api/v1/web-sessions?format=csv"
        large = "/api/v1/calls?format=csv"
        all_of_it = []
        for who, n in zip(people, (3, 3, 2)):
            all_of_it += [stall(server, who) for _ in range(n)]
            time.sleep(0.5)
        status, h, body = admin.ask("GET", small)
        check("a fourth download of one user is refused, with its reason",
              status == 503 and b"one user may download 3" in body
              and h["Retry-After"], (status, body))
        began = time.time()
        status, _, body = other.ask("GET", large)
        took = time.time() - began
        check("all places stalled: another's download waits some seconds and "
              "comes whole", status == 200 and body.count(b"\r\n") == 30001
              and 5 < took < 20, (status, took))
        began = time.time()
        status, _, body = other.ask("GET", large)
        check("one reader lost its place, which goes on to be used",
              status == 200 and time.time() - began < 8, time.time() - began)
        for s in all_of_it:
            s.close()
        check("all places are free when they go",
              wait_for(lambda: admin.ask("GET", small)[0] == 200))


def test_token_life(server, admin):
    """What passwords, roles and removal do to tokens."""
    tess = add(admin, "tess", "operator")
    second = Client(server)
    second.login(GOOD + "tess", "tess")
    _, made = token(tess, name="job")
    t = Bearer(server, made["token"])
    new = GOOD + "tess again"
    check("a password is changed", tess.post(
        "password", {"old": GOOD + "tess", "new": new})[0] == 200)
    check("other sessions end, one's own goes on, tokens stay",
          (second.get("me")[0], tess.get("me")[0], t.get("me")[0])
          == (401, 200, 200))
    check("a token may what its role may",
          t.post("siptrace", {"on": True})[0] == 404)
    admin.post("users/tess", {"action": "role", "role": "viewer"})
    check("a lower role binds the tokens, too", t.get("calls")[0] == 200
          and t.post("siptrace", {"on": True})[0] == 403
          and t.get("audit")[0] == 403)
    admin.post("users/tess", {"action": "role", "role": "admin"})
    check("a higher one does not raise them", t.get("users")[0] == 403)
    live = t.client.begin("GET", "/api/v1/follow", None, t.headers)
    check("a token follows", live.status == 200, live.status)
    _, body, _ = admin.post("users/tess", {"action": "password"})
    ended = []
    while line := live.read1(65536):
        ended.append(line)
    check("a password by an admin: tokens rest, what they follow ends", True)
    t.client.close()
    check("until it is changed", t.get("me")[0] == 401)
    tess = Client(server)
    tess.login(body["password"], "tess")
    tess.post("password", {"old": body["password"], "new": new + "!"})
    check("then they are good again", t.get("me")[0] == 200)
    live = t.client.begin("GET", "/api/v1/follow", None, t.headers)
    admin.post("users/tess", {"action": "remove"})
    while live.read1(65536):
        pass
    t.client.close()
    check("a user who is removed takes all with them",
          t.get("me")[0] == 401 and tess.get("me")[0] == 401
          and not server.db("SELECT * FROM token WHERE user='tess'"))
    add(admin, "tess", "operator")
    check("and who is named alike later gets none of it",
          t.get("me")[0] == 401)
    admin.post("users/tess", {"action": "remove"})


def test_stories(c):
    def story(q):
        row = c.get("calls", q=q, limit=1)[1]["rows"][0]
        return c.get("calls/" + row["id"])
    for q, rule, words in [
            ('disposition == ANSWERED and src == "909"', "answered",
             "answered"),
            ('disposition == BUSY', "refused", "refused the call (486"),
            ('disposition == FAILED and dst != "801"', "unknown", "(404"),
            ('disposition == NO_ANSWER and dst == "801"', "unreachable",
             "unreachable, not unwilling"),
            ('disposition == NO_ANSWER and dst != "801"', "caller-gave-up",
             "the caller gave up (487")]:
        status, body = story(q)
        check(f"why: {rule}", status == 200 and body["rule"] == rule
              and words in body["words"], body)
    for missing in ("nope", "1-2", "../x", "18ea91515b573ca5-", "%22"):
        check(f"no call {missing}", c.get("calls/" + missing)[0] == 404)
    row = c.get("accounts", q='username == "803"')[1]["rows"][0]
    status, body = c.get(f"accounts/{row['id']}")
    check("the story of an account", status == 200
          and body["account"]["username"] == "803"
          and len(body["bindings"]) == 1 and body["calls"], body)
    for missing in ("999999", "x", "-1", "99999999999999999999"):
        check(f"no account {missing}", c.get("accounts/" + missing)[0] == 404)


def test_people_figures(admin):
    """Web Sessions and Audit are filtered and counted like other lists."""
    for name, by, word, series in (
            ("web-sessions", "event", "SUCCESS", "event"),
            ("audit", "action", "list", None)):
        rows = admin.get(name, limit=1000)[1]["rows"]
        want = [r for r in rows if r[by] == word]
        found = admin.get(name, q=f"{by} == {word}", limit=1000)[1]["rows"]
        check(f"{name}: a filter", 0 < len(want) < len(rows)
              and [r["id"] for r in want] == [r["id"] for r in found],
              (len(want), len(found)))
        values = admin.get(name + "/facet", by=by, most=100)[1]["values"]
        counts = {v: [r[by] for r in rows].count(v)
                  for v in {r[by] for r in rows}}
        got = {v["value"]: v["count"] for v in values}
        # what was asked since is in the audit, too
        check(f"{name}: how often each value occurs",
              set(counts) <= set(got) and all(
                  got[v] >= n for v, n in counts.items())
              and [v["count"] for v in values] == sorted(
                  (v["count"] for v in values), reverse=True),
              (counts, got))
        t = admin.get(name + "/timeline", q=f"{by} == {word}",
                      **({"by": series} if series else {}))[1]
        sums = {s["name"]: sum(s["counts"]) for s in t["series"]}
        check(f"{name}: over time", t["complete"] and
              sums[word if series else "all"] >= len(want), (sums, len(want)))
        for q, offset in ((f"{by} = = x", None), ("nonsense == 1", 0),
                          (f"{by} ~ \"(\"", None)):
            status, body = admin.get(name, q=q)
            check(f"{name}: {q}: 400 with its place", status == 400
                  and (body["offset"] == offset or offset is None), body)
            answer = admin.get(name + "/check", q=q)[1]
            check(f"{name}: {q}: also when it is typed",
                  not answer["ok"] and answer["offset"] == body["offset"]
                  and answer["error"] == body["error"], answer)
        check(f"{name}: a good one", admin.get(
            name + "/check", q=f"{by} == {word}")[1] == {"ok": True})
    check("an unknown event is an error", admin.get(
        "web-sessions", q="event == LOGIN")[0] == 400)


def test_audit(server, admin):
    admin.get("calls", q='src == "909"')
    admin.get("calls", q='src == "909"')
    admin.get("calls/facet", by="src", q='dst == "904"')
    first = admin.get("sessions", limit=1)[1]
    admin.get("sessions", limit=1, cursor=first["cursor"])
    admin.get("messages", q="status == 486\t")
    admin.get("messages/3")
    admin.get("conversation", call_id="call-1")
    admin.ask("GET", "/api/v1/calls?format=csv")
    admin.ask("GET", "/api/v1/export?format=text")
    time.sleep(1)
    rows = admin.get("audit", limit=1000)[1]["rows"]
    did = [(r["actor"], r["action"], r["object"], r["detail"]) for r in rows]
    for what in [("admin", "list", "calls", 'src == "909"'),
                 ("admin", "list", "calls", 'dst == "904"'),
                 ("admin", "list", "sessions", ""),
                 ("admin", "search", "status == 486?", ""),
                 ("admin", "message.open", "3", ""),
                 ("admin", "conversation.open", "call-1", ""),
                 ("admin", "list.csv", "calls", ""),
                 ("admin", "export", "", "text"),
                 ("admin", "user.add", "vera", "viewer"),
                 ("admin", "user.role", "new", "operator"),
                 ("admin", "user.remove", "new", ""),
                 ("otto", "token.add", "ci", "operator"),
                 ("otto", "token.revoke", "ci", "otto")]:
        check(f"noted: {what}", did.count(what) == 1, did)
    check("with time and address", all(
        r["at"] and r["address"] == "127.0.0.1" for r in rows), rows[:3])
    check("what was refused is not", not [d for d in did if d[0] == "vera"
                                          and d[1].startswith("user")], did)
    found = admin.get(
        "audit", q='actor == admin and "CSV" and object == calls')[1]["rows"]
    check("words find", [r["action"] for r in found] == ["list.csv"], found)
    test_people_figures(admin)
    asc = admin.get("audit", order="asc", limit=1000)[1]["rows"]
    check("oldest first", [r["id"] for r in asc]
          == sorted(r["id"] for r in asc))
    body = admin.ask("GET", "/api/v1/audit?format=csv")[2]
    check("and as CSV", body.startswith(
        b"id,at,actor,action,object,detail,address\r\n"), body[:100])


def test_kill():
    """What was noted a second ago survives kill -9."""
    server = Server(10)
    admin = ready(server)
    admin.get("messages", q="status == 481")
    time.sleep(0.8)
    server.process.kill()
    server.process.communicate()
    check("the audit trail survives kill -9", server.db(
        "SELECT count(*) FROM audit_event WHERE object='status == 481'")
        == [(1,)])
    server.dir.cleanup()


def test_lock():
    with Server(10, lock_after=3, lock_ms=60000) as server:
        admin = ready(server)
        add(admin, "sara", "viewer")
        c = Client(server)
        got = [c.login("wrong", "sara")[0] for _ in range(4)]
        check("after so many failures locked",
              got == [401, 401, 401, 429], got)
        status, body, h = c.login(GOOD + "sara", "sara")
        check("also with the right password", status == 429
              and 50 < body["retry_after_s"] <= 60 and h["Retry-After"]
              and "unlock" in body["error"], body)
        check("others log in from there", c.login()[0] == 200)
        user = [u for u in admin.get("users")[1]["users"]
                if u["name"] == "sara"][0]
        check("the list of users shows it",
              user["locked_until"] and user["failures"] == 3, user)
        check("so does the audit trail", wait_for(lambda: admin.get(
            "audit", q='action == "user.lock" and object == sara')[1]["rows"]))
        check("an admin unlocks", admin.post(
            "users/sara", {"action": "unlock"})[0] == 200)
        check("and it is open", c.login(GOOD + "sara", "sara")[0] == 200)
        got = [c.login("wrong", "nobody")[0] for _ in range(4)]
        check("a name that nobody has is told alike",
              got == [401, 401, 401, 429], got)


def test_proxy():
    with Server(10, proxy="127.0.0.1", lock_after=3) as server:
        admin = ready(server)

        def event(forwarded, **more):
            c = Client(server)
            body = json.dumps({"name": "who", "password": "x"})
            headers = {"X-Earshot": "1", **more}
            if forwarded:
                headers["X-Forwarded-For"] = forwarded
            c.ask("POST", "/api/v1/login", body, headers)
            return admin.get("web-sessions", limit=1)[1]["rows"][0]["address"]
        for forwarded, want in [
                ("198.51.100.7", "198.51.100.7"),
                ("1.1.1.1, 198.51.100.8", "198.51.100.8"),
                ("1.1.1.1, 198.51.100.9, 127.0.0.1", "198.51.100.9"),
                ("evil, 2001:db8::7", "2001:db8::7"),
                ("1.1.1.1, evil", "127.0.0.1")]:
            got = event(forwarded)
            check(f"X-Forwarded-For {forwarded!r}: {want}",
                  got == want, got)
        c = Client(server)
        _, h, _ = c.ask("POST", "/api/v1/login", json.dumps(
            {"name": "admin", "password": GOOD}),
            {"X-Earshot": "1", "X-Forwarded-Proto": "https",
             "X-Forwarded-For": "198.51.100.70"})
        check("behind a TLS proxy the cookie is Secure, and TLS stays",
              "; Secure" in h["Set-Cookie"]
              and "Strict-Transport-Security" in h, dict(h))
    with Server(10, lock_after=3) as server:
        admin = ready(server)
        c = Client(server)
        c.ask("POST", "/api/v1/login", json.dumps(
            {"name": "n", "password": "x"}),
            {"X-Earshot": "1", "X-Forwarded-For": "198.51.100.7"})
        row = admin.get("web-sessions", limit=1)[1]["rows"][0]
        check("who is no trusted proxy is not believed",
              row["address"] == "127.0.0.1", row)
        c.login("x", "a\nb\u0007\u0085" + "c" * 200)
        row = admin.get("web-sessions", limit=1)[1]["rows"][0]
        check("a principal is one clean line, and cut",
              row["principal"] == "a?b???" + "c" * 58, row)
        pair = [r["event"] for r in admin.get(
            "web-sessions", q="principal == admin")[1]["rows"]]
        check("a log-in by hand is a pair", pair[-2:] ==
              ["SUCCESS", "SUCCESS_INTERACTIVE"], pair)


def test_metrics_door():
    for word, plain, forwarded in [("local", 200, 401), ("token", 401, 401),
                                   ("open", 200, 200), ("off", 404, 404)]:
        with Server(10, metrics=word) as server:
            c = Client(server)
            check(f"metrics = {word}: {plain}",
                  c.ask("GET", "/metrics")[0] == plain)
            check(f"metrics = {word}, by a proxy: {forwarded}", c.ask(
                "GET", "/metrics", None, {"X-Forwarded-For": "192.0.2.1"})[0]
                == forwarded)
            if word == "token":
                admin = ready(server)
                _, made = token(admin, name="prom", role="viewer",
                                scopes=["read"])
                check("by token", c.ask("GET", "/metrics", None, {
                    "Authorization": "Bearer " + made["token"]})[0] == 200)


def test_framing(server):
    """Two ends of a request: a proxy may take the other one."""
    second = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for head in (b"Content-Length: 0\r\nContent-Length: %d" % len(second),
                 b"Transfer-Encoding: xchunked",
                 b"Transfer-Encoding : chunked",
                 b"Content-Length: %d\r\nTransfer-Encoding: chunked"
                 % len(second)):
        got = b""
        with socket.create_connection(("127.0.0.1", server.port), 10) as s:
            s.sendall(b"POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\n"
                      + head + b"\r\n\r\n" + second)
            while part := s.recv(65536):
                got += part
        check(f"refused and closed: {head}", got.count(b"HTTP/1.1 ") == 1
              and b" 400 " in got[:40], got[:200])


def test_tls():
    with Server(10, tls=1) as server:
        check("TLS with a certificate of its own", server.tls)
        mode = os.stat(server.dir.name + "/console.key").st_mode & 0o777
        check("whose key is the owner's", mode == 0o600, oct(mode))
        for word, good in (("-tls1_2", True), ("-tls1_3", True),
                           ("-tls1_1", False)):
            p = subprocess.run(
                ["openssl", "s_client", word, "-cipher",
                 "DEFAULT:@SECLEVEL=0", "-connect",
                 f"127.0.0.1:{server.port}"],
                input="", capture_output=True, text=True, timeout=20)
            check(f"openssl s_client {word}: {good}",
                  ("BEGIN CERTIFICATE" in p.stdout) == good,
                  p.stdout[-300:] + p.stderr[-300:])
        c = Client(server)
        _, _, h = c.login(server.password)
        check("the cookie is Secure", "; Secure" in h["Set-Cookie"])


def main():
    with Server(1000, calls=1000) as server:
        admin = ready(server)
        viewer, operator = test_roles(server, admin)
        test_users(server, admin, viewer)
        test_lists(server, viewer)
        test_stories(operator)
        test_token_life(server, admin)
        test_tokens(server, admin, viewer, operator)
        test_audit(server, admin)
        test_framing(server)
    with Server(10) as server:
        status, body = ready(server).get("calls")
        check("without records the lists say so", status == 404
              and "records.keep" in body["error"], body)
    test_large_csv()
    test_stalled()
    test_kill()
    test_lock()
    test_proxy()
    test_metrics_door()
    test_tls()
    print(f"1..{len(api_test.results)}")
    return 0 if all(api_test.results) else 1


if __name__ == "__main__":
    sys.exit(main())
