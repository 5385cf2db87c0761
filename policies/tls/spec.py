"""The settings of `tls` of a backend."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema

from language.decode import settings
from language.hosts import host_name
from language.scalars import TEXT_SCHEMA, fault, one_text
from policies.contract import BackendFacts, BackendKey, Fault, Settings

_PATH = re.compile(r"/[!-~]{0,1023}")


def _file(value: object) -> str:
    """The path of a file; the file itself is never read here, and a key never written."""
    if not isinstance(value, dict):
        raise fault("what a file holds does not stand here", "write {file: /PATH}", hidden=True)
    for name in value:
        if name != "file":
            raise fault(f"unknown key '{name}'", "it may be file", at=str(name))
    path = value.get("file")
    if not isinstance(path, str):
        raise fault("a file has one path", "write {file: /PATH}")
    if "-----BEGIN" in path:
        raise fault("what a file holds does not stand here", "write its path", hidden=True)
    if not _PATH.fullmatch(path):
        message = f"'{path}' is not the whole path of a file on Envoy's machine"
        raise fault(message, "write /PATH, without spaces", at="file")
    return str(path)


def _server_name(value: object) -> str:
    text = one_text(value)
    if re.fullmatch(r"[0-9.]+", text) or ":" in text:
        raise fault(f"'{text}' is an address, and a server is told a name", "write a DNS name")
    if "*" in text:
        raise fault("this is one name, no wildcard", "write the name that is asked for")
    return host_name(str(text))


FilePath: TypeAlias = Annotated[
    str,
    BeforeValidator(_file),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {"file": {"type": "string", "pattern": "^/"}},
            "required": ["file"],
            "additionalProperties": False,
        }
    ),
]
"""`{file: PATH}` of a file on the machine of Envoy."""


@settings
@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Whom a backend must be, and who the gateway is to it."""

    sni: Annotated[
        str | None,
        BeforeValidator(_server_name),
        WithJsonSchema(TEXT_SCHEMA),
        Field(description="The name that is asked for and verified; the host of the url."),
    ] = None
    ca: Annotated[
        FilePath | None, Field(description="The authorities that vouch for it; the system's.")
    ] = None
    cert: Annotated[
        FilePath | None,
        Field(description="The certificate that the gateway shows, with its chain."),
    ] = None
    key: Annotated[FilePath | None, Field(description="The key of this certificate.")] = None


def _faults(tls: Tls, _facts: BackendFacts) -> Iterable[Fault]:
    if tls.cert is not None and tls.key is None:
        message = "nobody can show a certificate without its key"
        yield Fault(path=("cert",), message=message, hint="add key: {file: …}", at_key=True)
    if tls.key is not None and tls.cert is None:
        message = "a key is shown to nobody without its certificate"
        yield Fault(path=("key",), message=message, hint="add cert: {file: …}", at_key=True)


def _unfit(_tls: Tls, facts: BackendFacts, _others: Mapping[str, Settings]) -> Iterable[Fault]:
    if not facts.tls:
        message = "'tls' has no effect: this backend is spoken to in clear text"
        yield Fault(path=(), message=message, hint="write https or grpcs", idle=True, at_key=True)


KEYS = (
    BackendKey(
        name="tls",
        settings=Tls,
        summary="How a backend over https or grpcs is verified, and what it is shown.",
        example="tls: {sni: users.internal, ca: {file: /etc/foregate/ca.pem}}",
        in_envoy="each Envoy makes the connections, and reads the files on its machine",
        faults=_faults,
        unfit=_unfit,
        verified=lambda tls: tls.sni or "",
    ),
)
