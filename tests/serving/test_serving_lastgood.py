"""The last good on disk: what was written comes back whole, or not at all."""

import asyncio
import functools
import stat
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from serving.bundle import Holding, Resource
from serving.lastgood import LastGood
from serving.metrics import Metrics

TYPE = "type.googleapis.com/foregate.auth.v1.ConsumerSet"


def holding(**bodies: str) -> Holding:
    return {TYPE: {n: Resource(version="1", body=b.encode()) for n, b in bodies.items()}}


def kept(state: Path, service: str = "extauthz") -> LastGood:
    return LastGood(state, service, Metrics())


def write(state: Path, what: Holding) -> Path:
    """Write as a process does that ends at once."""

    async def body() -> None:
        file = kept(state)
        file.changed()
        task = asyncio.create_task(file.keep(lambda: what))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(body())
    return kept(state).path


def test_what_was_kept_comes_back_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert kept(state).read() is None
    path = write(state, holding(a="x", b=""))
    assert kept(state).read() == holding(a="x", b="")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["last-good"]


def test_cut_at_any_byte_it_is_ignored(tmp_path: Path) -> None:
    path = write(tmp_path, holding(a="x" * 40))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert kept(tmp_path).read() is None
    path.write_bytes(whole)
    assert kept(tmp_path).read() is not None


def test_changed_in_any_byte_it_is_ignored(tmp_path: Path) -> None:
    path = write(tmp_path, holding(a="x" * 40))
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert kept(tmp_path).read() is None
    path.write_bytes(whole + b"\0")
    assert kept(tmp_path).read() is None


def test_that_of_another_service_is_ignored(tmp_path: Path) -> None:
    path = write(tmp_path, holding(a="x"))
    other = kept(tmp_path, "ratelimit")
    other.path.parent.mkdir()
    other.path.write_bytes(path.read_bytes())
    assert other.read() is None


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_one_that_others_may_write_is_ignored(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path, holding(a="x"))
    path.chmod(mode)
    assert kept(tmp_path).read() is None


def test_a_folder_in_its_place_is_ignored(tmp_path: Path) -> None:
    kept(tmp_path).path.mkdir(parents=True)
    assert kept(tmp_path).read() is None


def test_where_it_cannot_be_written_the_old_one_stays_and_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "extauthz").write_text("a file where the folder should be")
    write(tmp_path, holding(a="x"))
    assert kept(tmp_path).read() is None


def test_a_process_that_dies_before_the_rename_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, holding(a="old"))

    def die(self: Path, target: Path) -> Path:
        raise OSError(5, "died", str(self), None, str(target))

    monkeypatch.setattr(Path, "replace", die)
    write(tmp_path, holding(a="new"))
    assert kept(tmp_path).read() == holding(a="old")


def test_what_is_new_when_the_process_ends_is_written_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, allowed = threading.Event(), threading.Event()
    original = LastGood._replace  # held up

    def held(self: LastGood, data: bytes) -> None:
        begun.set()
        assert allowed.wait(10)
        original(self, data)

    monkeypatch.setattr(LastGood, "_replace", held)

    async def body() -> None:
        file, now = kept(tmp_path), holding(a="old")
        task = asyncio.create_task(file.keep(lambda: now))
        file.changed()
        assert await asyncio.to_thread(begun.wait, 10)
        now = holding(a="new")
        file.changed()
        task.cancel()
        allowed.set()
        await asyncio.wait([task])

    asyncio.run(body())
    assert kept(tmp_path).read() == holding(a="new")


def test_many_changes_are_few_writes_off_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    written: list[Mapping[str, object]] = []
    begun, allowed = threading.Event(), threading.Event()
    done: list[Callable[[], object]] = []
    original = LastGood._replace  # counted

    def counted(self: LastGood, data: bytes) -> None:
        threads.append(threading.get_ident())
        begun.set()
        assert allowed.wait(10)
        original(self, data)
        if len(threads) == 2:
            done[0]()

    monkeypatch.setattr(LastGood, "_replace", counted)

    async def body() -> None:
        file = kept(tmp_path)
        now = holding(a="0")
        second = asyncio.Event()
        loop = asyncio.get_running_loop()
        done.append(functools.partial(loop.call_soon_threadsafe, second.set))

        def current() -> Holding:
            written.append(now)
            return now

        async with asyncio.timeout(20):
            task = asyncio.create_task(file.keep(current))
            file.changed()
            assert await asyncio.to_thread(begun.wait, 10)
            for number in range(1, 100):
                now = holding(a=str(number))
                file.changed()
                await asyncio.sleep(0)
            allowed.set()
            await second.wait()
            assert kept(tmp_path).read() == holding(a="99")
            task.cancel()
            await asyncio.wait([task])

    asyncio.run(body())
    assert len(written) == 2
    assert threading.get_ident() not in threads
