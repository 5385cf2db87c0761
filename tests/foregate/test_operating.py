"""`push` and `rollback` from both ends: what is asked for, what is said, and the exit code."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result as Said

from foregate.applying.change import Result
from foregate.main import main
from foregate.operating import LARGEST, NAME, actions
from foregate.resultpage import ResultRecord, record
from language.mistakes import Mistake
from language.places import Place
from serving.address import address
from serving.admin import Action, Admin
from tests.e2e.process import free_port
from tests.foregate.applying.world import Kept, World, gateway, play

HOSTILE = "\x1b]0;owned\x07\x1b[2J\r\u202e"
MANY = tuple(f"b{n:02}" for n in range(20))
PUSH = {"by": "ada", "allowRemoval": False}
BACK = {"by": "ada", "to": None}


def run(*words: str) -> Said:
    return CliRunner().invoke(main, words, catch_exceptions=False)


async def asked(acts: dict[str, Action], *words: str) -> Said:
    """What the command says of a control plane that does these."""
    admin = Admin((), lambda: True, {}, acts)
    try:
        where = await admin.start(address("127.0.0.1:0"))
        return await asyncio.to_thread(run, *words, "--admin", str(where))
    finally:
        await admin.stop()


def answering(answer: bytes, status: int = 200) -> dict[str, Action]:
    async def act(_: bytes) -> tuple[int, bytes]:
        return status, answer

    return {"/push": act, "/rollback": act}


def told(result: ResultRecord, *words: str) -> Said:
    return asyncio.run(asked(answering(json.dumps(result).encode()), *words))


def made(**more: Any) -> ResultRecord:  # of any field
    made = Result(**{"state": "live", "number": 7, "content": "c0", **more})
    return record(made, {})


@pytest.mark.parametrize(
    ("more", "words", "code"),
    [
        ({}, "version 7 is live", 0),
        ({"number": None}, "version c0 is live", 0),
        ({"state": "unchanged"}, "nothing changes: version 7 is served", 0),
        (
            {"state": "waiting"},
            "version 7 is on offer; not every node has it: see `foregate fleet`",
            1,
        ),
        ({"state": "held"}, "held: version 7 stays", 1),
        ({"state": "held", "content": ""}, "held: nothing is served yet", 1),
        ({"state": "refused"}, "version 7 stays", 1),
        ({"state": "refused", "content": ""}, "nothing is served yet", 1),
    ],
)
def test_the_last_line_and_the_exit_code(more: dict[str, object], words: str, code: int) -> None:
    said = told(made(**more), "push")
    assert (said.stdout, said.stderr, said.exit_code) == (words + "\n", "", code)
    said = told(made(**more), "push", "-o", "json")
    assert (json.loads(said.stdout), said.exit_code) == (made(**more), code)


def test_a_rollback_says_until_when() -> None:
    said = told(made(), "rollback", "7")
    assert said.stdout == "version 7 is live: it stays until the files change, or `foregate push`\n"


def test_mistakes_and_warnings_are_told_beside_it() -> None:
    mistake = Mistake(place=Place("a.yaml", 3, 1), message="no such backend")
    said = told(made(mistakes=(mistake,), warnings=("it waits",)), "push")
    assert said.stderr == "a.yaml:3:1: error: no such backend\n1 error\nit waits\n"
    assert (said.stdout, said.exit_code) == ("version 7 is live\n", 1)


def test_nothing_that_an_answer_says_reaches_the_terminal_as_it_is() -> None:
    result = made(number=None, content=HOSTILE, warnings=(HOSTILE,))
    result["report"] = f"one\n{HOSTILE}two"
    result["warnings"] = [HOSTILE]
    said = told(result, "push")
    assert all(line.isprintable() for line in (said.stdout + said.stderr).split("\n"))
    assert "two" in said.stderr
    said = told(result, "push", "-o", "json")
    assert said.stdout.isascii()
    assert "\x1b" not in said.stdout


@pytest.mark.parametrize("words", [("push",), ("rollback",)])
@pytest.mark.parametrize(
    "answer", [b"", b"{}", b"[]", b"\xff", b'{"ok": 1}', json.dumps({"ok": HOSTILE}).encode()]
)
def test_what_is_no_result_is_told(answer: bytes, words: tuple[str, ...]) -> None:
    said = asyncio.run(asked(answering(answer), *words))
    assert (said.stdout, said.exit_code) == ("", 1)
    assert "is no control plane's" in said.stderr


@pytest.mark.parametrize("words", [("push",), ("rollback",)])
def test_an_older_control_plane_and_none_are_told(words: tuple[str, ...]) -> None:
    said = asyncio.run(asked({}, *words))
    assert said.exit_code == 1
    assert f"has no /{words[0]}: start `foregate controlplane`" in said.stderr
    where = f"127.0.0.1:{free_port()}"
    said = run(*words, "--admin", where)
    assert (said.stdout, said.exit_code) == ("", 1)
    assert f"no control plane answers at {where}" in said.stderr


def test_a_control_plane_that_does_not_understand_is_told() -> None:
    said = asyncio.run(asked(answering(b"{}", 400), "push"))
    assert "does not do this (status 400): is it of this release?" in said.stderr
    assert said.exit_code == 1


@pytest.mark.parametrize("number", ["0", "-1", "x", str(LARGEST + 1)])
def test_a_number_that_no_version_has_is_not_asked_for(number: str) -> None:
    assert run("rollback", "--", number).exit_code == 2


NO_PUSH: tuple[object, ...] = (None, [], "", {}, {"by": "ada"}, {"allowRemoval": True})
NO_FLAGS: tuple[object, ...] = (0, 1, "true", None, [])
NO_NUMBERS: tuple[object, ...] = (0, -1, 1.5, "1", True, LARGEST + 1, 10**400, [])
WRONG: list[tuple[str, object]] = [
    *(("/push", body) for body in NO_PUSH),
    *(("/push", {**PUSH, "allowRemoval": one}) for one in NO_FLAGS),
    *(("/push", {**PUSH, **more}) for more in ({"to": 1}, {"by": 1}, {"by": "x" * (NAME + 1)})),
    *(("/rollback", {**BACK, "to": one}) for one in NO_NUMBERS),
    *(("/rollback", body) for body in ({}, {"by": "ada"}, {**BACK, "allowRemoval": True})),
]


def on_applier(folder: Path, body: Callable[[World, dict[str, Action]], Awaitable[None]]) -> None:
    async def whole(world: World) -> None:
        await world.save(gateway(*MANY))
        await body(world, dict(actions(world.applier)))

    play(folder, whole, kept=Kept(folder / "state"))


def test_a_wish_is_what_it_must_be_and_no_more(tmp_path: Path) -> None:
    async def body(world: World, acts: dict[str, Action]) -> None:
        for path, wish in WRONG:
            assert await acts[path](json.dumps(wish).encode()) == (400, b"{}"), wish
        for data in (b"", b"{", b"\xff", b'{"by": "\\ud800", "allowRemoval": true}', b"[" * 9999):
            assert (await acts["/push"](data))[0] == 400
        assert len(world.history.versions()) == 1

    on_applier(tmp_path, body)


def test_who_asked_is_written_down_without_what_a_terminal_obeys(tmp_path: Path) -> None:
    async def body(world: World, acts: dict[str, Action]) -> None:
        world.put(gateway=gateway("other"))
        status, answer = await acts["/push"](json.dumps({**PUSH, "by": HOSTILE}).encode())
        assert (status, json.loads(answer)["state"]) == (200, "held")
        wish = {"by": HOSTILE, "allowRemoval": True}
        await acts["/push"](json.dumps(wish).encode())
        by = world.version(2).note.by
        assert by.isprintable()
        assert "owned" in by

    on_applier(tmp_path, body)


def test_past_the_brake_once_and_back(tmp_path: Path) -> None:
    async def body(world: World, acts: dict[str, Action]) -> None:
        world.put(gateway=gateway("other"))
        said = await asked(acts, "push")
        assert (said.stdout, said.exit_code) == ("held: version 1 stays\n", 1)
        assert "    1 | version: 1" in said.stderr  # the line that is meant, of what is on disk
        said = await asked(acts, "push", "--allow-removal")
        assert said.stdout.startswith("version 2 is on offer; not every node has it")
        assert "--allow-removal lets this version through: it removes 20 of 20" in said.stderr
        note = world.version(2).note
        assert "@" in note.by
        assert note.lifted
        said = await asked(acts, "rollback", "1", "-o", "json")
        assert json.loads(said.stdout)["version"] == 3
        assert world.served() == set(MANY)
        said = await asked(acts, "push")
        assert (said.stdout, said.exit_code) == ("held: version 3 stays\n", 1)
        said = await asked(acts, "rollback", "9")
        assert (said.stdout, said.exit_code) == ("version 3 stays\n", 1)
        assert "there is no version 9" in said.stderr

    on_applier(tmp_path, body)


def test_with_a_node_all_is_well(tmp_path: Path) -> None:
    async def body(world: World, acts: dict[str, Action]) -> None:
        async with world.envoy():
            world.put(gateway=gateway(*MANY, "more"))
            for words in ("version 2 is live", "nothing changes: version 2 is served"):
                said = await asked(acts, "push")
                assert said.stdout.splitlines()[-1] == words  # what is logged comes before
                assert said.exit_code == 0

    on_applier(tmp_path, body)
