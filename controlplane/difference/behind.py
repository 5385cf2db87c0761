"""Parts of a version that are not as its lines say: nobody can say what they would mean now."""

from collections.abc import Iterable, Iterator

from controlplane.difference.difference import Weakening
from controlplane.history.version import KeptPart

_SHOWN = 3


def behind(side: str, parts: Iterable[KeptPart]) -> Iterator[Weakening]:
    """Say of each part of a side that it stayed behind: what is compared is what its lines say.

    A closed one refuses everybody with 503, and would no more; one as it was last served is judged
    by lines that are not there. Neither can be compared, so both count as weaker.
    """
    for part in parts:
        state = "answers 503" if part.state == "closed" else "is as it was last served"
        at = f" ({', '.join(part.places[:_SHOWN])})" if part.places else ""
        what = f"of {side} the part {part.name}{at} stayed behind and {state}: {part.why}"
        yield Weakening(key="parts", what=what, comparable=False, handovers=(), places=())
