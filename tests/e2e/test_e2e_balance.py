"""Where requests to a backend go, and what is proved on the way, against real upstreams."""

import functools
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import grpc
import httpx
import pytest
import trustme

from tests.e2e.answers import answers, reached, settled
from tests.e2e.fleet import until
from tests.e2e.harness import Gateway
from tests.e2e.health import NOT_SERVING, SERVING, Health, server
from tests.e2e.nameserver import NXDOMAIN, SERVFAIL, NameServer
from tests.e2e.process import Process, foregate, free_port
from tests.e2e.upstream import Upstream

HERE = Path(__file__).parent / "backends"


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    made = NameServer()
    made.addresses = ("127.0.0.1", "127.0.0.2")
    with closing(made):
        yield made


@pytest.fixture(scope="module")
def well() -> Health:
    return Health(SERVING)


@pytest.fixture(scope="module")
def balanced(
    names: NameServer, well: Health, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("backends")
    authority = trustme.CA()
    shown = authority.issue_cert("client.test")
    files = {"ca": folder / "ca.pem", "cert": folder / "cert.pem", "key": folder / "key.pem"}
    authority.cert_pem.write_to_path(str(files["ca"]))
    shown.cert_chain_pems[0].write_to_path(str(files["cert"]))
    shown.private_key_pem.write_to_path(str(files["key"]))
    wants = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("mutual.test").configure_cert(wants)
    authority.configure_trust(wants)
    wants.verify_mode = ssl.CERT_REQUIRED
    one = authority.issue_cert("grpc.test")
    secure = grpc.ssl_server_credentials(
        [(one.private_key_pem.bytes(), one.cert_chain_pems[0].bytes())]
    )
    upstreams = {name: Upstream(name) for name in ("a", "b", "c", "first", "second", "failing")}
    upstreams["failing"].failing = True
    upstreams["mutual"] = Upstream("mutual", wants)
    named = free_port()
    for last in (1, 2, 3):
        name = f"named-{last}"
        upstreams[name] = Upstream(name, address=(f"127.0.0.{last}", named))
    servers = {
        "grpc": server("well", "test.Echo", well),
        "unwell": server("unwell", "test.Echo", Health(NOT_SERVING)),
        "grpcs": server("secure", "test.Secure", Health(SERVING), secure),
    }
    port = free_port()
    ports = {name: up.port for name, up in upstreams.items()}
    ports |= {name: at for name, (_, at) in servers.items()}
    dead = socket.socket()  # bound and never listening, so that no demo upstream takes it
    dead.bind(("127.0.0.1", 0))
    ports |= {"gateway": port, "named": named, "dead": dead.getsockname()[1]}
    text = (HERE / "gateway.yaml").read_text()
    for name, value in {**ports, **files}.items():
        text = text.replace(f"@{name}@", str(value))
    (folder / "gateway.yaml").write_text(text)
    process = Process(
        foregate("dev", str(folder)),
        tmp_path_factory.mktemp("cwd"),
        {"FOREGATE_DNS": f"127.0.0.1:{names.port}"},
    )
    with ExitStack() as ending:
        for up in upstreams.values():
            ending.callback(up.end)
        for made, _ in servers.values():
            ending.callback(made.stop, None)
        ending.callback(dead.close)
        ending.callback(process.end)
        process.wait_for("is live")
        yield Gateway(
            process=process,
            folder=folder,
            base=f"http://127.0.0.1:{port}",
            port=port,
            upstreams=upstreams,
        )


@pytest.fixture
def ask(balanced: Gateway) -> Iterator[Callable[..., str]]:
    """Asks a path, and gives who answered, or the status of a refusal."""
    with httpx.Client(base_url=balanced.base, timeout=20) as client:

        def asked(path: str, **headers: str) -> str:
            answer = client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            client.cookies.clear()
            return str(answer.json()["upstream"] if answer.is_success else answer.status_code)

        yield asked


USERS = [f"user-{n}" for n in range(20)]


@pytest.mark.parametrize("way", ["ring", "maglev"])
@pytest.mark.parametrize("by", ["header", "query", "cookie"])
def test_who_is_alike_stays_and_who_is_not_spreads(
    ask: Callable[..., str], way: str, by: str
) -> None:
    def of(user: str) -> str:
        match by:
            case "header":
                return ask(f"/{way}-header", x_user=user)
            case "query":
                return ask(f"/{way}-query?user={user}")
            case _:
                return ask(f"/{way}-cookie", cookie=f"User={user}")

    first = {user: of(user) for user in USERS}
    assert len(set(first.values())) > 1
    for _ in range(3):
        assert {user: of(user) for user in USERS} == first


def test_an_address_stays(ask: Callable[..., str]) -> None:
    assert len({ask("/address") for _ in range(20)}) == 1


def test_random_goes_everywhere(ask: Callable[..., str]) -> None:
    reached(ask, "/random", "a", "b", "c")


def test_a_cookie_is_given_and_followed(balanced: Gateway) -> None:
    first: dict[str, str] = {}
    for _ in range(20):
        answer = httpx.get(balanced.base + "/given")
        given = answer.headers["set-cookie"]
        assert given.startswith("SID=")
        assert "Max-Age=3600" in given
        assert "Path=/;" in given
        assert "HttpOnly" in given
        first[given.partition(";")[0]] = answer.json()["upstream"]
    assert len(set(first.values())) > 1
    for cookie, upstream in first.items():
        answer = httpx.get(balanced.base + "/given", headers={"cookie": cookie})
        assert answer.json()["upstream"] == upstream
        assert "set-cookie" not in answer.headers


def test_both_get_requests_while_they_warm_up(ask: Callable[..., str]) -> None:
    reached(ask, "/slow", "a", "b")


def test_failover_serves_while_the_first_are_not_well(
    balanced: Gateway, ask: Callable[..., str]
) -> None:
    until("the first", lambda: ask("/checked-over") == "first")
    assert {ask("/checked-over") for _ in range(10)} == {"first"}
    balanced.upstreams["first"].well = False
    until("the second", lambda: ask("/checked-over") == "second")
    assert {ask("/checked-over") for _ in range(10)} == {"second"}
    balanced.upstreams["first"].well = True
    until("the first again", lambda: ask("/checked-over") == "first")


def test_failover_serves_when_the_first_are_ejected(ask: Callable[..., str]) -> None:
    until("the second", lambda: ask("/ejected-over") == "second")
    assert {ask("/ejected-over") for _ in range(10)} == {"second"}


def test_who_takes_no_connection_is_taken_out(ask: Callable[..., str]) -> None:
    settled(ask, "/taken", "a")


def test_who_says_not_serving_is_taken_out(balanced: Gateway, well: Health) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{balanced.port}") as channel:
        unary: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/test.Echo/Unary")

        def answers() -> set[bytes]:
            return {unary(b"", timeout=10) for _ in range(6)}

        until("the one that is well alone", lambda: answers() == {b"well"})
        well.status = NOT_SERVING
        # none is well: both are asked again, as too many failures are a fault of the check
        until("both", lambda: answers() == {b"well", b"unwell"})
        well.status = SERVING


def test_grpc_over_tls_by_address_and_name(balanced: Gateway) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{balanced.port}") as channel:
        unary: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(
            "/test.Secure/Unary"
        )
        assert unary(b"", timeout=10) == b"secure"
        # https is HTTP/2 where the backend agrees, and this one speaks nothing else
        assert unary(b"", timeout=10, metadata=(("x-by", "agreement"),)) == b"secure"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/mutual", "mutual"),
        ("/no-certificate", "503"),
        ("/other-name", "503"),
        ("/other-authority", "503"),
    ],
)
def test_both_sides_of_tls_are_verified(ask: Callable[..., str], path: str, answer: str) -> None:
    assert ask(path) == answer


