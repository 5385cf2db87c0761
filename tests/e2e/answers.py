"""Who answers a path, asked until it is so."""

from collections.abc import Callable

from tests.e2e.fleet import until


def reached(ask: Callable[..., str], path: str, *upstreams: str) -> None:
    """Ask until each has answered."""
    seen: set[str] = set()

    def all_of_them() -> bool:
        seen.add(ask(path))
        return seen == set(upstreams)

    until(f"{path} reaches {upstreams}", all_of_them)


def settled(ask: Callable[..., str], path: str, answer: str) -> None:
    """Ask until four in a row have the answer."""
    until(f"{path} is {answer}", lambda: {ask(path) for _ in range(4)} == {answer})


def answers(ask: Callable[..., str], path: str, upstream: str) -> bool:
    """Whether an upstream answers a path."""
    return ask(path) == upstream
