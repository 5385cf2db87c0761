"""The policy folders of the tree: their halves, pages and cases, found by name."""

import importlib
import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from controlplane.model.keys import decoder
from policies import POLICIES
from policies.contract import Key

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ROOT / "policies"


def keys(policy: str) -> tuple[Key, ...]:
    """The keys that a policy brings into the language."""
    found: tuple[Key, ...] = importlib.import_module(f"policies.{policy}.spec").KEYS
    return found


def every_key() -> list[Key]:
    """The keys of all policies."""
    return [key for policy in POLICIES for key in keys(policy)]


def sub_keys(key: Key) -> tuple[str, ...]:
    """The keys of a key's mapping, or of those in its list; none where it holds one value."""
    return tuple(dict.fromkeys((*decoder(key).keys(()), *decoder(key).keys((0,)))))


def envoy_half(policy: str) -> ModuleType | None:
    """The half that speaks Envoy, where a policy has one."""
    name = f"policies.{policy}.envoy"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def page(policy: str) -> str:
    """The user's page."""
    return (FOLDERS / policy / "README.md").read_text("utf-8")


def case_files(policy: str) -> list[Path]:
    """The golden cases."""
    return sorted((FOLDERS / policy / "cases").glob("*.yaml"))


def mappings(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every mapping in a value, at any depth."""
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value:
        if isinstance(below, dict | list):
            yield from mappings(below)


def written(path: Path) -> list[Mapping[str, Any]]:
    """The mappings of a case's gateway file."""
    return list(mappings(yaml.safe_load(yaml.safe_load(path.read_text("utf-8"))["gateway"])))
