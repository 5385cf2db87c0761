"""What Foregate takes, Envoy takes: files at random, and paths as long as they may be."""

import asyncio
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.build import Build, Options, build
from controlplane.gate.gate import Gate
from controlplane.gate.soundness import unsound
from controlplane.gate.validate import Bounds
from controlplane.gate.verdicts import Passed
from controlplane.sources import SourceFile
from foregate.parts import envoy
from language.expressions import STEPS
from language.paths import parse_pattern
from language.segments import MalformedPathError
from language.substitutions import FILLED, filling_steps
from tests.controlplane.model.random_gateways import gateway, text_of

GATE = Gate(envoy=envoy().path, bounds=Bounds(seconds=60))
TRUST = "/etc/ssl/certs/ca-certificates.crt"


def of(text: str) -> Build:
    file = SourceFile(name="gateway.yaml", data=text.encode())
    return build((file,), Options(loopback=True, trust_store=TRUST))


def taken(built: Build) -> None:
    assert built.snapshot is not None
    assert unsound(built.snapshot) == ()
    assert isinstance(asyncio.run(GATE.prove(built.snapshot)), Passed)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_files_at_random(seed: int) -> None:
    """About one of three is without mistakes, and asked for."""
    random = Random(seed)  # noqa: S311 # files, no secrets
    built = of(text_of(gateway(random, right=0.99), random).lstrip("\n"))
    if built.snapshot is not None:
        taken(built)


LETTERS = st.text("aZ9~!$;.", min_size=1, max_size=40).filter(lambda t: t.strip("."))
ESCAPES = st.text("%", min_size=1, max_size=12).map(lambda t: t.replace("%", "%C3"))
SEGMENT = st.one_of(LETTERS, ESCAPES, st.just("{}"), st.just("{}"))
PATHS = st.tuples(st.lists(SEGMENT, min_size=1, max_size=25), st.sampled_from(["", "/**", "/"]))


def named(segments: list[str], end: str) -> str:
    return "".join("/" + s.replace("{}", f"{{v{i}}}") for i, s in enumerate(segments)) + end


def fits(text: str) -> bool:
    try:
        pattern = parse_pattern(text)
    except MalformedPathError:
        return False
    return pattern.text_alone or pattern.steps > STEPS - 30


@settings(max_examples=10, deadline=None)
@given(st.lists(PATHS.map(lambda p: named(*p)).filter(fits), min_size=1, max_size=40, unique=True))
def test_paths_as_long_as_they_may_be(paths: list[str]) -> None:
    """Each told from the others by a header, and filled in where that may be."""
    lines = ["version: 1", "defaults: {auth: none}", "backends: {a: 'http://a'}", "routes:"]
    for number, path in enumerate(paths):
        pattern = parse_pattern(path)
        first = next(iter(pattern.variables[:FILLED]), "")
        new = f"/n/{{{first}}}" if first else "/n"
        rewrite = f", rewrite: {{path: '{new}'}}" if filling_steps(pattern) <= STEPS else ""
        lines.append(f"  - {{path: '{path}', headers: {{x-n: '{number}'}}, to: a{rewrite}}}")
    taken(of("\n".join(lines)))
