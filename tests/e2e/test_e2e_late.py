"""One or both instances of a service stand still while a version with new policy is saved.

Who is late is not called any more, so nobody waits for it; with all of them late nothing helps,
and that is told.
"""

import time
from collections.abc import Iterator

import pytest

from tests.e2e.fleet import Fleet, hash_of, until
from tests.e2e.ledger import Credential, Load, running, wait_for_more

pytestmark = pytest.mark.xdist_group("late")

KEY = "fg_acme_0123456789abcdef"
BOTH = frozenset({"extauthz", "extauthz-2"})


def gateway(scope: str) -> str:
    """A gateway whose guarded route wants a scope; acme has `read` alone."""
    return f"""\
version: 1
listen: {{http: "127.0.0.1:@http@"}}
identities: {{keys: {{apiKey: {{header: x-api-key}}}}}}
consumers: {{acme: {{keys: [{{hash: "{hash_of(KEY)}", scopes: [read]}}]}}}}
backends: {{echo: "http://127.0.0.1:@echo@"}}
routes:
  - {{path: /guarded, auth: {{anyOf: [keys], scopes: [{scope}]}}, to: echo}}
"""


@pytest.fixture
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    made = Fleet(tmp_path_factory.mktemp("fleet"), gateway("read"))
    made.start("controlplane", *sorted(BOTH), "envoy")
    try:
        until("both are endpoints", lambda: endpoints(made) == BOTH)
        made.answers("/guarded", 200, headers={"x-api-key": KEY})
        yield made
    finally:
        made.end()


def endpoints(fleet: Fleet) -> set[str]:
    """The instances that Envoy calls."""
    said = fleet.asked("admin", "/clusters")[1]
    return {name for name in BOTH if f"/{name}.sock::" in said}


def load(fleet: Fleet) -> Load:
    acme = Credential(kind="acme", may_pass=True, headers={"x-api-key": KEY})
    port = fleet.ports["http"]
    return Load(host="127.0.0.1", port=port, credentials=[acme], path="/guarded", connections=8)


def test_one_of_two_is_late(fleet: Fleet) -> None:
    with running(load(fleet)) as ledger:
        wait_for_more(ledger, 20)
        fleet.stall("extauthz-2")
        fleet.write(gateway("write"))
        control = fleet.running["controlplane"]
        control.wait_for("service is late")
        control.wait_for('"live"')
        until("it is called no more", lambda: endpoints(fleet) == {"extauthz"})
        since = time.monotonic()
        wait_for_more(ledger, 100)
        assert set(ledger.between(since, time.monotonic()).statuses()) == {403}
        fleet.resume("extauthz-2")
        until("it is called again", lambda: endpoints(fleet) == BOTH)
        wait_for_more(ledger, 100)
        assert set(ledger.between(since, time.monotonic()).statuses()) == {403}
        since = time.monotonic()
        fleet.apply(gateway("read"))  # nobody is late: it does not take seconds
        until("it is live", lambda: 200 in ledger.between(since, time.monotonic()).statuses())
        assert set(ledger.between(since, time.monotonic()).statuses()) == {200, 403}
    assert not ledger.lost()


def test_both_are_late(fleet: Fleet) -> None:
    for name in BOTH:
        fleet.stall(name)
    fleet.write(gateway("write"))
    control = fleet.running["controlplane"]
    alarm = control.wait_for("too many instances are late to leave them out")
    assert '"level": "error"' in alarm
    control.wait_for('"live"')
    assert endpoints(fleet) == BOTH
    assert fleet.status("/guarded", {"x-api-key": KEY}) == 503
    for name in BOTH:
        fleet.resume(name)
    fleet.answers("/guarded", 403, headers={"x-api-key": KEY})
    assert endpoints(fleet) == BOTH
