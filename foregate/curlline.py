"""A curl line as the request that it sends. Nothing is sent, and no file is read.

What changes the request in a way that is not known here is told, and never guessed.
"""

import base64
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from controlplane.explaining.request import Request
from foregate.sending import Sent, UnreadError, brackets_of_host, headers, parts, removed
from language.suggest import nearest

_SHORT = {
    "X": "request",
    "H": "header",
    "d": "data",
    "b": "cookie",
    "A": "user-agent",
    "u": "user",
    "e": "referer",
    "I": "head",
    "G": "get",
    "T": "upload-file",
    "F": "form",
    "g": "globoff",
    "s": "silent",
    "S": "show-error",
    "v": "verbose",
    "k": "insecure",
    "L": "location",
    "i": "include",
    "o": "output",
    "O": "remote-name",
    "w": "write-out",
    "m": "max-time",
    "f": "fail",
    "N": "no-buffer",
    "#": "progress-bar",
    "4": "ipv4",
    "6": "ipv6",
    "x": "proxy",
    "E": "cert",
    "c": "cookie-jar",
    "D": "dump-header",
    "q": "disable",
    "0": "http1.0",
}
_IDLE = frozenset(
    {
        *("silent", "show-error", "verbose", "insecure", "location", "include", "remote-name"),
        *("fail", "fail-with-body", "no-buffer", "progress-bar", "ipv4", "ipv6", "disable"),
        *("http1.1", "http2", "http2-prior-knowledge", "path-as-is", "compressed-ssh"),
    }
)
"""Flags that change nothing of what a route sees."""
_IDLE_VALUES = frozenset(
    {
        *("output", "write-out", "max-time", "connect-timeout", "retry", "retry-delay"),
        *("cookie-jar", "dump-header", "resolve", "connect-to", "cacert", "cert", "key"),
        *("interface", "limit-rate", "trace", "trace-ascii"),
    }
)
_FORM = "application/x-www-form-urlencoded"
_AGENT = "curl/8.0.0"  # some version: curl has many


@dataclass(slots=True, kw_only=True)
class _Line:
    """A curl line as it is read."""

    url: str | None = None
    method: str | None = None
    target: str | None = None
    head: bool = False
    get: bool = False
    upload: bool = False
    globs: bool = True
    data: list[str] = field(default_factory=list)
    body: bool = False
    known: bool = True
    own: dict[str, str] = field(default_factory=dict)
    headers: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sent(words: Sequence[str]) -> Sent:
    """Read a line: `curl …`, in one word or many. Raises UnreadError."""
    if len(words) == 1:
        try:
            words = shlex.split(words[0].replace("\\\n", " "))
        except ValueError as error:
            raise UnreadError(f"a quote is not closed: {error}") from None
    if not words or words[0] != "curl":
        raise UnreadError("a curl line is one word or many, and options of ours stand before it")
    line = _Line()
    rest = iter(words[1:])
    for word in rest:
        _word(line, word, rest)
    return _request(line)


def _word(line: _Line, word: str, rest: Iterator[str]) -> None:
    if word.startswith("--") and len(word) > 2:
        _option(line, word[2:], word, rest)
    elif word.startswith("-") and len(word) > 1:
        _letters(line, word, rest)
    elif line.url is None:
        line.url = word
    else:
        raise UnreadError(f"'{word}': one address is explained at a time")


def _letters(line: _Line, word: str, rest: Iterator[str]) -> None:
    """Letters of one word; the first that takes a value takes what follows it."""
    for at, letter in enumerate(word[1:], start=1):
        name = _SHORT.get(letter)
        if name is None:
            raise UnreadError(f"-{letter} is not known here: leave it out if no route sees it")
        if name in _VALUES or name in _IDLE_VALUES:
            value = word[at + 1 :]
            _option(line, name, f"-{letter}", iter((value,)) if value else rest)
            return
        _option(line, name, f"-{letter}", rest)


def _option(line: _Line, name: str, shown: str, rest: Iterator[str]) -> None:
    if name in _IDLE:
        return
    if name in _FLAGS:
        _FLAGS[name](line)
        return
    if name not in _VALUES and name not in _IDLE_VALUES:
        near = nearest(name, (*_FLAGS, *_VALUES, *_IDLE, *_IDLE_VALUES))
        hint = f": did you mean --{near}?" if near else ": leave it out if no route sees it"
        raise UnreadError(f"{shown} is not known here{hint}")
    value = next(rest, None)
    if value is None:
        raise UnreadError(f"{shown} wants a value")
    if name in _VALUES:
        _VALUES[name](line, value)


def _bytes(word: str) -> bytes:
    """A word of a command line as it is sent; bytes that are no UTF-8 are half pairs in it."""
    return word.encode("utf-8", "surrogateescape")


