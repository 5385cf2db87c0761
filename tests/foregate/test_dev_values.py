"""The pure halves of `foregate dev`: what is written, offered, tried and said."""

import hashlib
import socket
from pathlib import Path

import pytest

from controlplane.build import Build, Options, build
from controlplane.snapshot import CLUSTER, LISTENER, Subject
from controlplane.sources import SourceFile
from controlplane.xds.events import Nacked
from foregate.applying.refusals import nack_mistakes
from foregate.dev.backends import local_backends
from foregate.dev.credentials import LocalIssuer, Wallet, local_issuers
from foregate.dev.curl import curl_lines
from foregate.dev.ports import ports_of, refusals, why_not
from foregate.dev.starter import starter
from foregate.dev.supervise import DELAYS, FORGET, delay_after, how_ended, last_words
from foregate.watch import concerns, watched
from language.mistakes import Mistake
from language.places import Place

START = Place("gateway.yaml", 1, 1)


def built(text: str) -> Build:
    file = SourceFile(name="gateway.yaml", data=text.encode())
    return build((file,), Options(loopback=True, trust_store="/etc/ssl/cert.pem"))


@pytest.mark.parametrize(
    ("url", "upstream", "host"),
    [
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000", "127.0.0.1"),
        ("localhost:3000", "http://localhost:3000", "localhost"),
        ("https://Example.com/", "https://example.com", "example.com"),
        ("http://[::1]:80", "http://[::1]:80", "[::1]"),
    ],
)
def test_a_url_becomes_a_file_that_compiles(url: str, upstream: str, host: str) -> None:
    text = starter(url)
    assert isinstance(text, str)
    assert f'upstream: "{upstream}"' in text
    assert f'rewrite: {{host: "{host}"}}' in text
    assert built(text).mistakes == ()


@pytest.mark.parametrize(
    "url",
    ["ftp://x", "http://", "http://x/base", "http://x?q=1", "http://u:p@x", "http://x:99999", ""],
)
def test_a_url_that_cannot_be_meant_is_a_mistake_with_a_hint(url: str) -> None:
    found = starter(url)
    assert isinstance(found, Mistake)
    assert found.hint


FILE = """\
version: 1
defaults: {auth: none}
hosts: [api.example.com, "*.example.org"]
backends:
  here: http://127.0.0.1:9001
  also: {endpoints: ["127.0.0.1:9002", "[::1]:9003", "10.0.0.1:9004"]}
  named: http://localhost:9005
  far: http://users.internal:8080
  h2: h2c://127.0.0.1:9006
routes:
  - {path: /far, to: far}
  - {path: /split/**, to: {here: 50, far: 50}}
  - {path: /here, methods: [POST], headers: {x-a: "b c"}, to: here}
  - {path: "/u/{id}/x/{rest=**}", query: {q: "1%262"}, to: also}
  - {path: /fine, respond: {status: 204}}
  - {path: /down, respond: {status: 503}}
  - {path: /old, redirect: {path: /new}}
"""


def test_the_lines_to_try_begin_with_what_surely_succeeds() -> None:
    whole = built(FILE)
    assert whole.plan is not None, whole.mistakes
    wallet = Wallet(plan=whole.plan)
    lines = curl_lines(whole.plan, "http://127.0.0.1:8080", {"here", "also"}, wallet, most=99)
    at = "-H 'host: api.example.com' http"
    assert lines[0] == f"curl {at}://127.0.0.1:8080/fine"
    assert set(lines[1:3]) == {
        "curl -X POST -H 'host: api.example.com' -H 'x-a: b c' http://127.0.0.1:8080/here",
        "curl -H 'host: api.example.com' 'http://127.0.0.1:8080/u/1/x/1?q=1%262'",
    }
    assert lines[3] == f"curl -i {at}://127.0.0.1:8080/old"
    assert set(lines[4:6]) == {
        f"curl {at}://127.0.0.1:8080/far",
        f"curl {at}://127.0.0.1:8080/split",
    }
    assert not any("/down" in line for line in lines)


MATCHED = """\
version: 1
defaults: {auth: none}
routes:
  - {path: /begins, headers: {x-a: {prefix: be}}, respond: {status: 204}}
  - {path: /there, query: {q: {present: true}, r: {present: false}}, respond: {status: 204}}
  - {path: /gone, headers: {x-a: {present: false}}, respond: {status: 204}}
  - {path: /text, headers: {x-a: {regex: "[0-9]+"}}, respond: {status: 204}}
  - {path: {regex: "/[0-9]+"}, respond: {status: 204}}
  - {grpc: shop.Orders/Get, respond: {status: 204}}
"""


def test_only_what_can_be_written_down_is_a_line_to_try() -> None:
    plan = built(MATCHED).plan
    assert plan is not None
    assert set(curl_lines(plan, "http://h", (), Wallet(plan=plan), most=99)) == {
        "curl -H 'x-a: be' http://h/begins",
        "curl 'http://h/there?q=1'",
        "curl http://h/gone",
    }


