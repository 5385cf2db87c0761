"""The plain-file mode, and bundles in JSON."""

import asyncio
import base64
import json
from pathlib import Path

import pytest

from protos import CONSUMERS, FLEET, LIMITS
from protos.limits_pb2 import Fleet, LimitSet
from serving.bundle import BundleError, Resource, from_bytes, from_json, to_bytes
from serving.metrics import Metrics
from serving.policyfile import PolicyFile, PolicyFileError
from tests.serving.sample_service import SampleIntake

TYPES = (FLEET, LIMITS)


def text(*, limit: str = "a", instances: int = 1) -> str:
    items = [
        {"name": "limits", "resource": {"@type": LIMITS, "limits": [{"id": limit, "amount": 1}]}},
        {"name": "fleet", "resource": {"@type": FLEET, "instances": instances}},
    ]
    return json.dumps({"items": items})


def loaded(path: Path, intake: SampleIntake) -> PolicyFile:
    file = PolicyFile(path, Metrics())
    assert file.load(intake, TYPES)
    return file


def test_a_file_is_taken_in_whole(tmp_path: Path) -> None:
    path, intake = tmp_path / "p.json", SampleIntake(types=TYPES)
    path.write_text(text())
    file = loaded(path, intake)
    assert LimitSet.FromString(intake.held[LIMITS]["limits"]).limits[0].id == "a"
    assert Fleet.FromString(intake.held[FLEET]["fleet"]).instances == 1
    assert not file.load(intake, TYPES)  # nothing is new
    assert file.alone
    assert not asyncio.run(file.fetch(LIMITS, "x", 1))
    file.ask(LIMITS, "x")


def test_a_type_that_is_not_in_the_file_has_come_and_is_empty(tmp_path: Path) -> None:
    path, intake = tmp_path / "p.json", SampleIntake(types=TYPES)
    path.write_text("{}")
    loaded(path, intake)
    assert intake.held == {FLEET: {}, LIMITS: {}}


def test_what_changes_is_taken_in_and_what_is_gone_removed(tmp_path: Path) -> None:
    path, intake = tmp_path / "p.json", SampleIntake(types=TYPES)
    path.write_text(text())
    file = loaded(path, intake)
    path.write_text(text(limit="b"))
    assert file.load(intake, TYPES)
    assert [u.type_url for u in intake.taken[2:]] == [LIMITS]
    path.write_text("{}")
    assert file.load(intake, TYPES)
    assert intake.held == {FLEET: {}, LIMITS: {}}


def test_a_bad_one_changes_nothing_even_if_only_its_last_part_is_bad(tmp_path: Path) -> None:
    path, intake = tmp_path / "p.json", SampleIntake(types=TYPES)
    path.write_text(text())
    file = loaded(path, intake)
    before = dict(intake.held)
    path.write_text(text(limit="bad", instances=2))
    with pytest.raises(PolicyFileError, match=r"p\.json: LimitSet: it says bad"):
        file.load(intake, TYPES)
    assert intake.held == before


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        ("", "no Bundle in JSON"),
        ("{", "no Bundle in JSON"),
        ("\udcff", "no Bundle in JSON"),
        ("[" * 5000, "no Bundle in JSON"),
        ('{"itmes": []}', "no Bundle in JSON"),
        (json.dumps({"items": [{"name": "x"}]}), "no resource"),
        (json.dumps({"items": [{"name": "x", "resource": {"@type": "a/b.C"}}]}), "b.C"),
        (json.dumps({"items": [{"resource": {"@type": LIMITS}}]}), "no name"),
        (json.dumps({"items": [{"name": "x", "resource": {"@type": LIMITS}}] * 2}), "twice"),
        (
            json.dumps({"items": [{"name": "consumers", "resource": {"@type": CONSUMERS}}]}),
            "another service",
        ),
    ],
)
def test_a_file_that_is_no_policy_is_refused(tmp_path: Path, content: str | None, why: str) -> None:
    path, intake = tmp_path / "p.json", SampleIntake(types=TYPES)
    if content is not None:
        path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(PolicyFileError, match=why) as error:
        PolicyFile(path, Metrics()).load(intake, TYPES)
    assert str(path) in error.value.message
    assert intake.taken == []


def test_a_refusal_tells_no_key(tmp_path: Path) -> None:
    digest = base64.b64encode(b"k" * 32).decode()
    keys = [{"sha256": digest, "scopes": 1}]
    resource = {"@type": CONSUMERS, "consumers": [{"keys": keys}]}
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"items": [{"name": "consumers", "resource": resource}]}))
    with pytest.raises(PolicyFileError) as error:
        PolicyFile(path, Metrics()).load(SampleIntake(types=(CONSUMERS,)), (CONSUMERS,))
    assert digest not in error.value.message


def test_a_change_of_the_file_is_seen_also_by_replacement(tmp_path: Path) -> None:
    path, intake = tmp_path / "p.json", SampleIntake(types=TYPES)
    path.write_text(text())

    def limit() -> str:
        return LimitSet.FromString(intake.held[LIMITS]["limits"]).limits[0].id

    async def body() -> None:
        file = loaded(path, intake)
        changes: list[None] = []
        task = asyncio.create_task(file.watch(intake, TYPES, lambda: changes.append(None)))
        path.write_text(text(limit="b"))
        await intake.until(lambda: limit() == "b")
        path.write_text(text(limit="bad"))
        await intake.until(lambda: any(b"bad" in b for b in intake.taken[-1].changed.values()))
        assert limit() == "b"
        (tmp_path / "new").write_text(text(limit="c"))
        (tmp_path / "new").replace(path)
        await intake.until(lambda: limit() == "c")
        assert len(changes) >= 2
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(body())


def test_binary_bundles_come_back() -> None:
    held = {LIMITS: {"limits": Resource(version="v", body=b"x")}}
    assert from_bytes(to_bytes(held)) == held
    with pytest.raises(BundleError):
        from_bytes(b"\xff")
    (one,) = from_json(text().encode())[LIMITS].values()
    (other,) = from_json(text(limit="b").encode())[LIMITS].values()
    assert len({one.version, other.version, ""}) == 3
