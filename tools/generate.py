"""Write the generated files, or say with `--check` which of them differ from what is committed."""

import argparse
import importlib
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from controlplane.model.schema import json_schema
from policies import POLICIES
from policies.contract import BackendKey, Key, NamedKey, RouteKey
from tools.bootstrap import bootstrap, bootstrap_unix
from tools.protos import NAMES, generated
from tools.routing import table

ROOT = Path(__file__).resolve().parent.parent

BEGIN = "<!-- policies: written by make generate -->"
END = "<!-- end of policies -->"

ROUTING = "<!-- routing: written by make generate -->"
END_OF_ROUTING = "<!-- end of routing -->"

WHERE = {RouteKey: "a route", BackendKey: "a backend", NamedKey: "a file"}
"""Where the keys of each kind stand."""


def schema() -> str:
    """The JSON Schema for editors."""
    return json.dumps(json_schema(), indent=2) + "\n"


def readme() -> str:
    """The README with the tables of routing and of policies made anew."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return _with(_with(text, ROUTING, table(), END_OF_ROUTING), BEGIN, _policies(), END)


def _with(text: str, begin: str, made: str, end: str) -> str:
    """A text in which what stands between two marks is made anew."""
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{made}\n{end}{rest.partition(end)[2]}"


def _policies() -> str:
    rows = ["| key | of | what it does | page |", "|---|---|---|---|"]
    for name in POLICIES:
        keys: tuple[Key, ...] = importlib.import_module(f"policies.{name}.spec").KEYS
        for key in keys:
            where = next(word for kind, word in WHERE.items() if isinstance(key, kind))
            page = f"[{name}](policies/{name}/README.md)"
            rows.append(f"| `{key.name}` | {where} | {key.summary} | {page} |")
    return "\n".join(rows)


GENERATED: tuple[tuple[str, Callable[[], str]], ...] = (
    ("envoy/bootstrap.json", bootstrap),
    ("envoy/bootstrap-unix.json", bootstrap_unix),
    ("gateway.schema.json", schema),
    ("README.md", readme),
    *((name, partial(generated, name)) for name in NAMES),
)
"""Each generated file by its path in the tree, with the function that gives its text."""


def main() -> int:
    """Write what differs; with `--check` write nothing and fail when something would."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    check = parser.parse_args().check
    differing = [path for path, make in GENERATED if _differs(ROOT / path, make(), check=check)]
    for path in differing:
        print(f"{path} is not what `make generate` writes" if check else f"wrote {path}")
    return 1 if check and differing else 0


def _differs(path: Path, text: str, *, check: bool) -> bool:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(main())
