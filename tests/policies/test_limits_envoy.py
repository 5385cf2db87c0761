"""Limits in a real Envoy: what is asked of whom, when nothing is asked, and what holds then."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx
import pytest
from envoy.service.auth.v3.external_auth_pb2 import CheckResponse

from policies.limits.counters import Alone, Shared, identity
from tests.e2e.process import free_port
from tests.e2e.upstream import Upstream
from tests.policies.limits_service import LimitsService, limits_service
from tests.policies.running_envoy import running_envoy

GATEWAY = """
version: 1
listen: {http: PORT, trustedHops: 1}
defaults:
  auth: none
  limits: [{per: ip, rate: 100/s}, {per: route, rate: 1k/min}, {per: global, rate: 1M/day}]
backends:
  echo: http://127.0.0.1:1
routes:
  - path: /inherited
    to: echo
  - path: /other
    methods: [GET]
    to: echo
  - path: /own
    limits: [{per: ip, rate: 5/s}]
    to: echo
  - path: /added
    limits: {add: [{per: ip, rate: 5/s}]}
    to: echo
  - path: /refused
    ip: {deny: [192.0.2.1]}
    to: echo
  - path: /unlimited
    limits: none
    to: echo
  - path: /moved
    redirect: {path: /own}
  - path: /fixed
    respond: {status: 204}
WHENDOWN
"""


@contextmanager
def gateway(
    folder: Path,
    port: int,
    when_down: str = "",
    text: str = GATEWAY,
    auth: int = 1,
) -> Iterator[httpx.Client]:
    own = free_port()
    text = text.replace("PORT", str(own)).replace("WHENDOWN", when_down)
    upstream = Upstream("echo")
    members = {"echo": upstream.port, "foregate:ratelimit": port, "foregate:extauthz": auth}
    try:
        with (
            running_envoy(text, folder, members),
            httpx.Client(base_url=f"http://127.0.0.1:{own}") as client,
        ):
            yield client
    finally:
        upstream.end()


@pytest.fixture(scope="module")
def counting() -> Iterator[LimitsService]:
    with limits_service() as made:
        yield made


@pytest.fixture
def service(counting: LimitsService) -> LimitsService:
    counting.calls.clear()
    counting.over = False
    return counting


@pytest.fixture(scope="module")
def client(
    counting: LimitsService, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    with gateway(tmp_path_factory.mktemp("envoy"), counting.port) as made:
        yield made


def of_defaults(per: str, unit: str) -> tuple[str, str]:
    return "limit", identity(Shared(file="gateway.yaml"), per, unit)


def of_route(path: str, per: str, unit: str) -> tuple[str, str]:
    return "limit", identity(Alone(hosts=("*",), path=path), per, unit)


def asked(service: LimitsService, client: httpx.Client, path: str, address: str) -> object:
    """What one request makes Envoy ask; the only call, in our domain."""
    service.calls.clear()
    answer = client.get(path, headers={"x-forwarded-for": address})
    assert answer.status_code == 200
    ((domain, found),) = service.calls
    assert domain == "foregate"
    return found


def test_inherited_limits_are_one_counter_and_a_route_is_told_by_its_rule(
    service: LimitsService, client: httpx.Client
) -> None:
    first = asked(service, client, "/inherited", "192.0.2.1")
    other = asked(service, client, "/other", "192.0.2.1")
    rules = []
    for found in (first, other):
        by_ip, by_route, by_all = found  # type: ignore[misc] # that there are three is tested
        assert by_ip == (of_defaults("ip", "s"), ("masked_remote_address", "192.0.2.1/32"))
        assert by_route[0] == of_defaults("route", "min")
        assert by_all == (of_defaults("global", "day"),)
        rules.append(by_route[1])
    assert rules[0] != rules[1]
    assert all(key == "value" and rule.startswith("r-") for key, rule in rules)


def test_a_route_counts_its_own_and_may_keep_the_inherited(
    service: LimitsService, client: httpx.Client
) -> None:
    address = ("masked_remote_address", "192.0.2.1/32")
    assert asked(service, client, "/own", "192.0.2.1") == ((of_route("/own", "ip", "s"), address),)
    added = asked(service, client, "/added", "192.0.2.1")
    assert isinstance(added, tuple)
    assert [d[0] for d in added] == [
        of_defaults("ip", "s"),
        of_defaults("route", "min"),
        of_defaults("global", "day"),
        of_route("/added", "ip", "s"),
    ]


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
    ],
)
def test_an_address_is_counted_by_64_bits_of_ipv6(
    service: LimitsService, client: httpx.Client, address: str, masked: str
) -> None:
    found = asked(service, client, "/own", address)
    assert found == ((of_route("/own", "ip", "s"), ("masked_remote_address", masked)),)


@pytest.mark.parametrize(
    ("path", "status"), [("/unlimited", 200), ("/moved", 302), ("/fixed", 204), ("/none", 404)]
)
def test_nothing_is_asked_without_limits(
    service: LimitsService, client: httpx.Client, path: str, status: int
) -> None:
    service.over = True
    assert client.get(path).status_code == status
    assert service.calls == []


def test_who_is_refused_by_address_charges_nothing(
    service: LimitsService, client: httpx.Client
) -> None:
    assert client.get("/refused", headers={"x-forwarded-for": "192.0.2.1"}).status_code == 403
    assert service.calls == []


def test_over_the_limit(service: LimitsService, client: httpx.Client) -> None:
    service.over = True
    answer = client.get("/own")
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "7"
    assert "x-envoy-ratelimited" not in answer.headers
    told = answer.json()
    assert (told["title"], told["status"]) == ("Too Many Requests", 429)
    assert told["rule"].startswith("r-")


@pytest.mark.parametrize(
    ("when_down", "status"),
    [("", 503), ("whenDown: {limits: deny}", 503), ("whenDown: {limits: allow}", 200)],
)
def test_without_the_service(tmp_path: Path, when_down: str, status: int) -> None:
    with gateway(tmp_path, free_port(), when_down) as client:
        answer = client.get("/own")
        assert answer.status_code == status
        if status == 503:
            assert answer.json()["title"] == "Service Unavailable"
        assert client.get("/unlimited").status_code == 200


def test_a_service_that_stalls_is_waited_for_briefly(tmp_path: Path) -> None:
    with limits_service() as service:
        service.stalled = True
        with gateway(tmp_path, service.port) as client:
            assert client.get("/own").status_code == 503
            assert len(service.calls) == 1


ASKING = """
version: 1
listen: {http: PORT, trustedHops: 1}
identities:
  keys: {apiKey: {header: x-api-key}}
