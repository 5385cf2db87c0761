"""What a build takes from its surroundings and not from the files."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from controlplane.model.addresses import Address
from language.secrets import Secrets

Layout: TypeAlias = Literal["auto", "plain", "pages"]
"""How the routes of a listener are laid out: one table, or pages; by their number unless said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`loopback`: listen on 127.0.0.1 where the file names only a port (`foregate dev`).

    `trust_store`: the file of certificate authorities that `https` backends are verified with.
    `resolvers`: the name servers that Envoys ask for backends; else those of their machines.
    `secrets`: where they come from, and whether they must be set.
    `main`: what the file with `version` is called where files are told apart by name, as counters
    are; its own name unless given. Who compares two gateways gives both the same.
    `layout`: how routes are laid out.
    """

    loopback: bool = False
    trust_store: str = ""
    resolvers: tuple[Address, ...] = ()
    secrets: Secrets = field(default_factory=Secrets)
    main: str = ""
    layout: Layout = "auto"
