"""What a policy says of its settings: what is wrong with them, and whom and what they name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A setting that its type allows and its surroundings do not; `path` leads into the setting.

    `beside` is the other end of a contradiction: the mistake is told there when what `path` leads
    to is inherited. An `idle` setting has no effect: a mistake where it is written, none where it
    is inherited. With `at_key` the key at the end of the path is meant, not its value. A `warning`
    stops no publish. `also` are paths to what is shown beside.
    """

    path: tuple[str | int, ...]
    message: str
    hint: str = ""
    beside: tuple[str | int, ...] = ()
    idle: bool = False
    at_key: bool = False
    warning: bool = False
    also: tuple[tuple[str | int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFault:
    """A fault of the named thing `name` among all of its kind; `also` are names and paths."""

    name: str
    fault: Fault
    also: tuple[tuple[str, tuple[str | int, ...]], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A name in settings that must be defined at the top of some file.

    `kind` is the top key that defines it (`identities`); `path` leads to the name in the settings.
    """

    kind: str
    name: str
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendName:
    """A backend that settings name; `path` leads to the name in them."""

    name: str
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHeader:
    """A header of a client that settings go by, in lower case; `path` leads to it in them."""

    name: str
    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one route alone may have: an `identity`, and the fault of the second that has it."""

    identity: str
    fault: Fault
