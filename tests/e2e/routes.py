"""What `foregate xds` says of routes: what Envoy sends to the services for each of them."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.process import ROOT, foregate

SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A route by its rule: the pipeline it names for extauthz, the limits for ratelimit."""

    rule: str
    pipeline: str
    limits: tuple[str, ...]


def ran(
    *words: str, cwd: Path, environ: Mapping[str, str] | None = None, code: int = 0
) -> subprocess.CompletedProcess[str]:
    """A run of `foregate` that ends by itself with this exit code."""
    done = subprocess.run(
        foregate(*words),
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done


def told(said: str) -> dict[str, Told]:
    """The routes in the output of `foregate xds -o json`, by path."""
    kind = ".RouteConfiguration"
    shown = [r["resource"] for r in json.loads(said)["resources"] if r["type"].endswith(kind)]
    routes = [r for table in shown for h in table["virtual_hosts"] for r in h["routes"]]
    mine = [r for r in routes if r["name"].startswith("r-")]
    return {r["match"]["path"]: _told(r) for r in mine if "path" in r["match"]}


def _told(route: Mapping[str, Any]) -> Told:
    settings = route["typed_per_filter_config"]
    extensions = settings["foregate.auth"].get("check_settings", {}).get("context_extensions", {})
    limits = [
        one["actions"][0]["generic_key"]["descriptor_value"]
        for name in ("foregate.limits.before", "foregate.limits.after")
        for one in settings.get(name, {}).get("rate_limits", ())
    ]
    pipeline = extensions.get("foregate.pipeline", "")
    return Told(rule=route["name"], pipeline=pipeline, limits=tuple(limits))
