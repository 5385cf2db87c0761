"""Golden cases of differences: two gateways, what is said of them, and the exit code.

A gateway is the text of gateway.yaml, or files by name. `REWRITE_CASES=1 pytest
tests/controlplane/difference` writes what is expected anew; read the diff, as a case that blesses
a mistake is worse than none.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

from controlplane.build import Build, Options, build
from controlplane.difference.compare import difference
from controlplane.difference.difference import Difference
from controlplane.sources import SourceFile
from foregate.difftext import text
from language.mistakes import errors

FOLDER = Path(__file__).parent / "cases"
Files = str | dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A golden case; `weaker` is whether it needs --allow-weaker."""

    path: Path
    about: str
    before: Files
    after: Files
    same: bool
    weaker: bool
    text: str


def cases() -> list[Case]:
    """Every case, by glob."""
    return [
        Case(path=path, **yaml.safe_load(path.read_text("utf-8")))
        for path in sorted(FOLDER.glob("*.yaml"))
    ]


def built(files: Files, folder: str = "old") -> Build:
    """A side without errors."""
    named = {"gateway.yaml": files} if isinstance(files, str) else files
    sources = tuple(
        SourceFile(name=f"{folder}/{name}", data=one.encode()) for name, one in named.items()
    )
    made = build(sources, Options(main="gateway.yaml", trust_store="authorities.pem"))
    assert not errors(made.mistakes), made.mistakes
    return made


def found(before: Files, after: Files) -> Difference:
    """The difference of two gateways."""
    return difference(built(before), built(after, "new"))


def said(one: Difference) -> str:
    """A difference as `foregate diff -v` prints it, without the sizes of resources."""
    lines = text(one, everything=True, colour=False).splitlines()
    return "\n".join(line for line in lines if not line.endswith(" bytes"))


def rewrite(case: Case, one: Difference) -> None:
    """Write what is expected anew."""
    plain = yaml.safe_load(case.path.read_text("utf-8"))
    plain |= {"same": one.same, "weaker": bool(one.weakenings), "text": said(one) + "\n"}
    case.path.write_text(dumped(plain), "utf-8")


def dumped(plain: dict[str, object]) -> str:
    """YAML with texts as blocks."""
    return yaml.dump(plain, Dumper=_Blocks, sort_keys=False, allow_unicode=True, width=1000)


class _Blocks(yaml.SafeDumper):
    pass


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Blocks.add_representer(str, _text)
