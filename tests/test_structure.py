"""The tree keeps its promises: no Python under envoy/, imports one way, contracts that can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINT = Path(sys.executable).parent / "lint-imports"

PACKAGES = (
    *("protos", "language", "decision", "policies", "serving"),
    *("controlplane", "extauthz", "ratelimit", "foregate"),
)

BREACHES = {
    "Imports point one way": ("language/places.py", "import policies"),
    "From the model up to the build, one way": (
        "controlplane/model/gateway.py",
        "import controlplane.plan.plan",
    ),
    "Policies do not know each other": ("policies/caps/spec.py", "import policies.health.spec"),
    "Settings know no Envoy": (
        "policies/caps/spec.py",
        "from envoy.config.cluster.v3 import cluster_pb2",
    ),
    "The compile path opens no socket": ("controlplane/compile/clusters.py", "import asyncio"),
    "The request path loads no Envoy half": (
        "extauthz/__init__.py",
        "import policies.auth.envoy",
    ),
    "The xDS state machines are pure": ("controlplane/xds/stream.py", "import grpc"),
}


def test_there_is_no_python_under_envoy() -> None:
    found = [p for p in (ROOT / "envoy").rglob("*") if p.suffix in {".py", ".pyi", ".pyc"}]
    assert found == []


def lint(tree: Path) -> str:
    done = subprocess.run(
        [LINT, "--no-cache"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin"},
    )
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("tree")
    for name in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.mark.xdist_group("contracts")
def test_tests_of_a_group_stay_on_one_worker(request: pytest.FixtureRequest) -> None:
    """The group is read from behind the @; without it each worker starts its own gateway."""
    if request.config.getoption("loadgroup", default=False):
        assert request.node.nodeid.endswith("@contracts")


@pytest.mark.xdist_group("contracts")
def test_every_contract_is_breached_here_once(tree: Path) -> None:
    said = lint(tree)
    assert f"{len(BREACHES)} kept, 0 broken" in said
    for name in BREACHES:
        assert name in said


@pytest.mark.xdist_group("contracts")
@pytest.mark.parametrize("name", BREACHES)
def test_a_contract_can_fail(tree: Path, name: str) -> None:
    file, line = BREACHES[name]
    good = (tree / file).read_text()
    try:
        (tree / file).write_text(f"{good}\n{line}\n")
        assert f"{name} BROKEN" in lint(tree)
    finally:
        (tree / file).write_text(good)


def test_the_compile_path_loads_nothing_that_opens_sockets() -> None:
    """import-linter sees no dynamic import; this sees what is there in the end."""
    code = """
import sys
from controlplane.build import Options, build
from controlplane.sources import SourceFile
data = open(sys.argv[1], "rb").read()
built = build((SourceFile(name="g", data=data),), Options())
assert built.snapshot is not None
print([m for m in ("grpc", "asyncio", "redis", "structlog", "uvloop") if m in sys.modules])
"""
    example = str(ROOT / "examples" / "shop" / "gateway.yaml")
    done = subprocess.run(
        [sys.executable, "-c", code, example], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_settings_load_no_envoy_half() -> None:
    code = """
import sys
from controlplane.model.keys import backend_keys, route_keys
assert route_keys() and backend_keys()
ours = ("envoy.", "google.protobuf")
print([m for m in sys.modules if m.startswith(ours) or m.endswith(".envoy")])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_services_load_no_envoy_half_and_no_control_plane() -> None:
    code = """
import sys
import extauthz.service, ratelimit.service, serving.run
assert "policies.auth.check" in sys.modules and "policies.limits.check" in sys.modules
bad = [m for m in sys.modules if m.startswith(("controlplane", "foregate")) or m.endswith(".spec")]
print(bad + [m for m in sys.modules if m.startswith("policies.") and m.endswith(".envoy")])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
