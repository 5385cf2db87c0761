"""A policy is a whole folder: keys, an Envoy half that agrees with them, cases, a page."""

import ast
import subprocess
import sys

import pytest

from controlplane.build import Build, Options, build
from controlplane.compile.halves import filters
from controlplane.sources import SourceFile
from language.secrets import Secrets
from policies import POLICIES, SLOTS
from policies.contract import Action, BackendKey, Key, NamedKey, RouteKey, WhenDown
from policies.defaults import uncalled
from tests.policies.policy_folders import (
    FOLDERS,
    case_files,
    envoy_half,
    every_key,
    keys,
    mappings,
    sub_keys,
    written,
)

each_policy = pytest.mark.parametrize("policy", POLICIES)
each_key = pytest.mark.parametrize("key", every_key(), ids=lambda key: key.name)


def test_every_folder_is_a_policy_and_every_policy_a_folder() -> None:
    folders = {p.parent.name for p in FOLDERS.glob("*/__init__.py")}
    assert folders == set(POLICIES)
    assert len(POLICIES) == len(folders)


def test_no_key_stands_in_two_policies() -> None:
    names = [key.name for key in every_key()]
    assert len(names) == len(set(names))


@each_policy
def test_a_policy_brings_keys_with_words(policy: str) -> None:
    assert keys(policy)
    for key in keys(policy):
        assert isinstance(key, RouteKey | BackendKey | NamedKey)
        assert key.summary.endswith(".")
        assert key.example.startswith(f"{key.name}: ")


@each_policy
def test_an_envoy_half_acts_on_its_own_keys_alone(policy: str) -> None:
    half = envoy_half(policy)
    routes = set(getattr(half, "ROUTE", {}))
    clusters = set(getattr(half, "CLUSTER", {}))
    acting = {key.name for key in keys(policy) if key.in_envoy or _calls(key)}
    assert routes == acting & {k.name for k in keys(policy) if isinstance(k, RouteKey)}
    assert clusters == acting & {k.name for k in keys(policy) if isinstance(k, BackendKey)}


def _calls(key: Key) -> bool:
    return isinstance(key, RouteKey) and key.calls is not uncalled


def test_each_slot_is_filled_by_one_policy_and_each_filter_has_a_slot() -> None:
    given = [slot for p in POLICIES for slot in getattr(envoy_half(p), "FILTERS", {})]
    assert sorted(given) == sorted(SLOTS)
    assert len({one.name for one in filters(WhenDown())}) == len(SLOTS)


@each_policy
def test_a_policy_imports_no_other(policy: str) -> None:
    for path in (FOLDERS / policy).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}:{node.lineno}"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                parts = name.split(".")
                if parts[0] == "policies":
                    assert parts[1] not in set(POLICIES) - {policy}, f"{path}: {name}"


def test_settings_are_read_without_envoy() -> None:
    # what decides on requests loads the settings, and must not pay for the protobuf modules
    specs = "; ".join(f"import policies.{policy}.spec" for policy in POLICIES)
    told = f"{specs}; import sys; print([m for m in sys.modules if m.split('.')[0] in {{'envoy'}}])"
    run = subprocess.run(
        [sys.executable, "-c", told], cwd=FOLDERS.parent, capture_output=True, check=True, text=True
    )
    assert run.stdout.strip() == "[]"


@each_policy
def test_a_policy_has_cases_that_write_each_of_its_keys(policy: str) -> None:
    assert len(case_files(policy)) >= 3
    found = [one for path in case_files(policy) for one in written(path)]
    for key in keys(policy):
        settings = [one[key.name] for one in found if key.name in one]
        if isinstance(key, NamedKey):
            settings = [one for named in settings for one in mappings(named)]
        assert settings, f"no case writes {key.name}"
        below = {name for one in mappings(settings) for name in one}
        assert set(sub_keys(key)) <= below, f"no case writes these of {key.name}"


TO = {"sticky": "to: {users: 90, users-next: 10}"}
"""Where a route goes so that a key on it is of use; to one backend unless it is told here."""


def _with(key: Key | None, action: str = "to: users") -> Build:
    """A gateway with a route and two backends, and a key's example where it belongs."""
    backend = route = ""
    if isinstance(key, RouteKey):
        route = f"    {key.example}\n"
        if Action.FORWARD not in key.actions:
            action, route = key.example, ""
    elif isinstance(key, NamedKey):
        return _with_named(key)
    elif key is not None:
        backend = f"    {key.example}\n"
    auth = "" if key is not None and key.required else "    auth: none\n"
    uses = "" if "users" in action else "  - path: /users\n    auth: none\n    to: users\n"
    uses += "  - path: /next\n    auth: none\n    to: users-next\n"
    backends = (
        f"  users:\n    url: https://users\n{backend}  users-next:\n    url: https://users-next\n"
    )
    own = f"  - path: /at/{{id}}/{{rest=**}}\n{auth}{route}    {action}\n"
    text = f"version: 1\nbackends:\n{backends}routes:\n{uses}{own}"
    return build(
        (SourceFile(name="gateway.yaml", data=text.encode()),),
        Options(trust_store="authorities.pem"),
    )


NAMED = {"identities": "idp", "consumers": "keys"}
"""What a route asks for so that a named thing is of use."""


def _with_named(key: NamedKey) -> Build:
    identities = key.example
    if key.name != "identities":
        identities = f"identities: {{keys: {{apiKey: {{header: x-api-key}}}}}}\n{key.example}"
    text = f"version: 1\n{identities}\nroutes:\n  - path: /a\n"
    text += f"    auth: {NAMED[key.name]}\n    respond: {{status: 200}}\n"
    secrets = Secrets(environ={"BOB_KEY_HASH": "0" * 64}, required=True)
    return build((SourceFile(name="gateway.yaml", data=text.encode()),), Options(secrets=secrets))


@each_key
def test_the_example_of_a_key_is_right_and_acts(key: Key) -> None:
    action = TO.get(key.name, "to: users")
    made, plain = _with(key, action), _with(None, action)
    assert made.mistakes == ()
    if isinstance(key, NamedKey):
        assert made.services != plain.services
        return
    assert made.snapshot is not None
    assert plain.snapshot is not None
    if key.in_envoy or made.calls:
        assert made.snapshot.version != plain.snapshot.version
    else:
        assert made.snapshot.version == plain.snapshot.version
