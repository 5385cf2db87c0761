"""The gateway that is damaged, as a fleet serves it: who stands behind it, and what it is asked."""

import itertools
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import trustme

from controlplane.seen.page import FleetRecord, as_json
from foregate.applying.change import Result
from tests.controlplane.gate.damage.damage import Damage
from tests.controlplane.gate.damage.example import GATEWAY, ORDERS
from tests.e2e.control import Control, controlling, whole
from tests.e2e.fleet import Fleet, hash_of, until
from tests.e2e.ledger import Credential, Load
from tests.e2e.upstream import Upstream

API, ORDERS_HOST = "api.example.com", "orders.example.com"
KEY = "fg_bob_0123456789abcdef"
ADMINS = ("admin", "admin-2", "admin-3")
OPEN = {
    API: "  - {path: /**, auth: none, limits: none, to: named}\n",
    ORDERS_HOST: "  - {path: /**, auth: none, to: orders}\n",
}
"""Routes for all that no other takes, and for everybody."""

MARK = {
    API: "  - {path: /mark, auth: none, limits: none, respond: {status: 200, body: @mark@}}\n",
    ORDERS_HOST: "  - {path: /mark, auth: none, respond: {status: 200, body: @mark@}}\n",
}

REAL = {
    "{http: 8080}": '{http: "127.0.0.1:@http@"}',
    "https://idp.example.com": "http://127.0.0.1:@issuer@",
    f"sha256:{1:064}": hash_of(KEY),
    "10.0.0.1:80": "127.0.0.1:@echo@",
    "10.0.0.2:80": "127.0.0.1:@echo-2@",
    "10.0.1.1:9200": "127.0.0.1:@echo@",
    "10.0.2.1:80": "127.0.0.1:@echo@",
    "https://secure.example.com": "https://localhost:@secure@",
    "http://named.internal:8080": "http://localhost:@echo@",
    "10.0.0.0/8": "127.0.0.0/8",
    "rate: 100/s": "rate: 100000/s",
    "rate: 10/s": "rate: 100000/s",
    "rate: 5/s": "rate: 100000/s",
}
"""What in the example is of others, and who stands for it here. No limit is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, and what it gets while its route is as it is written.

    `served`: a service is asked about it, and where that is late, it gets 503.
    """

    path: str
    status: int = 200
    host: str = API
    user: bool = False
    served: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)


ASKED = (
    Asked(path="/users/7", user=True, served=True),
    Asked(path="/users", user=True, served=True),
    Asked(path="/users", status=401, served=True),
    Asked(path="/search/shoes", served=True),
    Asked(path="/mixed", user=True, served=True),
    Asked(path="/secure/it", user=True, served=True),
    Asked(path="/named"),
    Asked(path="/up"),
    Asked(path="/old/place", status=308),
    Asked(path="/orders/1", host=ORDERS_HOST, served=True, headers={"x-api-key": KEY}),
    Asked(path="/orders/1", host=ORDERS_HOST, status=401, served=True),
    Asked(path="/", host=ORDERS_HOST),
    Asked(path="/nothing", host="other.example.com", status=404),
)


