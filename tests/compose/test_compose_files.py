"""`docker-compose.yml` and the image: Compose and hadolint take them; nothing in them is open."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from foregate.commands.keys import PREFIX, key_hash, why_no_key
from tests.compose.services import FILE, document, services
from tests.compose.validator import complaint
from tests.e2e.process import ROOT

pytestmark = pytest.mark.xdist_group("compose")

DOCKERFILE = ROOT / "docker" / "Dockerfile"
HADOLINT = Path(sys.executable).parent / "hadolint"
PARTS = sorted(document()["services"])
EXAMPLE = ROOT / "examples" / "compose" / "gateway.yaml"


def part(name: str) -> dict[str, Any]:
    found: dict[str, Any] = document()["services"][name]
    return found


def pins(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / file).read_text(), re.MULTILINE))


def test_compose_takes_the_file() -> None:
    assert complaint(FILE) == ""


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("read_only: true", "read_onli: true"),
        ("condition: service_healthy", "condition: service_well"),
        ("- controlplane:/state", "- kontrolplane:/state"),
        ("networks: [inside]", "networks: 1"),
    ],
)
def test_compose_would_refuse_a_mistake(tmp_path: Path, good: str, bad: str) -> None:
    text = FILE.read_text()
    assert good in text
    (tmp_path / "docker-compose.yml").write_text(text.replace(good, bad))
    assert complaint(tmp_path / "docker-compose.yml")


def hadolint(file: Path) -> str:
    done = subprocess.run([HADOLINT, file], check=False, capture_output=True, text=True, timeout=60)
    return done.stdout


def test_hadolint_takes_the_dockerfile(tmp_path: Path) -> None:
    assert hadolint(DOCKERFILE) == ""
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN pip install foregate\n")
    assert "DL3007" in hadolint(tmp_path / "Dockerfile")


def test_the_parts_are_those_of_the_design() -> None:
    expected = ["controlplane", "envoy", "extauthz", "ratelimit", "redis", "upstream"]
    assert expected == PARTS
    order = list(services())
    assert order.index("controlplane") < order.index("extauthz") < order.index("envoy")
    assert order.index("redis") < order.index("ratelimit") < order.index("envoy")


@pytest.mark.parametrize("name", PARTS)
def test_a_part_can_do_nothing_but_its_work(name: str) -> None:
    found = part(name)
    user, group = found["user"].split(":")
    assert int(user) >= 1000
    assert int(group) >= 1000
    assert found["read_only"] is True
    assert found["cap_drop"] == ["ALL"]
    assert "cap_add" not in found
    assert "privileged" not in found
    assert found["security_opt"] == ["no-new-privileges:true"]
    assert found["restart"] == "unless-stopped"
    assert found["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(found["healthcheck"])
    assert found["mem_limit"]
    assert found["pids_limit"] <= 256
    assert not {"pid", "ipc", "userns_mode", "devices", "env_file"} & set(found)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_writes_to_its_volumes_alone(name: str) -> None:
    declared = document()["volumes"]
    for volume in part(name).get("volumes", ()):
        source, _, rest = volume.partition(":")
        if source.startswith("."):
            assert rest.endswith(":ro"), volume
            assert (ROOT / source).exists()
        else:
            assert source in declared
    assert "docker.sock" not in FILE.read_text()


def test_nothing_but_the_gateway_is_published_and_on_loopback() -> None:
    published = {name: part(name)["ports"] for name in PARTS if "ports" in part(name)}
    assert published == {"envoy": ["127.0.0.1:8080:8080"]}


def test_who_needs_no_network_has_none() -> None:
    assert {n for n in PARTS if part(n).get("network_mode") == "none"} == {
        *("extauthz", "ratelimit", "redis")
    }
    assert part("upstream")["networks"] == ["inside"]
    assert part("controlplane")["networks"] == ["edge"]
    networks = document()["networks"]
    assert networks["inside"]["internal"] is True
    assert {n for name in PARTS for n in part(name).get("networks", ())} == set(networks)


def test_every_image_is_pinned() -> None:
    images = [part(name)["image"] for name in PARTS]
    images += re.findall(r"^FROM (\S+:\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    foreign = {image for image in images if image != f"foregate:{version}"}
    assert len(foreign) == 2
    for image in foreign:
        assert re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+@sha256:[0-9a-f]{64}", image), image


def test_there_is_no_secret() -> None:
    for file in (FILE, DOCKERFILE, ROOT / ".dockerignore"):
        text = file.read_text()
        assert not re.search(r"(?i)password|passwd|secret|token|private.?key", text), file
        assert PREFIX not in text


def test_envoy_sheds_load_before_the_kernel_kills_it() -> None:
    limit = part("envoy")["mem_limit"]
    text = (ROOT / "envoy" / "bootstrap-unix.json").read_text()
    (heap,) = map(int, re.findall(r'"max_heap_size_bytes": "?(\d+)', text))
    assert limit.endswith("m")
    assert int(limit[:-1]) << 20 > heap


def test_the_image_is_of_the_same_versions_as_the_tests() -> None:
    whole, run, build = (
        pins("requirements.lock"),
        pins("docker/run.lock"),
        pins("docker/build.lock"),
    )
    assert run.items() <= whole.items()
    assert build.items() <= whole.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = {re.match(r"[\w.-]+", d)[0] for d in project["project"]["dependencies"]}  # type: ignore[index] # each has one
    assert names <= set(run)
    assert set(project["build-system"]["requires"]) <= {f"{n}=={v}" for n, v in build.items()}
    assert not {"pytest", "mypy", "envoy-data-plane", "grpcio-tools"} & set(run)
    for file in ("docker/run.lock", "docker/build.lock"):
        text = (ROOT / file).read_text()
        assert text.count("==") <= text.count("--hash=sha256:")


def test_the_image_is_made_of_what_the_wheel_needs() -> None:
    kept = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["packages"]) <= kept
    for forced in wheel["force-include"]:
        assert forced in kept or f"{Path(forced).parent}/*{Path(forced).suffix}" in kept
    for line in kept:
        assert list(ROOT.glob(line)), line


def test_the_two_keys_of_the_demo_are_whole_and_are_those_whose_hashes_it_has() -> None:
    text = EXAMPLE.read_text()
    keys = re.findall(rf"{PREFIX}[0-9A-Za-z]+", text)
    assert len(keys) == 2
    assert not any(why_no_key(key) for key in keys)
    assert {key_hash(key) for key in keys} == set(re.findall(r"sha256:[0-9a-f]{64}", text))