GUARDED = """\
version: 1
identities:
  idp: {issuer: "http://127.0.0.1:9190", audience: shop}
  far: {issuer: "https://idp.example.com", audience: shop}
  keys: {apiKey: {header: x-api-key}}
consumers:
  acme: {keys: [{hash: "sha256:@acme@", scopes: [a]}]}
  other: {key: "sha256:1111111111111111111111111111111111111111111111111111111111111111"}
routes:
  - {path: /open, auth: none, respond: {status: 200}}
  - {path: /key, auth: {anyOf: [idp, keys]}, respond: {status: 200}}
  - {path: /scope, auth: {anyOf: [idp, keys], scopes: [a]}, respond: {status: 200}}
  - {path: /more, auth: {anyOf: [keys], scopes: [a, b]}, respond: {status: 200}}
  - {path: /all, auth: {allOf: [idp, keys]}, respond: {status: 200}}
  - {path: /far, auth: far, respond: {status: 200}}
  - {path: /inside, auth: none, ip: {allow: [10.0.0.0/8]}, respond: {status: 200}}
"""


def test_the_lines_to_try_carry_what_lets_them_pass() -> None:
    key = "fg_demo_acme_not_a_secret"
    text = GUARDED.replace("@acme@", hashlib.sha256(key.encode()).hexdigest())
    plan = built(text).plan
    assert plan is not None
    issuer = LocalIssuer(identity="idp", url="http://127.0.0.1:9190", audience="shop")
    assert local_issuers(plan) == (issuer,)
    wallet = Wallet(plan=plan, issuer=issuer, token="a.b.c")  # noqa: S106 # of nobody
    assert tuple(wallet.lines()) == ("token=a.b.c",)
    assert set(curl_lines(plan, "http://h", (), wallet, most=99)) == {
        "curl http://h/open",
        f'curl -H "x-api-key: {key}" http://h/key',
        'curl -H "authorization: Bearer $token" http://h/scope',
    }
    assert set(curl_lines(plan, "http://h", (), Wallet(plan=plan), most=99)) == {
        "curl http://h/open",
        f'curl -H "x-api-key: {key}" http://h/key',
        f'curl -H "x-api-key: {key}" http://h/scope',
    }


def test_the_demo_upstream_stands_in_on_this_machine_and_for_plain_http_only() -> None:
    whole = built(FILE)
    assert whole.plan is not None
    assert {(one.name, one.port) for one in local_backends(whole.plan)} == {
        ("here", 9001),
        ("also", 9002),
        ("also", 9003),
        ("named", 9005),
    }


def test_a_port_in_use_is_found_even_if_it_is_shared() -> None:
    """Envoy's own listeners may be shared; the trial must not be fooled by that."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(("127.0.0.1", 0))
        one.listen(1)
        port = one.getsockname()[1]
        trouble = why_not("127.0.0.1", port)
        assert trouble is not None
        assert trouble[0].startswith(f"port {port} on 127.0.0.1 is in use")
        answer = "{path: /, auth: none, respond: {status: 204}}"
        whole = built(f"version: 1\nlisten: {{http: {port}}}\nroutes: [{answer}]\n")
        assert whole.snapshot is not None, whole.mistakes
        (mistake,) = refusals(ports_of(whole.snapshot), whole.provenance, START)
        assert mistake.place.line == 2
    assert why_not("127.0.0.1", port) is None


def test_a_child_gets_five_chances_a_minute() -> None:
    crashes = tuple(float(n) for n in range(1, 7))
    assert [delay_after(crashes[:n], 6.0) for n in range(7)] == [None, *DELAYS, None]
    assert delay_after(crashes, FORGET + 6.5) is None
    assert delay_after((*crashes, FORGET + 6.5), FORGET + 6.5) == DELAYS[0]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (1, "ended with exit code 1"),
        (-11, "was ended by SIGSEGV"),
        (-99, "was ended by signal 99"),
    ],
)
def test_an_exit_status_in_words(status: int, words: str) -> None:
    assert how_ended(status) == words


def test_the_last_words_are_the_loud_ones(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert last_words(log) == ()
    log.write_text("one\ntwo\n")
    assert last_words(log) == ("one", "two")
    log.write_text("[info] one\n[critical] two\n[info] three\n[critical][backtrace] #0: [0x7]\n")
    assert last_words(log) == ("[critical] two",)


def test_a_file_is_watched_through_its_folder_and_what_it_links_to(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "g.yaml").touch()
    link = tmp_path / "gateway.yaml"
    link.symlink_to(real / "g.yaml")
    assert watched(link) == ((tmp_path, real), False)
    assert watched(tmp_path) == ((tmp_path,), True)
    assert concerns(link, str(tmp_path / "gateway.yaml"))
    assert concerns(link, str(real / "g.yaml"))
    assert not concerns(link, str(tmp_path / "other.yaml"))
    assert concerns(tmp_path, str(tmp_path / "teams" / "a.yml"))
    assert not concerns(tmp_path, str(tmp_path / ".a.yaml.swp"))
    assert not concerns(tmp_path, str(tmp_path / "notes.txt"))


def test_a_late_refusal_is_shown_at_the_resource_that_it_names() -> None:
    places = {
        Subject(CLUSTER, "users"): (Place("gateway.yaml", 5, 3),),
        Subject(CLUSTER, "users-v2"): (Place("gateway.yaml", 6, 3),),
        Subject(LISTENER, "http"): (Place("gateway.yaml", 2, 1),),
    }
    said = ((CLUSTER, "Error adding cluster users-v2: no"), (LISTENER, "no words"))
    nacks = [Nacked(node="n", type_url=t, version="1", message=m) for t, m in said]
    assert [one.place for one in nack_mistakes(nacks, places, START)] == [
        Place("gateway.yaml", 6, 3),
        START,
    ]