@dataclass(slots=True, kw_only=True)
class Stand:
    """The fleet with its control plane; `marks` are what the last save says in each host."""

    fleet: Fleet
    control: Control
    client: httpx.Client
    token: str
    numbers: Iterator[int] = field(default_factory=itertools.count)
    marks: Mapping[str, str] = field(default_factory=dict)

    def save(self, *without: str, opened: bool = False) -> None:
        """Save the gateway with new marks, `without` the lines that hold these.

        `opened`: with routes behind all others.
        """
        number = next(self.numbers)
        self.marks = {host: f"mark-{number}-{host}" for host in (API, ORDERS_HOST)}
        texts = {}
        for host, text in ((API, GATEWAY), (ORDERS_HOST, ORDERS)):
            lines = real(text).splitlines(keepends=True)
            kept = [line for line in lines if not any(one in line for one in without)]
            mark = MARK[host].replace("@mark@", self.marks[host])
            texts[host] = "".join((*kept, mark, OPEN[host] if opened else ""))
        (self.fleet.files / "orders.yaml").write_text(self.fleet.filled(texts[ORDERS_HOST]))
        self.fleet.write(texts[API])

    def bring(self, damage: Damage | None = None) -> Result:
        """Bring what is saved to the Envoys, damaged after it was compiled."""
        return self.control.bring(damage.apply if damage else whole)

    def has(self, host: str) -> list[bool]:
        """Say of each Envoy whether it has the mark of a host, by what it says itself."""
        ports = [self.fleet.ports[name] for name in ADMINS]
        pages = [
            f"http://127.0.0.1:{port}/config_dump?resource=dynamic_route_configs" for port in ports
        ]
        return [self.marks[host] in self.client.get(page).text for page in pages]

    def late(self) -> int:
        """How often a service was late, on a machine that does too much, as the Envoys count it.

        Its own end of a call may be the first to say that the time is up: that is no timeout of
        Envoy's, and an error of the filter all the same.
        """
        stats = "stats?filter=^http.http.ext_authz.error$|^cluster.*[.]ratelimit[.]error$"
        ports = [self.fleet.ports[name] for name in ADMINS]
        pages = [self.client.get(f"http://127.0.0.1:{port}/{stats}").text for port in ports]
        return sum(int(line.partition(": ")[2]) for page in pages for line in page.splitlines())

    def page(self) -> FleetRecord:
        """What is shown."""
        return as_json(self.control.publisher.fleet(), 0, self.control.applier.served)

    def get(self, asked: Asked) -> httpx.Response:
        """Ask once, or again where a service was late."""
        late = self.late() if asked.served else 0
        answer = self.client.get(asked.path, headers=self.headers(asked))
        if asked.served and answer.status_code == 503 and self.late() > late:
            return self.get(asked)
        return answer

    def headers(self, asked: Asked) -> dict[str, str]:
        """What a request carries."""
        user = {"authorization": f"Bearer {self.token}"} if asked.user else {}
        return {"host": asked.host, **asked.headers, **user}

    def load(self, asked: Asked) -> Load:
        """Ask all the time."""
        passes = asked.status == 200
        one = Credential(kind=asked.path, may_pass=passes, headers=self.headers(asked))
        return Load(
            host="127.0.0.1",
            port=self.fleet.ports["http"],
            credentials=[one],
            path=asked.path,
            rate=10,
            connections=3,
        )


@contextmanager
def standing(folder: Path) -> Iterator[Stand]:
    """Three Envoys, one of which speaks the older variant of xDS, with all that they need."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    authority.issue_cert("localhost").configure_cert(context)
    upstreams = {"echo-2": Upstream("echo-2"), "secure": Upstream("secure", context)}
    fleet = Fleet(folder, "", ports={name: one.port for name, one in upstreams.items()})
    fleet.older.add("envoy-3")
    (fleet.files / "orders.yaml").write_text(fleet.filled(real(ORDERS)))
    fleet.write(real(GATEWAY))
    try:
        fleet.start("redis", "issuer", "extauthz", "ratelimit")
        with (
            controlling(fleet, folder / "authority.pem") as control,
            httpx.Client(base_url=fleet.base, timeout=5) as client,
        ):
            fleet.start("envoy", "envoy-2", "envoy-3")
            token = fleet.token(sub="bob", aud="shop")
            made = Stand(fleet=fleet, control=control, client=client, token=token)
            until("five nodes are live", lambda: made.page()["summary"]["live"] == 5)
            for asked in ASKED:
                fleet.answers(asked.path, asked.status, made.headers(asked))
            yield made
    finally:
        fleet.end()
        for one in upstreams.values():
            one.end()


def real(text: str) -> str:
    """A text of the example as it can be served here."""
    for old, new in REAL.items():
        text = text.replace(old, new)
    return text
