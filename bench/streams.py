"""Delta streams from processes of their own, as of so many Envoys."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.child import Child, until
from bench.machine import cpu_seconds
from controlplane.build import Options, build
from controlplane.snapshot import CLUSTER, ENDPOINTS, LISTENER, ROUTES
from controlplane.sources import SourceFile

PROCESSES = 2
Names = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the nodes have: how many hold everything.

    Since they were opened: `got` are resources by type, `removed` names, `lost` how often a stream
    broke, and `why` the first time, by node.
    """

    whole: int
    lost: int
    got: Counter[str]
    removed: int
    why: Counter[str]


class Streams:
    """The processes; each has its part of the nodes."""

    def __init__(self, children: Sequence[Child], nodes: int, wanted: Names) -> None:
        self._children = children
        names = [f"envoy-{number}" for number in range(nodes)]
        for n, child in enumerate(children):
            child.ask(make=names[n :: len(children)], wanted=wanted)

    def open(self, socket: Path) -> None:
        """Have every node ask there, with the versions that it holds."""
        self._ask(open=str(socket))

    def seen(self) -> Seen:
        """How they are now."""
        return self._ask()

    def cpu(self) -> float:
        """Seconds of CPU of all of them."""
        return sum(cpu_seconds(child.pid) for child in self._children)

    def until_whole(self, nodes: int, *, within: float = 120.0) -> None:
        """Wait until so many hold everything. Raises TimeoutError."""
        try:
            until("all have everything", lambda: self.seen().whole == nodes, within=within)
        except TimeoutError as error:
            raise TimeoutError(error, self.seen()) from None

    def _ask(self, **words: object) -> Seen:
        for child in self._children:
            child.tell(**words)
        said = [child.hear() for child in self._children]
        got: Counter[str] = Counter()
        why: Counter[str] = Counter()
        for one in said:
            got.update(one["got"])
            why.update(one["why"])
        return Seen(
            whole=sum(one["whole"] for one in said),
            lost=sum(one["lost"] for one in said),
            removed=sum(one["removed"] for one in said),
            got=got,
            why=why,
        )


@contextmanager
def streams(nodes: int, wanted: Names) -> Iterator[Streams]:
    """Start the processes, without a stream yet."""
    with ExitStack() as held:
        children = [held.enter_context(Child("bench.delta_client")) for _ in range(PROCESSES)]
        yield Streams(children, nodes, wanted)


def wanted(sources: tuple[SourceFile, ...]) -> Names:
    """The names of what an Envoy is served of these files, by type."""
    built = build(sources, Options())
    if built.snapshot is None:
        raise ValueError(built.mistakes[:3])
    types = (CLUSTER, ENDPOINTS, LISTENER, ROUTES)
    return {type_url: sorted(built.snapshot.of(type_url)) for type_url in types}
