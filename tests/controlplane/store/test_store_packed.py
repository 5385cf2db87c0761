"""What is compressed comes back, what is not is read as well, and torn is not whole."""

import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.store import packed as module
from controlplane.store.manifests import digest
from controlplane.store.objects import Objects
from controlplane.store.packed import HEAD_BYTES, packed, sizes, unpacked
from controlplane.store.store import Store
from tests.controlplane.store.numbered import numbered, plain

LARGEST = 1 << 20
contents = st.one_of(
    st.binary(max_size=200),
    st.binary(max_size=20).map(lambda part: part * 50),
    st.binary(max_size=20).map(packed),
    st.binary(max_size=20).map(lambda rest: b"fgz\n" + rest),
)


@given(contents)
def test_any_content_comes_back(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    objects = Objects(tmp_path_factory.mktemp("objects"))
    name = digest(data)
    objects.put(name, data)
    assert len(packed(data)) <= len(data)
    fresh = Objects(objects.folder)
    assert fresh.has(name, len(data))
    assert fresh.read(name) == data


@given(st.binary(max_size=300))
def test_what_is_none_of_ours_is_nothing(data: bytes) -> None:
    assert unpacked(data, LARGEST) is None or data.startswith(b"fgz\n")
    assert unpacked(b"fgz\n" + data, LARGEST) is None or sizes(b"fgz\n" + data) is not None


def test_a_cut_or_changed_file_is_not_read(tmp_path: Path) -> None:
    data = b"route " * 100
    name = digest(data)
    file = packed(data)
    assert len(file) < len(data) // 3
    for hurt in (*(file[:n] for n in range(len(file))), file + b"x", file[:-1] + b"x"):
        (tmp_path / name).write_bytes(hurt)
        assert Objects(tmp_path).read(name) is None
        assert Objects(tmp_path).has(name, len(data)) == (hurt == file[:-1] + b"x")


def test_a_head_that_lies_costs_no_memory() -> None:
    """1 GiB of zeros in 1 MB: no more of it is unpacked than the head says, and at most so much."""
    head, body = b"", zlib.compress(bytes(64 << 20), 9)
    for said in (10, LARGEST, LARGEST + 1, 64 << 20):
        head = module._HEAD.pack(b"fgz\n", said, len(body))  # noqa: SLF001 # nobody else writes one
        assert unpacked(head + body, LARGEST) is None
    assert len(head) == HEAD_BYTES


def test_a_store_of_before_is_read_as_it_is(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.publish(numbered(1))
    store.close()
    for folder in ("objects", "sets", "builds"):
        for path in (tmp_path / folder).iterdir():
            path.write_bytes(plain(path))
    (tmp_path / "versions").rmdir()
    store = Store(tmp_path)
    assert store.published() == numbered(1)
    store.publish(numbered(2))
    assert Store(tmp_path).published() == numbered(2)
