"""Whether a backend sees a header as a client wrote it that the gateway removed or replaced."""

from collections.abc import Iterator, Mapping

from policies.guards import Weaker, WeakerStep
from policies.headers.spec import HeaderOperations


def _weaker(before: HeaderOperations | None, after: HeaderOperations | None) -> Iterator[Weaker]:
    for name in sorted(_kept_out(before) - _kept_out(after)):
        yield Weaker(what=f"the backend sees a client's '{name}'")


def _kept_out(settings: HeaderOperations | None) -> frozenset[str]:
    """Headers of which nothing that a client sends goes on."""
    return frozenset() if settings is None else frozenset((*settings.remove, *settings.set))


WEAKER: Mapping[str, WeakerStep] = {"request": _weaker}
"""An answer's headers let nobody in: `response` cannot be weaker."""