def test_no_key_is_in_what_envoy_tells(balanced: Gateway) -> None:
    admin = balanced.process.wait_for("Envoy's admin page is")
    page = admin.partition("http://")[2].partition(";")[0]
    told = httpx.get(f"http://{page}/config_dump").text
    assert str(balanced.folder / "cert.pem") in told
    assert "PRIVATE KEY" not in told


def test_addresses_follow_their_names(names: NameServer, ask: Callable[..., str]) -> None:
    """Within the TTL of one second, and an answer that is none changes nothing."""
    reached(ask, "/strict", "named-1", "named-2")
    assert ask("/logical") in {"named-1", "named-2"}
    names.addresses = ("127.0.0.3",)
    settled(ask, "/strict", "named-3")
    settled(ask, "/logical", "named-3")


@pytest.mark.parametrize("trouble", ["SERVFAIL", "silence", "NXDOMAIN", "no address"])
def test_bad_dns_keeps_the_last_addresses(
    names: NameServer, ask: Callable[..., str], trouble: str
) -> None:
    names.addresses = ("127.0.0.2",)
    for path in ("/strict", "/logical", "/watched"):
        until(f"{path} has it", functools.partial(answers, ask, path, "named-2"))
    match trouble:
        case "SERVFAIL":
            names.failure = SERVFAIL
        case "silence":
            names.silent = True
        case "NXDOMAIN":
            names.failure = NXDOMAIN
        case _:
            names.addresses = ()
    for name in ("strict.test", "logical.test", "watched.test"):
        names.wait_for_questions(name)
    assert ask("/logical") == "named-2"
    assert ask("/watched") in {"named-1", "named-2", "named-3"}
    if trouble in {"SERVFAIL", "silence"}:
        assert ask("/strict") == "named-2"
    else:  # an answer that there is nothing is an answer: docs/backends.md
        until("none", lambda: ask("/strict") == "503")
    names.failure, names.silent, names.addresses = 0, False, ("127.0.0.2",)
    until("it is back", lambda: ask("/strict") == "named-2")


def test_a_file_that_envoy_has_not_is_told_at_its_line(
    balanced: Gateway, ask: Callable[..., str]
) -> None:
    """It is not proved here, as it is on another machine: Envoy refuses it, and serves on."""
    text = (
        "backends:\n"
        '  lost: {url: "https://lost.test", tls: {ca: {file: /nowhere/ca.pem}}}\n'
        "routes:\n"
        "  - {path: /lost, to: lost, auth: none}\n"
    )
    (balanced.folder / "lost.yaml").write_text(text)
    told = balanced.process.wait_for("Invalid path: /nowhere/ca.pem")
    assert "lost.yaml:2:3: error: Envoy refuses this" in told
    assert ask("/canary") == "c"
    (balanced.folder / "lost.yaml").unlink()
