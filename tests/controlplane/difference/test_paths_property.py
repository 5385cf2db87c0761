"""Whatever small path arrives: that it is opened, weaker or answered otherwise is told.

Other than in `test_difference_property` every path of a small alphabet is tried, with trailing
slashes, `//` and escapes, over few routes that differ by their paths, guards and actions alone.
"""

import re
from itertools import product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.build import Build, Options, build
from controlplane.difference.compare import difference
from controlplane.difference.difference import Handover
from controlplane.matching.request import Request
from controlplane.plan.plan import Entry, MethodNotAllowed, PlannedRoute
from controlplane.sources import SourceFile
from language.arriving import NO_PATHS, PATH
from language.mistakes import errors
from policies.contract import Action
from tests.controlplane.difference.test_difference_property import answers, place, plan

SEGMENTS = ("", "a", "b", "%c3", "%C3")
PATHS = ("/", "/**", "/{x}", "/{x}/", "/{x}/**", "/a", "/a/", "/a/**", "/a/{x}", "/a/{x}/", "/%C3")
EXPRESSIONS = ("/+", "/.*/", "/[^/]*", "//|/a/?", "/%[cC]3", "/%c3(/.*)?", "(/a)+/?")
ACTIONS = ("to: users", "redirect: {path: /z}", "respond: {status: 404}", "respond: {status: 200}")
HEAD = """\
version: 1
identities: {one: {apiKey: {header: x-one}}}
backends: {users: "http://users:8080"}
routes:
"""


def arriving() -> list[Request]:
    """Every path of up to three segments that Envoy leaves as it is."""
    made = [path for n in (1, 2, 3) for path in product(SEGMENTS, repeat=n)]
    whole = {path: "".join(f"/{one}" for one in path) for path in made}
    paths = [
        path
        for path, text in whole.items()
        if re.fullmatch(PATH, text) and not any(re.fullmatch(no, text) for no in NO_PATHS)
    ]
    return [
        Request(method=method, path=path, headers=(), query=())
        for path, method in product(paths, ("GET", "POST"))
    ]


ARRIVING = arriving()


def route(random: Random, path: str) -> str:
    auth = random.choice(("none", "one"))
    action = random.choice(ACTIONS) if random.random() < 0.3 else ACTIONS[0]
    methods = ", methods: [GET]" if random.random() < 0.15 else ""
    return f"  - {{{path}, auth: {auth}, {action}{methods}}}\n"


def routes(random: Random) -> dict[str, str]:
    """A route for each of some paths, which say `path` as it is written."""
    paths = [f'path: "{one}"' for one in PATHS if random.random() < 0.5]
    if random.random() < 0.4:
        paths.append(f"path: {{regex: '{random.choice(EXPRESSIONS)}'}}")
    return {path: route(random, path) for path in paths or ["path: /a"]}


def sides(random: Random) -> tuple[Build | None, Build | None]:
    """A gateway, and the same with one route written anew, new or gone."""
    before = routes(random)
    path = random.choice([*before, *(f'path: "{one}"' for one in PATHS)])
    after = before | {path: route(random, path)}
    if random.random() < 0.2:
        del after[path]
    return gateway(before), gateway(after)


def gateway(written: dict[str, str]) -> Build | None:
    text = HEAD + "".join(written.values())
    source = SourceFile(name="gateway.yaml", data=text.encode())
    made = build((source,), Options(main="gateway.yaml"))
    return None if errors(made.mistakes) else made


def guarded(route: PlannedRoute) -> bool:
    return next(one.value for one in route.settings if one.key == "auth") is not None


def refuses(entry: Entry | None) -> bool:
    """Whether nobody gets anything: a 404, a 405, or a written 404."""
    if not isinstance(entry, PlannedRoute):
        return True
    return any(one.key == "respond" and one.value.status == 404 for one in entry.settings)


def admits(entry: Entry | None) -> bool:
    """Whether everybody gets something."""
    return isinstance(entry, PlannedRoute) and not refuses(entry) and not guarded(entry)


def weaker(old: Entry | None, new: Entry | None) -> str | None:
    """The key that lets more pass."""
    if isinstance(old, MethodNotAllowed):
        return "methods" if admits(new) else None
    if not isinstance(old, PlannedRoute) or not isinstance(new, PlannedRoute):
        return None
    if guarded(old) and not guarded(new):
        return "auth"
    if refuses(old):
        return None if refuses(new) else "respond"
    if old.route.action is not Action.FORWARD and new.route.action is Action.FORWARD:
        return old.route.action.value if admits(old) and admits(new) else None
    return None


def places(told: tuple[Handover, ...]) -> set[tuple[object, object]]:
    return {(h.before and h.before.place, h.after and h.after.place) for h in told}


# by a seed: what Hypothesis itself draws is mostly the first of each choice
@given(st.integers(0, 2**32).map(lambda seed: sides(Random(seed))))  # noqa: S311 # no secret
@settings(max_examples=400)
def test_each_path_that_arrives_is_compared(two: tuple[Build | None, Build | None]) -> None:
    before, after = two
    if before is None or after is None:
        return
    found = difference(before, after)
    assert not [one for one in found.weakenings if one.key == "routes"]  # everything is known
    opened, elsewhere = places(found.opened), places(found.elsewhere)
    ways: dict[str, set[tuple[object, object]]] = {
        key: set() for key in ("auth", "methods", "respond", "redirect")
    }
    for one in found.weakenings:
        ways[one.key] |= places(one.handovers)
    for request in ARRIVING:
        old, new = answers(plan(before), "*", request), answers(plan(after), "*", request)
        pair = (place(old), place(new))
        if refuses(old) and admits(new):
            assert pair in opened, request
        key = weaker(old, new)
        if key is not None:
            assert pair in ways[key], request
        if isinstance(old, PlannedRoute) and written(old) != written(new):
            assert pair in elsewhere, request


def written(entry: Entry | None) -> str:
    """The path of a route as it is written: each is that of one route."""
    return entry.route.path.text if isinstance(entry, PlannedRoute) else ""
