"""Builds at random in pairs: a gateway as it was, and as somebody changed it."""

import copy
from functools import cache
from random import Random

from controlplane.build import Build, Options, build
from controlplane.sources import SourceFile
from tests.controlplane.model.random_gateways import Value, gateway, text_of

PAIRS = 40
OPTIONS = Options(loopback=True, trust_store="/authorities.crt")


def built(text: str) -> Build:
    """Compile one file, with whatever mistakes."""
    return build((SourceFile(name="gateway.yaml", data=text.encode()),), OPTIONS)


@cache
def pairs() -> tuple[tuple[Build, Build], ...]:
    """What was good, and what is new."""
    found: list[tuple[Build, Build]] = []
    seed = 0
    while len(found) < PAIRS:
        seed += 1
        random = Random(seed)  # noqa: S311 # examples, no secrets
        before = _larger(random)
        good, new = (built(text_of(one, random)) for one in (before, _changed(before, random)))
        if good.snapshot is not None and new.snapshot is not None:
            found.append((good, new))
    return tuple(found)


def _larger(random: Random) -> dict[str, Value]:
    """A gateway with the routes of several, of which those that conflict are left out."""
    made = gateway(random, right=1)
    names = list(_mapping(made["backends"]))
    routes: list[Value] = []
    for _ in range(4):
        for route in _list(gateway(random, right=1)["routes"]):
            one = _mapping(route)
            if "to" in one:
                one["to"] = _renamed(one["to"], names, random)
            if "auth" in one and "identities" not in made:
                del one["auth"]
            if _compiles({**made, "routes": [*routes, one]}, random):
                routes.append(one)
    return {**made, "routes": routes} if routes else made


def _changed(before: dict[str, Value], random: Random) -> dict[str, Value]:
    out = copy.deepcopy(before)
    other = gateway(random, right=1)
    for name in list(_mapping(out["backends"])):
        if random.random() < 0.5:
            _mapping(out["backends"])[name] = next(iter(_mapping(other["backends"]).values()))
    for route in _list(out["routes"]):
        one = _mapping(route)
        changed = {**one, "timeout": "7s"} if "to" in one else one
        if random.random() < 0.4 and "identities" in out:
            changed = {**changed, "auth": random.choice(("none", "idp", "keys"))}
        if random.random() < 0.6:
            one.update(changed)
    for route in _list(other["routes"]):
        one = _mapping(route)
        if "to" in one:
            one["to"] = _renamed(one["to"], list(_mapping(out["backends"])), random)
        if _compiles({**out, "routes": [*_list(out["routes"]), one]}, random):
            _list(out["routes"]).append(one)
    return out


def _compiles(made: dict[str, Value], random: Random) -> bool:
    return built(text_of(made, random)).snapshot is not None


def _renamed(target: Value, names: list[str], random: Random) -> Value:
    if isinstance(target, dict):
        return dict(zip(names, target.values(), strict=False))
    return random.choice(names)


def _mapping(value: Value) -> dict[str, Value]:
    assert isinstance(value, dict)
    return value


def _list(value: Value) -> list[Value]:
    assert isinstance(value, list)
    return value
