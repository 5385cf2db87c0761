"""Gateway files for the benches, as large as asked for."""

from collections.abc import Iterator

from controlplane.sources import SourceFile

HEAD = """\
version: 1
listen: {{http: {port}}}
"""
DEFAULTS = """\
defaults:
  auth: none
  timeout: 3s
  retry: {attempts: 2, codes: [502, 503], perTry: 1s}
  request: {set: {x-gateway: edge}, remove: [x-internal]}
  response: {remove: [server]}
"""


def folder(routes: int, files: int) -> tuple[SourceFile, ...]:
    """`routes` mixed routes spread over `files` files, each with a host and backends of its own."""
    return tuple(_files(routes // files, files))


def _files(each: int, files: int) -> Iterator[SourceFile]:
    for number in range(files):
        head = HEAD.format(port=8080) if number == 0 else ""
        name = "gateway.yaml" if number == 0 else f"team-{number}.yaml"
        text = f"{head}hosts: [team-{number}.example.com]\n{DEFAULTS}{_backends(number)}"
        text += "routes:\n" + "".join(_route(number, n) for n in range(each))
        yield SourceFile(name=name, data=text.encode())


def _backends(number: int) -> str:
    return f"""\
backends:
  users-{number}: http://users-{number}.internal:8080
  orders-{number}: {{endpoints: [10.0.0.1:80, 10.0.0.2:80], balance: leastRequest}}
"""


def _route(number: int, n: int) -> str:
    kind = n % 4
    if kind == 0:
        return f"""\
  - path: /v1/things-{n}/**
    to: users-{number}
"""
    if kind == 1:
        return f"""\
  - path: /v1/things-{n}/{{id}}/parts
    methods: [GET, POST]
    headers: {{x-api-version: "2"}}
    timeout: 1s
    retry: {{attempts: 1}}
    request:
      set: {{x-team: team-{number}, x-route: "{n}"}}
    rewrite: {{path: "/parts/{{id}}"}}
    to: orders-{number}
"""
    if kind == 2:
        return f"""\
  - path: /v1/things-{n}
    query: {{beta: "true"}}
    response: {{set: {{x-route: "{n}"}}}}
    to: {{users-{number}: 90, orders-{number}: 10}}
"""
    return f"""\
  - path: "/old/things-{n}/{{rest=**}}"
    redirect: {{path: "/v1/things-{n}/{{rest}}", code: 308}}
"""
