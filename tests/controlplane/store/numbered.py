"""Small builds, each known by its number: what a test finds on disk says which one it is."""

from pathlib import Path

from controlplane.build import Build
from controlplane.snapshot import (
    CLUSTER,
    ENDPOINTS,
    PREFIX,
    Reference,
    Resource,
    Snapshot,
    Subject,
    snapshot,
)
from controlplane.store.packed import unpacked
from controlplane.store.store import Layers
from language.places import Place
from policies.auth.sources import KeySource, Origin
from protos import EXTAUTHZ


def plain(path: Path) -> bytes:
    """The content of a file that may be compressed."""
    data = path.read_bytes()
    return unpacked(data, 1 << 28) or data


SERVED = PREFIX + "served"


def made(type_url: str, name: str, text: str, *needs: Reference) -> Resource:
    return Resource(
        type_url=type_url, name=name, body=text.encode(), version=text, needs=frozenset(needs)
    )


def cluster(number: int) -> Resource:
    return made(CLUSTER, "a", f"a{number}", Reference(ENDPOINTS, "a"))


def world(number: int) -> Snapshot:
    """One resource that changes and one that does not."""
    return snapshot([cluster(number), made(ENDPOINTS, "a", "same")])


def numbered(number: int) -> Build:
    return Build(
        sources=(),
        mistakes=(),
        plan=None,
        snapshot=world(number),
        provenance={Subject(CLUSTER, "a"): (Place("f", number, 1),)},
        services={EXTAUTHZ: snapshot([made(SERVED, "p", f"p{number}")])},
        calls=frozenset({EXTAUTHZ}),
        key_sources=(KeySource(origin=Origin.URL, at="https://a"),),
        keys_use_for_ms=number,
    )


def layers(*numbers: int) -> Layers:
    """What a node may hold that is on its way between these."""
    return {CLUSTER: tuple(world(n).of(CLUSTER) for n in numbers)}
