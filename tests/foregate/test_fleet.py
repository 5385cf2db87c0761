"""`foregate fleet` against a real admin port, and against whatever else may be there."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len
from rich.console import Console

from controlplane.seen.fleet import NodeView, TypeView
from controlplane.seen.page import as_json
from controlplane.snapshot import CLUSTER
from foregate import asking
from foregate.commands import fleet as module
from foregate.fleettable import age, show
from foregate.headless import fleet_page
from foregate.main import main
from serving.address import Address, address
from serving.admin import Admin, Page
from tests.controlplane.seen.fleets import FLEET, LIVE, NEW, NOW, REFUSAL, REJECTING, SERVICE
from tests.e2e.process import free_port

HOSTILE = "\x1b]0;owned\x07\x1b[2J[red]x[/red]:smile:\r\u202e"


def run(*words: str, **environ: str) -> Result:
    return CliRunner().invoke(main, ["fleet", *words], env=environ, catch_exceptions=False)


@asynccontextmanager
async def admin(pages: dict[str, Page], where: str = ":0") -> AsyncIterator[Address]:
    served = Admin((), lambda: True, pages)
    try:
        yield await served.start(address(where))
    finally:
        await served.stop()


def asked(nodes: Sequence[NodeView], *words: str, where: str = ":0") -> Result:
    """What the command says of a control plane that has these nodes."""
    return beside({"/fleet": fleet_page(lambda: nodes, lambda: NOW)}, *words, where=where)


def beside(pages: dict[str, Page], *words: str, where: str = ":0") -> Result:
    async def all_of_it() -> Result:
        async with admin(pages, where) as there, asyncio.timeout(30):
            return await asyncio.to_thread(run, "--admin", str(there), *words)

    return asyncio.run(all_of_it())


def shown(*nodes: NodeView, width: int = 200, terminal: bool = False) -> str:
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=terminal,
        color_system="standard" if terminal else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    show(as_json(nodes, NOW), console)
    return file.getvalue()


def test_a_line_a_node_and_each_refusal_at_its_line() -> None:
    said = asked(FLEET)
    assert said.stdout == (
        "NODE        ROLE      GROUP  SOFTWARE      STATE     VERSION   LAST ACK\n"
        "envoy-1     envoy     edge   envoy/1.40.0  live      9c41b7e0  11s\n"
        "envoy-2     envoy     edge   envoy/1.40.0  rejected  9c41b7e0  2m\n"
        f"  gateway.yaml:7:3: CDS refused: {REFUSAL}\n"
        "    also at gateway.yaml:12:5\n"
        "extauthz-1  extauthz  -      0.1.0         live      9c41b7e0  13s\n"
        "3 nodes: 2 live, 1 rejected\n"
    )
    assert said.exit_code == 1


def test_all_live_is_exit_code_0() -> None:
    said = asked((LIVE, SERVICE))
    assert said.stdout.endswith("2 nodes: 2 live\n")
    assert said.exit_code == 0


@pytest.mark.parametrize("state", ["waiting", "rejected", "late", "gone"])
def test_who_is_not_live_is_exit_code_1(state: str) -> None:
    one = replace(LIVE, state=state, phase="move")  # type: ignore[arg-type] # as parametrized
    said = asked((one, SERVICE))
    assert f"1 {state}" in said.stdout
    assert ("(move)" in said.stdout) == (state in {"waiting", "late"})
    assert said.exit_code == 1
    assert asked((one, SERVICE), "-o", "json").exit_code == 1


def test_a_fleet_of_nobody_is_not_well() -> None:
    said = asked(())
    assert (said.exit_code, said.stdout) == (1, "no node is connected\n")


def test_json_is_the_page_with_what_a_later_version_added() -> None:
    page = {**as_json((LIVE,), NOW), "later": [HOSTILE]}
    said = beside({"/fleet": lambda: ("application/json", json.dumps(page).encode())}, "-o", "json")
    assert json.loads(said.stdout) == page
    assert said.exit_code == 0
    assert said.stdout.isascii()
    assert "\x1b" not in said.stdout


def test_over_a_unix_socket_that_a_variable_names(tmp_path: Path) -> None:
    where = f"unix:{tmp_path}/admin.sock"

    async def all_of_it() -> Result:
        page = fleet_page(lambda: (LIVE,), lambda: NOW)
        async with admin({"/fleet": page}, where), asyncio.timeout(30):
            return await asyncio.to_thread(run, FOREGATE_ADMIN=where)

    assert "1 node: 1 live" in asyncio.run(all_of_it()).stdout


def test_nobody_there_says_what_to_start(tmp_path: Path) -> None:
    for where in (f"127.0.0.1:{free_port()}", f"unix:{tmp_path}/none.sock"):
        said = run("--admin", where)
        assert said.exit_code == 1
        assert said.stdout == ""
        assert f"no control plane answers at {where}: start `foregate controlplane`" in said.stderr


def test_a_service_is_no_control_plane() -> None:
    said = beside({})
    assert said.exit_code == 1
    assert "has no /fleet: start `foregate controlplane`" in said.stderr


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("nonsense", "'nonsense' is neither unix:/PATH nor HOST:PORT"),
        ("10.0.0.1:80", "10.0.0.1:80 is not on this machine"),
    ],
)
def test_a_wrong_address_is_told_with_flag_and_variable(where: str, why: str) -> None:
    said = run("--admin", where)
    assert said.exit_code == 1
    assert f"--admin (FOREGATE_ADMIN): {why}" in said.stderr


def test_another_pages_words_never_reach_the_terminal() -> None:
    pages: dict[str, Page] = {"/fleet": lambda: ("text/html", b'{"nodes": "\x1b[2J"}')}
    for words in ((), ("-o", "json")):
        said = beside(pages, *words)
        assert said.exit_code == 1
        assert said.stdout == ""
        assert "is no fleet: Invalid JSON" in said.stderr
        assert said.stderr.strip().isprintable()


def test_a_page_without_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PAGE_BYTES", 100)
    said = asked(FLEET)
    assert said.exit_code == 1
    assert "too long for a control plane" in said.stderr


def answered(answer: bytes) -> Result:
    """What is said of a server that answers with these bytes, and then keeps the line open."""

    async def all_of_it() -> Result:
        ended = asyncio.Event()

        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            await ended.wait()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            async with asyncio.timeout(30):
                return await asyncio.to_thread(run, "--admin", f"127.0.0.1:{port}")
        finally:
            ended.set()
            server.close()
            await server.wait_closed()

    return asyncio.run(all_of_it())


def test_whoever_speaks_no_http_is_told() -> None:
    said = answered(b"SSH-2.0-OpenSSH_9.6\x1b[2J\r\n\r\n")
    assert said.exit_code == 1
    assert "is no control plane: start `foregate controlplane`" in said.stderr
    assert said.stderr.strip().isprintable()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"])
def test_whoever_says_nothing_is_not_waited_for(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.05)
    said = answered(answer)
    assert said.exit_code == 1
    assert "does not answer within 0.05 s" in said.stderr


def hostile() -> NodeView:
    one = TypeView(type_url=CLUSTER, sent=NEW, nacked=NEW, nacked_at=NOW, message=HOSTILE)
    return replace(REJECTING, node=HOSTILE, group=HOSTILE, software=HOSTILE, types=(one,))


@pytest.mark.parametrize("width", [30, 80, 300])
def test_what_strangers_say_is_shown_and_never_obeyed(width: int) -> None:
    text = shown(hostile(), width=width)
    assert [c for c in text if not c.isprintable() and c != "\n"] == []
    assert "[red]x[/red]:smile:" in shown(hostile(), width=300)


def test_the_table_itself_trusts_no_page() -> None:
    """The page of whatever answers may hold escapes that ours never does."""
    page = as_json((hostile(),), NOW)
    page["nodes"][0]["node"] = HOSTILE
    page["nodes"][0]["types"] = {HOSTILE: page["nodes"][0]["types"]["CDS"]}
    page["nodes"][0]["types"][HOSTILE]["message"] = HOSTILE
    page["nodes"][0]["types"][HOSTILE]["places"] = [HOSTILE, HOSTILE]
    file = io.StringIO()
    show(page, Console(file=file, width=300, markup=False, emoji=False))
    assert [c for c in file.getvalue() if not c.isprintable() and c != "\n"] == []


@pytest.mark.parametrize("width", [20, 40, 60])
def test_a_narrow_terminal_gets_paragraphs_that_fit(width: int) -> None:
    lines = shown(*FLEET, width=width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert lines[0] == "envoy-1"
    words = " ".join(" ".join(lines).split())
    assert "live, envoy, group edge, envoy/1.40.0, version 9c41b7e0, last ACK 11s" in words
    assert "NODE" not in words


def test_wide_letters_do_not_shift_the_columns() -> None:
    lines = shown(replace(LIVE, node="東京"), replace(LIVE, node="ab")).splitlines()
    columns = {cell_len(line[: line.index("edge")]) for line in lines[1:3]}
    assert len(columns) == 1


def test_colour_is_for_terminals() -> None:
    assert "\x1b[32mlive\x1b[0m" in shown(LIVE, terminal=True)
    assert "\x1b[31mrejected\x1b[0m" in shown(REJECTING, terminal=True)
    assert "\x1b" not in asked(FLEET).stdout


def test_a_refusal_without_words_is_still_shown() -> None:
    one = TypeView(type_url=CLUSTER, sent=NEW, nacked=NEW, nacked_at=NOW)
    text = shown(replace(REJECTING, types=(one,)))
    assert "\n  CDS refused: the node does not say why\n" in text


def test_many_places_are_counted() -> None:
    (one,) = REJECTING.types
    many = replace(one, places=one.places * 5)
    text = shown(replace(REJECTING, types=(many,)))
    assert text.count("also at") == 3
    assert "… and 6 more places" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "-"),
        (0.0, "0s"),
        (59.9, "59s"),
        (60.0, "1m"),
        (3599.0, "59m"),
        (7200.0, "2h"),
        (9e5, "10d"),
    ],
)
def test_ages(seconds: float | None, words: str) -> None:
    assert age(seconds) == words
