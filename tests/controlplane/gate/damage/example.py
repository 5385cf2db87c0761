"""The gateway that is damaged: two files, several hosts, every policy that leaves a trace."""

from controlplane.build import Build, Options, build
from controlplane.plan.plan import MethodNotAllowed, PlannedRoute
from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES, Snapshot, Subject
from controlplane.sources import SourceFile

GATEWAY = """\
version: 1
listen: {http: 8080}
hosts: [api.example.com, "*.example.com"]
identities:
  idp: {issuer: "https://idp.example.com", audience: shop}
  keys: {apiKey: {header: x-api-key}}
consumers:
  bob: {key: "sha256:0000000000000000000000000000000000000000000000000000000000000001"}
defaults:
  auth: idp
  timeout: 3s
  retry: {attempts: 2, codes: [503]}
  limits: [{per: user, rate: 100/s}]
backends:
  users: {endpoints: ["10.0.0.1:80", "10.0.0.2:80"], health: {path: /healthz}}
  search: {endpoints: ["10.0.1.1:9200"], balance: leastRequest, caps: {connections: 10}}
  secure: https://secure.example.com
  named: http://named.internal:8080
routes:
  - {path: "/users/{id}", to: users, rewrite: {path: "/people/{id}"}}
  - {path: /users, methods: [GET], to: users}
  - {path: /search/**, auth: none, limits: [{per: ip, rate: 10/s}], to: search}
  - {path: /mixed, to: {users: 90, search: 10}}
  - {path: /secure/**, ip: {allow: [10.0.0.0/8]}, request: {set: {x-a: b}}, to: secure}
  - {path: /named, auth: none, limits: none, to: named}
  - path: /shared
    auth: none
    limits: none
    cors: {origins: ["https://shop.example.com"]}
    to: search
  - {path: /asked, methods: [POST], auth: none, limits: none, to: search}
  - path: /asked
    auth: none
    limits: none
    cors: {origins: ["https://shop.example.com"], credentials: true}
    to: search
  - {path: /live, methods: [GET], auth: none, limits: none, websocket: true, to: search}
  - {path: /live, methods: [POST], auth: none, limits: none, to: search}
  - {path: /up, auth: none, limits: none, respond: {status: 200, body: up}}
  - {path: "/old/{rest=**}", auth: none, limits: none, redirect: {path: "/new/{rest}", code: 308}}
"""

ORDERS = """\
hosts: [orders.example.com]
defaults: {auth: keys}
backends:
  orders: {endpoints: ["10.0.2.1:80"], outlierDetection: {consecutive5xx: 3}}
routes:
  - {path: /orders/**, limits: [{per: consumer, rate: 5/s}], to: orders}
  - {path: /, auth: none, to: orders}
"""


def example() -> Build:
    """The whole, without a mistake."""
    files = (("gateway.yaml", GATEWAY), ("orders.yaml", ORDERS))
    sources = tuple(SourceFile(name=name, data=text.encode()) for name, text in files)
    built = build(sources, Options(loopback=True, trust_store=TRUST))
    assert built.snapshot is not None, built.mistakes
    return built


TRUST = "/etc/ssl/certs/ca-certificates.crt"

WHOLE = example()


def good() -> Snapshot:
    """Its snapshot."""
    assert WHOLE.snapshot is not None
    return WHOLE.snapshot


TABLE = "http"
API, ORDERS_HOST = "api.example.com", "orders.example.com"


def front(whole: Snapshot) -> str:
    """The name of the only listener: its port is in it."""
    (name,) = whole.of(LISTENER)
    return name


def host(name: str) -> Subject:
    """A virtual host, by its first domain."""
    assert WHOLE.plan is not None
    (found,) = (h.name for h in WHOLE.plan.hosts if name in h.domains)
    return Subject(ROUTES, TABLE, found)


def route(path: str, of: str = API, methods: tuple[str, ...] | None = None) -> Subject:
    """A route, by its path, and by its methods where several have that."""
    assert WHOLE.plan is not None
    (one,) = (h for h in WHOLE.plan.hosts if of in h.domains)
    routes = (e for e in one.entries if isinstance(e, PlannedRoute) and e.route.path.text == path)
    (rule,) = (e.rule for e in routes if methods is None or e.route.match.methods == methods)
    return Subject(ROUTES, TABLE, f"{one.name}/{rule}")


def not_allowed(path: str, of: str = API) -> Subject:
    """What answers the methods that no route of a path takes."""
    assert WHOLE.plan is not None
    (one,) = (h for h in WHOLE.plan.hosts if of in h.domains)
    others = (e for e in one.entries if isinstance(e, MethodNotAllowed))
    (rule,) = (e.rule for e in others if e.path.text == path)
    return Subject(ROUTES, TABLE, f"{one.name}/{rule}")


def cluster(name: str) -> Subject:
    """A backend's cluster."""
    return Subject(CLUSTER, name)


def endpoints(name: str) -> Subject:
    """A backend's endpoints."""
    return Subject(ENDPOINTS, name)


def listener() -> Subject:
    """The only listener."""
    return Subject(LISTENER, front(good()))


def table() -> Subject:
    """The only table."""
    return Subject(ROUTES, TABLE)