def _data(line: _Line, value: str, kind: str = "data") -> None:
    line.body = True
    line.own.setdefault("content-type", _FORM)
    if kind == "json":
        line.own["content-type"] = line.own["accept"] = "application/json"
    if kind == "data-urlencode":
        name, mark, text = value.partition("=")
        encoded = quote_plus(_bytes(text if mark else value)).replace("+", "%20")
        value = f"{name}={encoded}" if mark and name else encoded
    elif value.startswith("@") and kind != "data-raw":
        line.known = False
        return
    line.data.append(value)


def _form(line: _Line, _value: str) -> None:
    line.body, line.known = True, False
    line.own["content-type"] = "multipart/form-data; boundary=0"
    line.notes.append("the boundary of a form is drawn anew each time: content-type ends otherwise")


def _upload(line: _Line, _value: str) -> None:
    line.upload, line.known = True, False


def _cookie(line: _Line, value: str) -> None:
    if "=" not in value:
        raise UnreadError(f"'{value}' is a file of cookies and not read: write -b 'name=value'")
    line.own["cookie"] = f"{line.own['cookie']}; {value}" if "cookie" in line.own else value


def _user(line: _Line, value: str) -> None:
    encoded = base64.b64encode(_bytes(value)).decode()
    line.own["authorization"] = f"Basic {encoded}"


def _header(line: _Line, value: str) -> None:
    if value.startswith("@"):
        raise UnreadError(f"'{value}' is a file of headers, which is not read: write them here")
    line.headers.append(value)


def _url(line: _Line, value: str) -> None:
    if line.url is not None:
        raise UnreadError(f"'{value}': one address is explained at a time")
    line.url = value


def _own(name: str, prefix: str = "") -> Callable[[_Line, str], None]:
    def put(line: _Line, value: str) -> None:
        line.own[name] = prefix + value

    return put


def _sets(name: str, *, to: bool = True) -> Callable[[_Line], None]:
    def put(line: _Line) -> None:
        setattr(line, name, to)

    return put


def _compressed(line: _Line) -> None:
    line.own["accept-encoding"] = "deflate, gzip"
    line.notes.append("which encodings curl accepts depends on how it was built")


def _old(_line: _Line) -> None:
    raise UnreadError("HTTP/1.0 is answered 426 Upgrade Required, whatever the route")


_FLAGS: Mapping[str, Callable[[_Line], None]] = {
    "head": _sets("head"),
    "get": _sets("get"),
    "globoff": _sets("globs", to=False),
    "compressed": _compressed,
    "http1.0": _old,
}

_VALUES: Mapping[str, Callable[[_Line, str], None]] = {
    "request": lambda line, value: setattr(line, "method", value),
    "request-target": lambda line, value: setattr(line, "target", value),
    "header": _header,
    "url": _url,
    "data": _data,
    "data-ascii": _data,
    "data-binary": _data,
    "data-raw": lambda line, value: _data(line, value, "data-raw"),
    "data-urlencode": lambda line, value: _data(line, value, "data-urlencode"),
    "json": lambda line, value: _data(line, value, "json"),
    "form": _form,
    "form-string": _form,
    "upload-file": _upload,
    "cookie": _cookie,
    "user": _user,
    "user-agent": _own("user-agent"),
    "referer": _own("referer"),
    "range": _own("range", "bytes="),
    "oauth2-bearer": _own("authorization", "Bearer "),
}


def _request(line: _Line) -> Sent:
    if line.url is None:
        raise UnreadError("there is no address: add http://HOST/PATH")
    address = line.url.partition("#")[0]
    if address != line.url:
        line.notes.append("curl does not send what is behind the #")
    if line.globs and set(address) & set("{}[]") and not brackets_of_host(address):
        raise UnreadError("curl makes several addresses of {} and []: write the one, or add -g")
    scheme, host, target = parts(address)
    if scheme == "https":
        line.notes.append("TLS ends before the gateway: what arrives is plain HTTP")
    user, at, bare = host.rpartition("@")
    if at:
        host = bare
        _user(line, user)
    body = line.body and not line.get
    if line.get and line.data:
        target += ("&" if "?" in target else "?") + "&".join(line.data)
        line.own.pop("content-type", None)
    if line.get and not line.known:
        raise UnreadError("the data is in a file, which is not read: write it here")
    if body and line.known:
        joined = ("" if line.own["content-type"] != _FORM else "&").join(line.data)
        line.own["content-length"] = str(len(_bytes(joined)))
    elif (body or line.upload) and not line.known:
        line.notes.append("a file is not read: the length of the body is not known")
    plain = "HEAD" if line.head else "PUT" if line.upload else "POST" if body else "GET"
    pairs, other = headers(line.headers, curl=True)
    said = {name for name, _ in pairs} | removed(line.headers)
    added = {"user-agent": _AGENT, "accept": "*/*", **line.own}
    own = [(name, value) for name, value in added.items() if name not in said and value]
    return Sent(
        request=Request(
            method=line.method or plain,
            host=other or host.removesuffix(":80" if scheme == "http" else ":443"),
            target=line.target or target,
            headers=(*own, *pairs),
        ),
        notes=tuple(line.notes),
    )
