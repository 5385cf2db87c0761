"""Gateway files at random: some right, some nearly, some mutilated."""

from collections.abc import Callable
from random import Random
from typing import TypeAlias

Value: TypeAlias = "str | list[Value] | dict[str, Value]"

_WORDS = (
    *("none", "~", "", '""', "null", "true", "no", "0777", "1.10", "22:22", "2024-01-01", "1e3"),
    *("x", "-1", "0", "1", "3s", "50%", "100", "*", "[]", "{}", "'q'", '"1"', "&a b", "*a"),
    *("http://a", "a:80", "/", "/a/**", "{x}", "ü", "@x", "%", "a: b", "a #b", "| \n      t"),
    *("!!int 1", "0x1F"),
)
_PATHS = (
    *("/a", "/a/", "/a/**", '"/a/{x}"', '"/a/{x}/**"', '"/{rest=**}"', "/**", "/", "/b/c"),
    *("/%C3%BC", "/a//b", "a", "/a*", '"/{x}{y}"', "/a?b", "/..", "/a/:id", "/a.b~c", "/b/c/**"),
)
_NEW_PATHS = ("/n", "/n/m", "/o", "/b/c/d", '"/n/{x}"', "/n/**", '"/n/{rest}"', "n")
_METHODS = ("GET", "POST", "DELETE", "PUT", "M-SEARCH", "get", "TRACE", "PSOT")
_NAMES = ("users", "orders", "a.b-c", "1", "1.5", "true")
_HOSTS = (
    "api.example.com",
    '"*.example.com"',
    '"*"',
    "10.0.0.1",
    '"[::1]"',
    "127",
    "1.5",
    "A.b",
    "a:80",
)
_ONE_HOSTS = ("api.example.com", "10.0.0.1", "127", '"[::1]"', '"*"', "a:80", "A.b")
_QUERY = ("a", "b", "true", "1.10", "a=b", "a b")
_HEADERS = (
    "x-a",
    "X-A",
    "x-b",
    "accept",
    "123",
    "true",
    "x_a",
    "host",
    "content-length",
    '":path"',
)
_KEY = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
_TIMES = ("3s", "300ms", "1h", "1d", "3", "none", "0s", "5min")
_NUMBERS = (
    "1",
    "2",
    "0",
    "503",
    "502",
    "100",
    "200",
    "404",
    '"2"',
    "-1",
    "1.5",
    "10",
    "0x10",
    "1_0",
)
_TEXTS = ("a", "1", "1.10", "true", "no", "2024-01-01", '"x y"', "a b", "'a\"b'", "-", "ü", "a,b")


def gateway(random: Random, *, right: float) -> dict[str, Value]:
    """A file's keys and values; `right` is how often each choice is taken from what is sensible."""
    return _Maker(random, right).gateway()


def text_of(value: Value, random: Random, indent: int = 0) -> str:
    """The YAML of a value, in block or flow style."""
    pad = " " * indent
    if isinstance(value, str):
        return f" {value}\n"
    if random.random() < 0.3 or not value:
        return f" {_flow(value)}\n"
    if isinstance(value, list):
        return "\n" + "".join(f"{pad}-{text_of(v, random, indent + 2)}" for v in value)
    return "\n" + "".join(f"{pad}{k}:{text_of(v, random, indent + 2)}" for k, v in value.items())


def mutilated(text: str, random: Random) -> str:
    """The text after a few accidents of an editor."""
    for _ in range(random.randrange(4)):
        at = random.randrange(len(text) + 1)
        to = min(len(text), at + random.randrange(1, 12))
        text = random.choice(_ACCIDENTS)(text, at, to, random)
    return text


_ACCIDENTS: tuple[Callable[[str, int, int, Random], str], ...] = (
    lambda text, at, to, _: text[:at] + text[to:],
    lambda text, at, to, _: text[:to] + text[at:],
    lambda text, at, _, random: text[:at] + random.choice(_WORDS) + text[at:],
    lambda text, at, _, random: (
        text[:at] + random.choice("\t\n :-{}[],#&*!|>'\"%@`\r\0\u00a0\ufeff") + text[at:]
    ),
    lambda text, at, _, random: text[:at] + chr(random.randrange(1, 0xD800)) + text[at:],
    lambda text, at, _, __: text[:at],
)


