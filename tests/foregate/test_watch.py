"""What is saved is heard of: files, folders, and what is not there yet or any more."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest

from foregate.watch import concerns, saves, watched

DEADLINE = 20.0

Saved = Callable[[], Awaitable[None]]


def hears(path: Path, body: Callable[[Saved], Awaitable[None]]) -> None:
    """Run `body` with a function that waits for a save to be told; the watch has begun by then."""

    async def whole() -> None:
        told = saves(path)

        async def saved() -> None:
            await anext(told)

        async with asyncio.timeout(DEADLINE), aclosing(told):
            await saved()
            await body(saved)

    asyncio.run(whole())


async def until(saved: Saved, change: Callable[[], object], holds: Callable[[], bool]) -> None:
    """Change something, and wait until a save is told at which it can be seen."""
    change()
    while True:
        await saved()
        if holds():
            return


async def goes_on(saved: Saved, file: Path) -> None:
    """Save several times: what was still to be told of earlier changes is soon used up."""
    for text in ("1", "2", "3", "4"):
        file.write_text(text)  # noqa: ASYNC240 # a small file of a test
        await saved()


def test_a_file_is_heard_of_however_it_is_saved(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text("one")

    async def body(saved: Saved) -> None:
        await until(saved, lambda: file.write_text("two"), lambda: file.read_text() == "two")
        (tmp_path / "new").write_text("three")
        await until(
            saved, lambda: (tmp_path / "new").replace(file), lambda: file.read_text() == "three"
        )
        await until(saved, file.unlink, lambda: not file.exists())
        await until(saved, lambda: file.write_text("four"), file.exists)

    hears(file, body)


@pytest.mark.parametrize("name", ["gateway.yaml", "gateway", "gateway.d"])
def test_a_folder_is_heard_of_once_it_is_there(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "a" / "b" / name

    async def body(saved: Saved) -> None:
        await until(saved, (tmp_path / "a").mkdir, (tmp_path / "a").exists)
        await until(saved, lambda: folder.mkdir(parents=True), folder.exists)
        file = folder / "more" / "users.yaml"
        await until(saved, file.parent.mkdir, file.parent.exists)
        await goes_on(saved, file)

    hears(folder, body)


def test_a_folder_that_is_made_anew_is_heard_of(tmp_path: Path) -> None:
    folder = tmp_path / "gateway"
    folder.mkdir()
    file = folder / "gateway.yaml"
    file.write_text("one")

    async def body(saved: Saved) -> None:
        def anew() -> None:
            shutil.rmtree(folder)
            folder.mkdir()

        await until(saved, anew, lambda: not file.exists())
        await goes_on(saved, file)

    hears(folder, body)


def test_a_folder_that_takes_the_place_of_another_is_heard_of(tmp_path: Path) -> None:
    folder, other = tmp_path / "gateway", tmp_path / "other"
    for one in (folder, other):
        one.mkdir()
        (one / "gateway.yaml").write_text(one.name)
    file = folder / "gateway.yaml"

    async def body(saved: Saved) -> None:
        def swap() -> None:
            folder.rename(tmp_path / "old")
            other.rename(folder)

        await until(saved, swap, lambda: file.read_text() == "other")
        await goes_on(saved, file)

    hears(folder, body)


def test_a_link_that_is_bent_is_followed(tmp_path: Path) -> None:
    """As a mounted ConfigMap does it."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "gateway.yaml").write_text(name)
    (tmp_path / "data").symlink_to("one")
    (tmp_path / "at").mkdir()
    file = tmp_path / "at" / "gateway.yaml"
    file.symlink_to("../data/gateway.yaml")

    async def body(saved: Saved) -> None:
        def bend() -> None:
            (tmp_path / "new").symlink_to("two")
            (tmp_path / "new").replace(tmp_path / "data")

        await until(saved, bend, lambda: file.read_text() == "two")
        await goes_on(saved, tmp_path / "two" / "gateway.yaml")

    hears(file, body)


def test_what_is_watched_is_always_there(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "gateway.yaml"
    assert watched(file) == ((tmp_path,), False)
    (tmp_path / "a").mkdir()
    assert watched(file) == ((tmp_path / "a",), False)
    assert watched(tmp_path / "a") == ((tmp_path / "a",), True)
    (tmp_path / "link").symlink_to(tmp_path / "gone" / "gateway.yaml")
    assert watched(tmp_path / "link") == ((tmp_path,), False)


def test_only_what_may_be_part_of_the_gateway_concerns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkdir("gateway")  # noqa: PTH102 # as the user names it
    assert concerns(Path("a.yaml"), "a.yaml")
    assert not concerns(Path("a.yaml"), "b.yaml")
    assert concerns(Path("gateway"), "gateway/b.yaml")
    assert not concerns(Path("gateway"), "gateway/.b.yaml")
    assert not concerns(Path("gateway"), "gateway/notes.txt")
    assert concerns(Path("x/y.d"), str(tmp_path / "x"))
    assert concerns(Path("x/y.d"), str(tmp_path / "x" / "y.d"))


def test_a_name_that_is_not_utf8_ends_no_watch(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text("")
    bad = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml"))

    async def body(saved: Saved) -> None:
        await until(saved, lambda: bad.write_text(""), bad.exists)
        for text in ("a", "b"):
            await until(saved, lambda: bad.write_text(text), lambda: bad.read_text() == text)  # noqa: B023 # called at once
            await goes_on(saved, file)

    hears(tmp_path, body)
