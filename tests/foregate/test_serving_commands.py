"""`foregate extauthz` and `foregate ratelimit` as an operator types them."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from foregate import serving
from foregate.commands import ratelimit
from foregate.serving import Words, serving_options, settings
from protos import CONSUMERS, CONSUMERS_NAME, EXTAUTHZ, LIMITS, LIMITS_NAME, RATELIMIT
from serving.run import Settings

ROOT = Path(__file__).parents[2]
BUNDLES = {
    service: json.dumps({"items": [{"name": name, "resource": {"@type": type_url}}]})
    for service, type_url, name in (
        (EXTAUTHZ, CONSUMERS, CONSUMERS_NAME),
        (RATELIMIT, LIMITS, LIMITS_NAME),
    )
}
"""A policy of nothing for each service."""


def made(*words: str, **env: str) -> Settings | str:
    """The settings that words and environment give, or what is said instead (exit code 1)."""
    found: list[Settings] = []

    @click.command()
    @serving_options(port=1, admin=2)
    def command(**given: object) -> None:
        found.append(settings(Words(**given)))  # type: ignore[typeddict-item] # as click gives them

    names = ("XDS", "POLICY", "LISTEN", "ADVERTISE", "STATE_DIR", "ADMIN_LISTEN", "NODE")
    clean: dict[str, str | None] = {f"FOREGATE_{n}": None for n in names}
    clean |= {f"FOREGATE_{n}": v for n, v in env.items()}
    said = CliRunner().invoke(command, words, env=clean, catch_exceptions=False)
    if found:
        return found[0]
    assert said.exit_code == 1
    return said.stderr


def ok(*words: str, **env: str) -> Settings:
    found = made(*words, **env)
    assert isinstance(found, Settings), found
    return found


def test_by_default_everything_is_on_loopback() -> None:
    found = ok("--xds", "127.0.0.1:18000")
    assert (found.listen, found.admin) == ("127.0.0.1:1", "127.0.0.1:2")
    assert (found.advertise, found.state, found.policy) == ("", None, None)
    assert found.version


def test_every_flag_has_its_variable() -> None:
    found = ok(
        XDS="unix:/run/x",
        LISTEN="127.0.0.1:9",
        ADVERTISE="127.0.0.1:99",
        STATE_DIR="/var/lib/foregate",
        ADMIN_LISTEN=":8",
        NODE="me",
    )
    assert (found.xds, found.listen, found.advertise) == (
        "unix:/run/x",
        "127.0.0.1:9",
        "127.0.0.1:99",
    )
    assert (found.state, found.admin, found.node) == (Path("/var/lib/foregate"), ":8", "me")
    assert ok(POLICY="p.json").policy == Path("p.json")
    assert ok("--xds", ":1", XDS=":2").xds == ":1"


def test_an_empty_admin_address_is_nowhere() -> None:
    assert ok("--xds", ":1", "--admin", "").admin == ""
    assert ok("--xds", ":1", ADMIN_LISTEN="").admin == ""


def test_the_policy_comes_from_one_place() -> None:
    neither = made()
    assert isinstance(neither, str)
    assert "--xds ADDRESS (FOREGATE_XDS)" in neither
    assert "--policy FILE (FOREGATE_POLICY)" in neither
    both = made("--xds", ":1", POLICY="p.json")
    assert isinstance(both, str)
    assert "not from both" in both


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("XDS", "nonsense", "--xds (FOREGATE_XDS): 'nonsense' is neither"),
        ("LISTEN", "80", "--listen (FOREGATE_LISTEN): '80' is neither"),
        ("LISTEN", "unix:x", "must begin with '/'"),
        ("ADVERTISE", "x:y", "--advertise (FOREGATE_ADVERTISE)"),
        ("ADMIN_LISTEN", "x:99999", "--admin (FOREGATE_ADMIN_LISTEN)"),
        ("LISTEN", "0.0.0.0:9", "--listen (FOREGATE_LISTEN): 0.0.0.0:9 is not on this machine"),
        ("ADMIN_LISTEN", "10.0.0.1:9", "--admin (FOREGATE_ADMIN_LISTEN): 10.0.0.1:9 is not"),
        ("XDS", "control:9", "--xds (FOREGATE_XDS): control:9 is not on this machine"),
        ("ADVERTISE", "auth:9", "--advertise (FOREGATE_ADVERTISE): auth:9 is not"),
        ("ADVERTISE", ":0", "has no port"),
        ("NODE", "n" * 257, "FOREGATE_NODE"),
    ],
)
def test_a_wrong_word_is_told_with_its_flag_and_variable(name: str, value: str, why: str) -> None:
    said = made(**{"XDS": ":1", name: value})
    assert isinstance(said, str)
    assert why in said


def test_a_wrong_log_level_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOREGATE_LOG", "loud")
    words = Words(
        xds=":1",
        policy=None,
        listen=":2",
        advertise="",
        state_dir=None,
        admin="",
        node="",
    )
    with pytest.raises(click.ClickException, match="FOREGATE_LOG: 'loud' is no log level"):
        serving.serve("extauthz", lambda _: pytest.fail("made"), words)


@pytest.mark.parametrize("name", [EXTAUTHZ, RATELIMIT])
def test_the_service_itself_serves_until_it_is_ended(tmp_path: Path, name: str) -> None:
    (tmp_path / "p.json").write_text(BUNDLES[name])
    where = f"unix:{tmp_path}/s"
    words = ["--policy", str(tmp_path / "p.json"), "--listen", where, "--admin", ""]
    process = subprocess.Popen(
        [sys.executable, "-c", "from foregate.main import main; main()", name, *words],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        first = json.loads(process.stderr.readline())
        assert (first["event"], first["service"], first["address"]) == ("serving", name, where)
        process.terminate()
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize(
    "url", ["localhost", "http://x", "redis://:pw@x/no", "redis://:pw@a..b", "redis://:pw@x:port"]
)
def test_a_wrong_redis_url_is_told_without_its_password(url: str) -> None:
    with pytest.raises(click.ClickException) as error:
        ratelimit.check(url)
    assert "FOREGATE_REDIS_URL" in error.value.message
    assert "pw" not in error.value.message
    for good in ("redis://:pw@x:6379/0", "rediss://x", "unix:///run/redis.sock"):
        ratelimit.check(good)