backends:
  echo: http://127.0.0.1:1
routes:
  - path: /own
    auth: keys
    limits: [{per: user, rate: 5/s}, {per: consumer, rate: 5/s}, {per: ip, rate: 5/s}]
    to: echo
"""


@contextmanager
def admitting(metadata: dict[str, str]) -> Iterator[int]:
    """Lets everybody pass, and says this of them, as extauthz does."""
    answer = CheckResponse()
    answer.ok_response.SetInParent()
    answer.dynamic_metadata.update(metadata)
    handler = grpc.unary_unary_rpc_method_handler(
        lambda _request, _context: answer.SerializeToString()
    )
    name = "envoy.service.auth.v3.Authorization"
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(name, {"Check": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()


def test_who_asks_is_counted_after_all_else_and_nobody_in_one_bucket(tmp_path: Path) -> None:
    with (
        limits_service() as service,
        admitting({"user": "=ann"}) as auth,
        gateway(tmp_path, service.port, text=ASKING, auth=auth) as client,
    ):
        assert client.get("/own", headers={"x-forwarded-for": "192.0.2.1"}).status_code == 200
        assert service.calls == [
            (
                "foregate",
                ((of_route("/own", "ip", "s"), ("masked_remote_address", "192.0.2.1/32")),),
            ),
            (
                "foregate",
                (
                    (of_route("/own", "user", "s"), ("value", "=ann")),
                    (of_route("/own", "consumer", "s"), ("value", "-")),
                ),
            ),
        ]


def test_who_is_not_admitted_has_paid_the_first_group_alone(tmp_path: Path) -> None:
    with (
        limits_service() as service,
        gateway(tmp_path, service.port, text=ASKING, auth=free_port()) as client,
    ):
        assert client.get("/own").status_code == 503
        assert len(service.calls) == 1