def _flow(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "[" + ", ".join(_flow(v) for v in value) + "]"
    return "{" + ", ".join(f"{k}: {_flow(v)}" for k, v in value.items()) + "}"


class _Maker:
    def __init__(self, random: Random, right: float) -> None:
        self.random = random
        self.right = right
        self.names: list[str] = []

    def gateway(self) -> dict[str, Value]:
        made: dict[str, Value] = {"version": self.one("1", "1", "1", "1", '"1"', "2")}
        self.maybe(made, "listen", self.listen, 0.3)
        self.maybe(made, "hosts", lambda: self.some(_HOSTS, 5), 0.4)
        self.maybe(made, "identities", self.identities, 0.5)
        self.maybe(made, "consumers", self.consumers, 0.3 if "identities" in made else 0.05)
        self.maybe(made, "whenDown", self.when_down, 0.1)
        made["defaults"] = {"auth": "none", **self.settings(inherited=True)}
        self.maybe(made["defaults"], "backend", self.policies, 0.3)
        self.names = self.random.sample(_NAMES, 3)
        made["backends"] = {name: self.backend() for name in self.names}
        made["routes"] = [self.route() for _ in range(self.random.randrange(1, 4))]
        return self.spoilt(made)

    def route(self) -> Value:
        path = self.one(*_PATHS)
        made: dict[str, Value] = {"path": path}
        self.maybe(made, "methods", lambda: self.some(_METHODS, 4), 0.4)
        self.maybe(made, "headers", lambda: self.pairs(_HEADERS[:6]), 0.3)
        self.maybe(made, "query", lambda: self.pairs(_QUERY), 0.2)
        self.maybe(made, "auth", self.auth, 0.3)
        self.maybe(made, "priority", lambda: self.one(*_NUMBERS[:3], "7"), 0.2)
        action = self.random.choice(("to", "to", "to", "redirect", "respond"))
        made |= {"to": self.target(), "redirect": self.redirect(path), "respond": self.respond()}
        made = {
            k: v for k, v in made.items() if k not in {"to", "redirect", "respond"} or k == action
        }
        if action == "to":
            made |= self.settings(inherited=False)
            self.maybe(made, "rewrite", lambda: self.rewrite(path), 0.3)
        return self.spoilt(made)

    def auth(self) -> Value:
        if self.random.random() < 0.4:
            return self.one("none", "idp", "keys", "eve")
        made: dict[str, Value] = {}
        listed = self.one("anyOf", "allOf")
        made[listed] = self.some(("idp", "keys", "none", "Idp"), 2)
        self.maybe(made, "scopes", lambda: self.some(("a", "a:b", "1", '"a b"', "ü"), 3), 0.4)
        return self.spoilt(made)

    def identities(self) -> Value:
        issuer = self.one('"https://a.b"', '"https://a.b/c"', '"http://localhost:1"', '"http://a"')
        idp: dict[str, Value] = {"issuer": issuer, "audience": self.one("shop", "1.10", '"a b"')}
        self.maybe(idp, "jwks", self.key_set, 0.4)
        some = ("RS256", "ES256", "EdDSA", "HS256")
        self.maybe(idp, "algorithms", lambda: self.some(some, 3), 0.3)
        self.maybe(idp, "leeway", lambda: self.one("30s", "0s", "5m", "6m", "1ms"), 0.3)
        self.maybe(idp, "forward", lambda: self.one("true", "false", "yes"), 0.3)
        header: Value = {"header": self.one("x-a", "X-Key", "cookie", "x-envoy-a", "123")}
        return {"idp": self.spoilt(idp), "keys": self.spoilt({"apiKey": header})}

    def key_set(self) -> Value:
        inline: list[Value] = [{"kty": self.one("OKP", "OKP", "oct"), "crv": "Ed25519", "x": _KEY}]
        made: Value = {"keys": inline} if self.random.random() < 0.5 else {"file": "a/b.json"}
        return self.one('"https://a.b/k?c"', "x") if self.random.random() < 0.3 else made

    def consumers(self) -> Value:
        hashed = f'"sha256:{self.random.randbytes(32).hex()}"'
        bob = self.spoilt({"key": self.one(hashed, '"sha256:${A}"', '"${A"', "x")})
        key: dict[str, Value] = {"hash": '"sha256:${B}"'}
        self.maybe(key, "identity", lambda: self.one("keys", "idp"), 0.4)
        self.maybe(key, "scopes", lambda: self.some(("a", "b:c", '"a b"'), 2), 0.4)
        return {"bob": bob, "acme": {"keys": [self.spoilt(key)]}}

    def when_down(self) -> Value:
        made: dict[str, Value] = {"jwks": {"useCachedFor": self.one(*_TIMES)}}
        self.maybe(made, "redis", lambda: self.one("allow", "deny", "x"), 0.2)
        return self.spoilt(made)

    def settings(self, *, inherited: bool) -> dict[str, Value]:
        made: dict[str, Value] = {}
        often = 0.4 if inherited else 0.25
        self.maybe(made, "timeout", lambda: self.one(*_TIMES), often)
        self.maybe(made, "retry", self.retry, often)
        self.maybe(made, "request", self.operations, often)
        self.maybe(made, "response", self.operations, often)
        return made

    def policies(self) -> dict[str, Value]:
        made: dict[str, Value] = {}
        self.maybe(made, "health", lambda: self.spoilt({"path": "/healthz", "every": "5s"}), 0.4)
        self.maybe(
            made, "caps", lambda: self.spoilt({"connections": self.one("1", "10", "0", "x")}), 0.4
        )
        self.maybe(
            made, "balance", lambda: self.one("leastRequest", "roundRobin", "none", "x"), 0.4
        )
        detection: dict[str, Value] = {"consecutive5xx": "5", "maxEjected": "50%"}
        self.maybe(made, "outlierDetection", lambda: self.spoilt(detection), 0.4)
        return made or {"balance": "leastRequest"}

    def backend(self) -> Value:
        url = self.one(
            "http://users:8080", "https://10.0.0.1", "grpc://a", '"h2c://[::1]:1"', "a:80"
        )
        if self.random.random() < 0.4:
            return url
        endpoints: list[Value] = [self.one("10.0.0.1:80", "b:1", '"[::1]:80"') for _ in range(2)]
        where: dict[str, Value] = {"endpoints": endpoints[:1]}
        self.maybe(where, "protocol", lambda: self.one("http", "h2c", "https"), 0.3)
        made: dict[str, Value] = where if self.random.random() < 0.3 else {"url": url}
        made.update(self.policies())
        return self.spoilt(made)

    def target(self) -> Value:
        if self.random.random() < 0.6:
            return self.random.choice(self.names)
        first, second = self.one("90 10", "100 0", "0 100", "50 40", "50% 50%").partition(" ")[::2]
        return {self.names[0]: first, self.names[1]: second or "1"}

    def new_path(self, path: str) -> str:
        if "{x}" in path and self.random.random() < 0.5:
            return self.one('"/n/{x}"', '"/n/{x}-{x}/y"', "/**", "/n")
        return self.one("/n/**", "/n/**", "/**") if path.endswith("/**") else self.one(*_NEW_PATHS)

    def redirect(self, path: str) -> Value:
        made: dict[str, Value] = {}
        self.maybe(made, "path", lambda: self.new_path(path), 0.7)
        self.maybe(made, "host", lambda: self.one(*_ONE_HOSTS), 0.4)
        self.maybe(made, "code", lambda: self.one("301", "308", "307", "302", "200", '"301"'), 0.4)
        self.maybe(made, "port", lambda: self.one("443", "80", "0"), 0.2)
        self.maybe(made, "scheme", lambda: self.one("https", "http", "ftp"), 0.3)
        return self.spoilt(made or {"path": "/n"})

    def respond(self) -> Value:
        made: dict[str, Value] = {"status": self.one("200", "404", "204", "99")}
        self.maybe(made, "body", lambda: self.one(*_TEXTS), 0.5)
        self.maybe(made, "headers", lambda: self.pairs(_HEADERS[:5]), 0.3)
        return self.spoilt(made)

    def rewrite(self, path: str) -> Value:
        made: dict[str, Value] = {}
        self.maybe(made, "path", lambda: self.new_path(path), 0.7)
        self.maybe(made, "host", lambda: self.one(*_ONE_HOSTS), 0.4)
        return self.spoilt(made or {"host": "a"})

    def retry(self) -> Value:
        if self.random.random() < 0.1:
            return "none"
        made: dict[str, Value] = {"attempts": self.one("1", "2", "3", "11", "0x2")}
        self.maybe(made, "codes", lambda: self.some(_NUMBERS[3:8], 2), 0.6)
        self.maybe(made, "perTry", lambda: self.one(*_TIMES), 0.4)
        self.maybe(made, "methods", lambda: self.some(_METHODS, 4), 0.3)
        return self.spoilt(made)

    def operations(self) -> Value:
        made: dict[str, Value] = {}
        self.maybe(made, "set", lambda: self.pairs(_HEADERS), 0.5)
        self.maybe(made, "add", lambda: self.pairs(("x-add", "none", "x-a")), 0.3)
        self.maybe(made, "remove", lambda: self.some(("server", "x-r", "0", *_HEADERS), 3), 0.4)
        return self.spoilt(made or {"remove": ["server"]})

    def listen(self) -> Value:
        http = self.one("8080", "127.0.0.1:8080", '"[::1]:80"', "0", '"8080"', "a:80")
        return self.spoilt({"http": http, "trustedHops": self.one("0", "1", "99")})

    def pairs(self, names: tuple[str, ...]) -> Value:
        return {self.one(*names): self.one(*_TEXTS) for _ in range(self.random.randrange(1, 3))}

    def some(self, choices: tuple[str, ...], sensible: int) -> Value:
        pool = choices[:sensible] if self.random.random() < self.right else choices
        return list(dict.fromkeys(self.random.choices(pool, k=self.random.randrange(1, 3))))

    def one(self, *choices: str) -> str:
        if self.random.random() < self.right:
            return self.random.choice(choices[: max(1, len(choices) // 2)])
        return self.random.choice((*choices, self.random.choice(_WORDS)))

    def maybe(self, made: Value, key: str, value: Callable[[], Value], often: float) -> None:
        if isinstance(made, dict) and self.random.random() < often:
            made[key] = value()

    def spoilt(self, made: dict[str, Value]) -> dict[str, Value]:
        """Now and then a key too many, too few, misspelled, or with a value of another kind."""
        if not made or self.random.random() < self.right:
            return made
        key = self.random.choice(list(made))
        accident = self.random.randrange(5)
        if accident == 0:
            made.pop(key)
        elif accident == 1:
            made[key] = self.random.choice(_WORDS)
        elif accident == 2:
            made[key[:-1] or "k"] = made.pop(key)
        elif accident == 3:
            made[self.random.choice(("timeout", "path", "to", "cors", "health", "none"))] = "x"
        return made
