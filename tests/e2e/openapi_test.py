#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The document of the API against the running server: every route is in both,
every parameter is taken, every answer is of its schema; metrics are of their
format, and the dashboard asks for those that there are:
openapi_test.py CONSOLE-FIXTURE"""
import json
import math
import os
import re
import sys
import urllib.parse

import api_test
from api_test import Client, Server, check, ready

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

KINDS = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float))
    and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}
KNOWN = {"type", "properties", "required", "additionalProperties", "items",
         "enum", "description", "minimum", "maximum", "default", "format",
         "$ref"}


def faults(doc, schema, value, at="$"):
    """What is wrong with a value, as far as our document says it."""
    if not set(schema) <= KNOWN:
        return [f"{at}: the checker does not know {set(schema) - KNOWN}"]
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return faults(doc, doc["components"]["schemas"][name], value, at)
    kinds = schema.get("type")
    if kinds:
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if not any(KINDS[k](value) for k in kinds):
            return [f"{at}: {value!r:.80} is no {kinds}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r:.80} is none of {schema['enum']}"]
    found = []
    if isinstance(value, dict):
        members = schema.get("properties", {})
        more = schema.get("additionalProperties", True)
        for name in schema.get("required", []):
            if name not in value:
                found.append(f"{at}: {name} is missing")
        for name, v in value.items():
            if name in members:
                found += faults(doc, members[name], v, f"{at}.{name}")
            elif not more:
                found.append(f"{at}: {name} is not in the document")
    if isinstance(value, list) and "items" in schema:
        for i, v in enumerate(value):
            found += faults(doc, schema["items"], v, f"{at}[{i}]")
    return found


def test_checker():
    doc = {"components": {"schemas": {"N": {"type": "integer"}}}}
    schema = {"type": "object", "properties": {
        "a": {"$ref": "#/components/schemas/N"},
        "b": {"type": "array", "items": {"type": ["string", "null"]}}},
        "required": ["a"], "additionalProperties": False}
    for value, good in [({"a": 1}, True), ({"a": True}, False),
                        ({"a": 1, "b": ["x", None]}, True),
                        ({"a": 1, "b": [1]}, False), ({}, False), ([], False),
                        ({"a": 1, "c": 1}, False)]:
        check(f"the checker: {value}",
              (not faults(doc, schema, value)) == good)


def routes():
    """(method, path) of src/console/routes.c"""
    with open(ROOT + "/src/console/routes.c") as f:
        text = f.read()
    return set(re.findall(r'\{"(GET|POST)",\s*"([^"]+)"', text))


def route_of(path, method, table):
    """The route that answers a path of the document."""
    plain = re.sub(r"\{[^}]*\}.*", "", path)
    if (method, plain) in table:
        return method, plain
    head = plain[:plain.rfind("/") + 1]
    return (method, head) if (method, head) in table else None


def test_routes(doc):
    table = routes()
    check("routes were read", len(table) > 35, table)
    covered = {("GET", "/")}
    for path, methods in doc["paths"].items():
        for method in methods:
            route = route_of(path, method.upper(), table)
            check(f"{method} {path} has a route", route, path)
            covered.add(route)
    check("every route is in the document", covered >= table, table - covered)


def example(c, path):
    """A path with its parameters filled in."""
    def first(list_, key="id"):
        return str(c.get(list_, limit=1)[1]["rows"][0][key])
    ids = {"/api/v1/messages/{id}": lambda: "3",
           "/api/v1/accounts/{id}": lambda: first("accounts"),
           "/api/v1/calls/{id}": lambda: first("calls")}
    return re.sub(r"\{[^}]*\}", lambda _: ids[path](), path)


def judge(doc, op, status, headers, body):
    """Faults of an answer to a GET."""
    answers = op["responses"]
    answer = answers.get(str(status), answers["default"])
    kind = headers["Content-Type"].split(";")[0]
    if kind != "application/json":
        kinds = answer["content"]
        return [] if kind in kinds or "application/octet-stream" in kinds \
            else [f"{kind} is not one of {list(kinds)}"]
    schema = answer["content"].get("application/json", {}).get("schema")
    if schema is None:
        return ["JSON is not in the document"]
    return faults(doc, schema, json.loads(body))


def test_answers(doc, c):
    skip = {"/api/v1/follow", "/api/v1/traces", "/api/v1/mirrors"}
    for path, methods in doc["paths"].items():
        op = methods.get("get")
        if not op or path in skip:
            continue
        url = example(c, path)
        needed = {p["name"]: p.get("example", "call-1")
                  for p in op["parameters"]
                  if p.get("required") and p["in"] == "query"}
        query = [p for p in op["parameters"] if p["in"] == "query"]
        for p in [None] + query:
            args = dict(needed)
            if p and p["name"] != "cursor":
                args[p["name"]] = p.get("example", args.get(p["name"]))
            status, headers, body = c.ask(
                "GET", url + ("?" + urllib.parse.urlencode(args)
                              if args else ""))
            bad = judge(doc, op, status, headers, body)
            check(f"GET {path} {args or ''}: 200 and of its schema",
                  status == 200 and not bad, (status, bad[:5], body[:300]))
        for bad, why in (("nope=1", "there is no parameter 'nope'"),
                         *((f"{p['name']}=1&{p['name']}=1",
                            p["name"] + " stands there twice")
                           for p in query[:1])):
            status, headers, body = c.ask("GET", f"{url}?{bad}")
            check(f"GET {path}?{bad}: 400 that names it",
                  status == 400 and why in body.decode(), (status, body))
        for name in needed:
            less = {k: v for k, v in needed.items() if k != name}
            status, headers, body = c.ask(
                "GET", url + "?" + urllib.parse.urlencode(less))
            check(f"GET {path} without {name}: 400", status == 400, body)
        for p in query:
            words = p["schema"].get("enum")
            if words and p["name"] not in ("failures",):
                status, _, body = c.ask("GET", url + "?" +
                                        urllib.parse.urlencode(
                                            {**needed, p["name"]: "nope"}))
                check(f"GET {path}?{p['name']}=nope: 400", status == 400,
                      body)


def test_roles(doc, c):
    outside = Client(c.server)
    for path, methods in doc["paths"].items():
        for method, op in methods.items():
            url = re.sub(r"\{[^}]*\}", "1", path)
            headers = {"X-Earshot": "1"} if method == "post" else {}
            if path == "/metrics":
                continue  # the machine itself may
            status = outside.ask(method.upper(), url,
                                 "{}" if method == "post" else None,
                                 headers)[0]
            check(f"{method} {path} without a log-in",
                  (status == 401) == (op["x-role"] != "none"), status)


def test_posts(doc, c):
    for path, body, want in [
            ("users", {"name": "eva", "role": "viewer"}, 200),
            ("users/{name}:eva", {"action": "password"}, 200),
            ("tokens", {"name": "t", "scopes": ["read"], "expires": "1d"},
             200),
            ("tokens/{id}:1", {"action": "revoke"}, 200),
            ("users/{name}:eva", {"action": "remove"}, 200),
            ("users", {"nam": 1}, 400), ("users", [], 400)]:
        path, _, name = path.partition(":")
        op = doc["paths"]["/api/v1/" + path]["post"]
        status, out, _ = c.post(re.sub(r"\{.*\}", name, path), body)
        answers = op["responses"]
        schema = answers.get(str(status), answers["default"])["content"][
            "application/json"]["schema"]
        bad = faults(doc, schema, out)
        check(f"POST {path} {body}: {want} and of its schema",
              status == want and not bad, (status, bad, out))
        if status == 200:
            asked = op["requestBody"]["content"]["application/json"]["schema"]
            check("its body, too", not faults(doc, asked, body),
                  faults(doc, asked, body))


SAMPLE = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*)'
    r'(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})?'
    r' (-?[0-9.]+(?:e[+-]?[0-9]+)?|[+-]Inf|NaN)$')


def parse_metrics(text):
    """{name: (type, {labels: value})} of text format 0.0.4; raises ValueError
    for what a strict reader refuses."""
    families, current = {}, None
    if not text.endswith("\n"):
        raise ValueError("no newline at the end")
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            current = line.split(" ")[2]
            if current in families:
                raise ValueError(f"{current} twice")
            families[current] = [None, {}]
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            if name != current or families[name][0] or families[name][1]:
                raise ValueError(f"TYPE of {name} out of its place")
            if kind not in ("counter", "gauge"):
                raise ValueError(kind)
            families[name][0] = kind
        else:
            m = SAMPLE.match(line)
            if not m or m.group(1) != current:
                raise ValueError(f"line {line!r}")
            labels = m.group(2) or ""
            if labels in families[current][1]:
                raise ValueError(f"{line!r} twice")
            value = float(m.group(3))
            if math.isnan(value) or (
                    families[current][0] == "counter" and value < 0):
                raise ValueError(f"value in {line!r}")
            families[current][1][labels] = value
    for name, (kind, samples) in families.items():
        if not samples or not kind:
            raise ValueError(f"{name} is empty")
        if (kind == "counter") != name.endswith("_total"):
            raise ValueError(f"{name} is a {kind}")
    return families


def metrics_of(c):
    status, headers, body = c.ask("GET", "/metrics")
    check("metrics are text 0.0.4", status == 200 and "version=0.0.4" in
          headers["Content-Type"], dict(headers))
    try:
        return parse_metrics(body.decode())
    except ValueError as e:
        check("metrics parse", False, str(e))
        return {}


def documented():
    """Names that docs/metrics.md has in its tables."""
    with open(ROOT + "/docs/metrics.md") as f:
        return set(re.findall(r"^\| `(earshot_\w+)", f.read(), re.M))


def test_metrics(c):
    got = metrics_of(c)
    check("there are metrics", len(got) > 5, list(got))
    names = documented()
    check("each is in docs/metrics.md", set(got) <= names, set(got) - names)
    with open(ROOT + "/packaging/grafana/earshot.json") as f:
        board = f.read()
    asked = set(re.findall(r"earshot_\w+", "\n".join(
        t["expr"] for panel in json.loads(board)["panels"]
        for t in panel.get("targets", []))))
    check("the dashboard asks for metrics", len(asked) > 10, asked)
    check("and all of them are documented", asked <= names, asked - names)
    ids = [p["id"] for p in json.loads(board)["panels"]]
    check("its panels have numbers of their own", len(ids) == len(set(ids)))
    before = got["earshot_console_answers_total"][1]['status="4xx"']
    c.get("nothing")
    after = metrics_of(c)["earshot_console_answers_total"][1]['status="4xx"']
    check("answers are counted", after == before + 1, (before, after))
    for text in ("a 1", "# HELP a x\n# TYPE a gauge\na{b=\"\"c\"} 1\n",
                 "# HELP a x\n# TYPE a gauge\na 1\na 1\n",
                 "# HELP a x\n# TYPE a counter\na 1\n",
                 "# HELP a x\n# TYPE a gauge\nb 1\n"):
        try:
            parse_metrics(text)
            check(f"the reader refuses {text!r}", False)
        except ValueError:
            check(f"the reader refuses {text!r}", True)


def main():
    test_checker()
    with Server(1000, calls=1000) as server:
        c = ready(server)
        status, doc = Client(server).get("openapi.json")
        check("the document is served without a log-in", status == 200
              and doc["openapi"] == "3.1.0")
        with open(ROOT + "/docs/openapi.json") as f:
            check("it is that of docs", doc == json.load(f))
        test_routes(doc)
        test_answers(doc, c)
        test_roles(doc, c)
        test_posts(doc, c)
        test_metrics(c)
    print(f"1..{len(api_test.results)}")
    return 0 if all(api_test.results) else 1


if __name__ == "__main__":
    sys.exit(main())
