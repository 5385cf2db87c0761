"""What both services count, as Prometheus reads it, and that no secret is in any output."""

import base64
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from controlplane.seen.page import read
from tests.e2e.fleet import OURS, Fleet, hash_of, until
from tests.e2e.routes import Told, ran, told
from tools.parts import command

pytestmark = pytest.mark.xdist_group("metrics")

KEY = "fg_acme_0123456789abcdef"
WRONG = "fg_nobody_0123456789abcdef"
HASH = hash_of(KEY).removeprefix("sha256:")
SECRETS = {"ACME_KEY_HASH": HASH}
GATEWAY = """\
version: 1
listen: {http: "127.0.0.1:@http@"}
identities:
  idp: {issuer: "http://127.0.0.1:@issuer@", audience: shop}
  keys: {apiKey: {header: x-api-key}}
consumers:
  acme: {key: "sha256:${ACME_KEY_HASH}"}
backends: {echo: "http://127.0.0.1:@echo@"}
routes:
  - {path: /open, auth: none, to: echo}
  - {path: /guarded, auth: {anyOf: [idp, keys]}, to: echo}
  - {path: /scoped, auth: {anyOf: [idp, keys], scopes: [read]}, to: echo}
  - {path: /tight, auth: none, limits: [{per: route, rate: 1/h, burst: 2}], to: echo}
  - {path: /wide, auth: none, limits: [{per: ip, rate: 100k/s}], to: echo}
"""
DECISIONS = "foregate_{}_decisions_total"
tokens: list[str] = []
"""Every token that was sent."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    made = Fleet(tmp_path_factory.mktemp("fleet"), GATEWAY, SECRETS).start()
    try:
        made.answers("/guarded", 200, headers={"x-api-key": KEY})
        made.answers("/wide", 200)
        until("redis is asked", lambda: scraped(made, "ratelimit")[BREAKER] == 0)
        yield made
    finally:
        codes = made.end()
    del codes["issuer"]  # it ends by the signal
    assert set(codes.values()) == {0}, (codes, made.said)
    said = "\n".join(made.said)
    assert '"denied"' in said
    assert '"live"' in said
    assert found(said) == []


@pytest.fixture(scope="module")
def routes(fleet: Fleet) -> dict[str, Told]:
    return told(xds(fleet, "-o", "json"))


BREAKER = ("foregate_ratelimit_breaker",)


def scraped(fleet: Fleet, name: str) -> Counter[tuple[str, ...]]:
    """Samples by their name and the values of their labels, which are sorted by their names."""
    status, text = fleet.asked(name, "/metrics")
    assert status == 200
    families = text_string_to_metric_families(text)
    samples = [s for family in families for s in family.samples]
    values = Counter({(s.name, *_values(s.labels)): s.value for s in samples})
    assert len(values) == len(samples)  # no sample hides another
    return Counter({n: v for n, v in values.items() if not n[0].endswith("_created")})


def _values(labels: Mapping[str, str]) -> Iterator[str]:
    return (labels[name] for name in sorted(labels))


def changed(fleet: Fleet, name: str, before: Counter[tuple[str, ...]]) -> dict[str, object]:
    """What a service has counted since: by metric, what was added to each of its samples."""
    now = scraped(fleet, name)
    now.subtract(before)
    out: dict[str, dict[tuple[str, ...], float]] = {}
    for (metric, *labels), value in now.items():
        if value and metric.startswith(f"foregate_{name}_"):
            out.setdefault(metric, {})[tuple(labels)] = value
    return dict(out)


def sent(
    fleet: Fleet, path: str, headers: dict[str, str] | None = None, times: int = 1
) -> set[int]:
    return {fleet.status(path, headers) for _ in range(times)}


def bearer(fleet: Fleet, *, forged: bool = False) -> dict[str, str]:
    tokens.append(fleet.token(sub="ann"))
    said, _, signature = tokens[-1].rpartition(".")
    if forged:
        tokens.append(fleet.token(sub="eve"))
        signature = tokens[-1].rpartition(".")[2]
    return {"authorization": f"Bearer {said}.{signature}"}


def xds(fleet: Fleet, *words: str) -> str:
    done = ran("xds", *words, str(fleet.files), cwd=fleet.folder, environ=SECRETS)
    return done.stdout + done.stderr


def found(text: str) -> list[str]:
    """The secrets that are in a text. A token counts by its signature: the rest is no secret."""
    encoded = base64.b64encode(bytes.fromhex(HASH)).decode()
    signatures = [token.rpartition(".")[2] for token in tokens]
    return [one for one in (KEY, WRONG, HASH, encoded, *signatures) if one in text]


def test_checks_are_counted_by_rule_reason_and_verdict(
    fleet: Fleet, routes: dict[str, Told]
) -> None:
    before = scraped(fleet, "extauthz")
    key = {"x-api-key": KEY}
    assert sent(fleet, "/guarded", key, 3) == {200}
    assert sent(fleet, "/guarded", bearer(fleet), 2) == {200}
    assert sent(fleet, "/guarded", times=4) == {401}
    assert sent(fleet, "/guarded", {"x-api-key": WRONG}, 2) == {401}
    assert sent(fleet, "/guarded", bearer(fleet, forged=True)) == {401}
    assert sent(fleet, "/scoped", key, 2) == {403}
    assert sent(fleet, "/open", key, 5) == {200}
    counted = changed(fleet, "extauthz", before)
    guarded, scoped = routes["/guarded"].rule, routes["/scoped"].rule
    assert counted[DECISIONS.format("extauthz")] == {
        ("admitted", guarded, "allow"): 5,
        ("no_credentials", guarded, "deny"): 4,
        ("unknown_api_key", guarded, "deny"): 2,
        ("wrong_signature", guarded, "deny"): 1,
        ("insufficient_scope", scoped, "deny"): 2,
    }
    assert counted["foregate_extauthz_pipelines_total"] == {("memory",): 14}
    assert counted["foregate_extauthz_check_seconds_count"] == {(): 14}
    buckets = counted["foregate_extauthz_check_seconds_bucket"]
    assert isinstance(buckets, dict)
    assert buckets["+Inf",] == 14
    assert set(counted) == {
        *(DECISIONS.format("extauthz"), "foregate_extauthz_pipelines_total"),
        *(f"foregate_extauthz_check_seconds_{part}" for part in ("count", "sum", "bucket")),
    }


def test_limits_are_counted_by_verdict(fleet: Fleet, routes: dict[str, Told]) -> None:
    before = scraped(fleet, "ratelimit")
    assert [fleet.status("/tight") for _ in range(5)] == [200, 200, 429, 429, 429]
    assert sent(fleet, "/wide", times=4) == {200}
    assert sent(fleet, "/open", times=3) == {200}
    counted = changed(fleet, "ratelimit", before)
    (tight,), (wide,) = routes["/tight"].limits, routes["/wide"].limits
    assert counted[DECISIONS.format("ratelimit")] == {
        (tight, "route-h", "ok"): 2,
        (tight, "route-h", "over"): 3,
        (wide, "ip-s", "ok"): 4,
    }
    for metric in ("decision_seconds_count", "redis_seconds_count", "redis_batch_sum"):
        assert counted[f"foregate_ratelimit_{metric}"] == {(): 9}, metric
    assert {m for m in counted if m.endswith("_total")} == {DECISIONS.format("ratelimit")}


def test_a_redis_that_is_gone_is_seen(fleet: Fleet, routes: dict[str, Told]) -> None:
    (wide,) = routes["/wide"].limits
    start = scraped(fleet, "ratelimit")
    fleet.kill("redis")
    until("redis is given up", lambda: scraped(fleet, "ratelimit")[BREAKER] > 0)
    before = scraped(fleet, "ratelimit")
    assert sent(fleet, "/wide", times=5) == {200}
    counted = changed(fleet, "ratelimit", before)
    assert counted["foregate_ratelimit_without_redis_total"] == {("local-limits",): 5}
    assert counted[DECISIONS.format("ratelimit")] == {(wide, "ip-s", "ok"): 5}
    assert counted["foregate_ratelimit_decision_seconds_count"] == {(): 5}
    assert "foregate_ratelimit_redis_seconds_count" not in counted
    failed = ("foregate_ratelimit_redis_failures_total", "connection")
    until("failures", lambda: scraped(fleet, "ratelimit")[failed] > start[failed])
    fleet.start("redis")
    until("redis is asked", lambda: scraped(fleet, "ratelimit")[BREAKER] == 0)
    before = scraped(fleet, "ratelimit")
    assert sent(fleet, "/wide", times=2) == {200}
    counted = changed(fleet, "ratelimit", before)
    assert counted["foregate_ratelimit_redis_seconds_count"] == {(): 2}
    assert "foregate_ratelimit_without_redis_total" not in counted


@pytest.mark.parametrize("name", OURS)
def test_prometheus_takes_it(fleet: Fleet, name: str) -> None:
    words = [*command("promtool"), "check", "metrics"]
    _, text = fleet.asked(name, "/metrics")
    done = subprocess.run(
        words, input=text, capture_output=True, text=True, timeout=20, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert "# HELP" in text


def test_the_control_plane_has_a_page_of_its_fleet(fleet: Fleet) -> None:
    status, text = fleet.asked("controlplane", "/fleet")
    assert status == 200
    shown = read(text.encode())
    assert sum(shown["summary"].values()) == len(shown["nodes"])
    counted = scraped(fleet, "controlplane")
    envoys = [n for n in shown["nodes"] if n["role"] == "envoy" and n["state"] == "live"]
    assert counted["foregate_xds_nodes", "envoy", "live"] == len(envoys)
    assert ("foregate_xds_nodes", "ratelimit", "late") in counted


def test_there_is_no_secret_in_what_can_be_asked(fleet: Fleet, routes: dict[str, Told]) -> None:
    refused = httpx.get(f"{fleet.base}/guarded", headers={"x-api-key": WRONG})
    shown = {
        "answer": refused.text + str(refused.headers),
        "xds": xds(fleet),
        "xds -o json": xds(fleet, "-o", "json"),
        "config_dump": fleet.asked("admin", "/config_dump?include_eds")[1],
        "stats": fleet.asked("admin", "/stats/prometheus")[1],
        **{name: fleet.asked(name, "/metrics")[1] for name in OURS},
    }
    for name in ("xds", "xds -o json", "config_dump"):
        assert routes["/guarded"].rule in shown[name]
    assert {name: found(text) for name, text in shown.items() if found(text)} == {}


def test_ready_says_when_it_can_be_asked(tmp_path_factory: pytest.TempPathFactory) -> None:
    fleet = Fleet(tmp_path_factory.mktemp("unready"), "version: 2\n", SECRETS)
    try:
        fleet.start("extauthz", "ratelimit", "controlplane")
        fleet.running["controlplane"].wait_for("nothing is served yet")
        for name in OURS:
            ready(fleet, name, 503)
        fleet.write(GATEWAY)
        for name in OURS:
            ready(fleet, name, 200)
        fleet.kill("controlplane")
        for name in ("extauthz", "ratelimit"):
            assert fleet.asked(name, "/ready")[0] == 200
            os.kill(fleet.running[name].child.pid, signal.SIGTERM)
            ready(fleet, name, 503)  # it serves on until Envoy has heard of it
    finally:
        codes = fleet.end()
    assert codes == {"extauthz": 0, "ratelimit": 0}


def ready(fleet: Fleet, name: str, status: int) -> None:
    """Wait until it says so of itself."""
    until(f"{name}: {status}", lambda: fleet.asked(name, "/ready")[0] == status)
