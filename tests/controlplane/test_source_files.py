"""Files and folders as they are read, and what is said of those that cannot be."""

import errno
import os
from pathlib import Path

import pytest

from controlplane.files import DEEPEST, LARGEST, read_sources


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def says(path: str) -> list[tuple[str, str]]:
    found = read_sources(Path(path))
    return [(one.place.file, one.message) for one in found.mistakes]


def names(path: str) -> list[str]:
    found = read_sources(Path(path))
    assert found.mistakes == ()
    return [one.name for one in found.files]


def write(path: str, text: str = "version: 1\n") -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def test_a_file_alone_is_the_gateway_whatever_its_name() -> None:
    write("my.conf", "a: b\n")
    (file,) = read_sources(Path("my.conf")).files
    assert (file.name, file.data) == ("my.conf", b"a: b\n")


def test_a_folder_is_every_yaml_file_below_it_in_order() -> None:
    for name in ("gw/teams/b.yml", "gw/gateway.yaml", "gw/a.yaml", "gw/notes.txt"):
        write(name)
    write("gw/.hidden.yaml")
    write("gw/.git/x.yaml")
    assert names("gw") == ["gw/a.yaml", "gw/gateway.yaml", "gw/teams/b.yml"]


def test_a_linked_file_counts_and_a_linked_folder_is_not_entered() -> None:
    write("gw/gateway.yaml")
    write("elsewhere/team.yaml")
    Path("gw/team.yaml").symlink_to("../elsewhere/team.yaml")
    Path("gw/circle").symlink_to("../gw")
    assert names("gw") == ["gw/gateway.yaml", "gw/team.yaml"]


def test_what_is_not_there_is_said() -> None:
    assert says("gateway.yaml") == [("gateway.yaml", "there is no such file or folder")]
    Path("gone.yaml").symlink_to("nowhere")
    assert says("gone.yaml") == [("gone.yaml", "this link leads nowhere")]


def test_a_folder_without_its_main_file_is_no_gateway() -> None:
    write("gw/a.yaml")
    assert says("gw") == [("gw", "this folder holds no gateway.yaml")]
    write("gw/gateway.yml")
    assert says("gw") == [("gw/gateway.yml", "a folder's main file is called gateway.yaml")]


def test_a_mistake_of_the_whole_is_no_unread_file() -> None:
    write("gw/team.yaml")
    assert read_sources(Path("gw")).unread == ()
    assert read_sources(Path("nowhere")).unread == ()


def test_a_fifo_is_refused_and_not_waited_for() -> None:
    os.mkfifo("pipe.yaml")
    assert says("pipe.yaml") == [("pipe.yaml", "this is not a regular file")]
    assert says("/dev/zero") == [("/dev/zero", "this is not a regular file")]


def test_one_bad_file_of_a_folder_leaves_the_others() -> None:
    write("gw/gateway.yaml")
    os.mkfifo("gw/a.yaml")
    found = read_sources(Path("gw"))
    assert [one.name for one in found.files] == ["gw/gateway.yaml"]
    assert [one.place.file for one in found.mistakes] == ["gw/a.yaml"]
    assert found.unread == ("gw/a.yaml",)


def test_the_bound_is_eight_mebibytes() -> None:
    exact = write("exact.yaml", "#" * LARGEST)
    assert len(read_sources(exact).files[0].data) == LARGEST == 8 * 1024 * 1024
    write("more.yaml", "#" * (LARGEST + 1))
    assert says("more.yaml") == [("more.yaml", "this file is larger than 8 MiB")]
    # What grows while it is read, or whose size is not known before, is bounded too.
    assert says("/proc/self/mem") == [("/proc/self/mem", "this cannot be read: Input/output error")]


def test_a_file_without_permission_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's answer is put in: a test that runs as root is refused nothing."""

    def refuse(path: Path, _flags: int) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    write("secret.yaml")
    monkeypatch.setattr(os, "open", refuse)
    assert says("secret.yaml") == [("secret.yaml", "this cannot be read: permission denied")]


def test_a_name_that_is_not_utf8_is_a_mistake_of_that_file() -> None:
    write("gw/gateway.yaml")
    Path(os.fsdecode(b"gw/\xff")).mkdir()
    for name in (b"gw/\xff.yaml", b"gw/\xff/a.yaml"):
        Path(os.fsdecode(name)).write_text("routes: [\n")
    found = read_sources(Path("gw"))
    assert [file.name for file in found.files] == ["gw/gateway.yaml"]
    assert sorted(found.unread) == ["gw/\\xff.yaml", "gw/\\xff/a.yaml"]
    assert {one.message for one in found.mistakes} == {"this name is not UTF-8"}
    assert {one.place.file for one in found.mistakes} == set(found.unread)


def test_folders_below_one_another_are_bounded(here: Path) -> None:
    write("gw/gateway.yaml")
    write("gw/" + "a/" * DEEPEST + "x.yaml")
    assert len(names("gw")) == 2
    os.chdir("gw/" + "a/" * DEEPEST)
    for _ in range(1200):
        Path("a").mkdir()
        os.chdir("a")
    os.chdir(here)
    found = read_sources(Path("gw"))
    assert (found.files, found.unread) == ((), ())
    assert says("gw") == [("gw" + "/a" * (DEEPEST + 1), f"folders lie deeper than {DEEPEST} here")]
