"""The gateway file that `--to URL` stands for: everything to one upstream."""

import json
from urllib.parse import urlsplit

from language.mistakes import Mistake
from language.places import Place

NAME = "--to"
PORT = 8080


def starter(url: str) -> str | Mistake:
    """Write the file for a URL, or say what is wrong with the URL."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        return _mistake(url, f"{url} is not a URL: {error}", "such as http://127.0.0.1:3000")
    if parts.scheme not in ("http", "https"):
        return _mistake(url, f"{parts.scheme} is not a scheme to proxy to", "use http or https")
    if not host:
        return _mistake(url, f"{url} names no host", "such as http://127.0.0.1:3000")
    if parts.username is not None:
        return _mistake(url, "a URL with a user or password is not taken", "leave it out")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        return _mistake(
            url,
            "a URL with a path or a query is not taken",
            f"say --to {parts.scheme}://{parts.netloc} and put the path into the request",
        )
    name = f"[{host}]" if ":" in host else host
    authority = name if port is None else f"{name}:{port}"
    return f"""\
version: 1
listen: {{http: {PORT}}}
backends:
  upstream: {json.dumps(f"{parts.scheme}://{authority}")}
routes:
  - path: /**
    auth: none
    to: upstream
    rewrite: {{host: {json.dumps(name)}}}
"""


def _mistake(url: str, message: str, hint: str) -> Mistake:
    return Mistake(place=Place(NAME, 1, 1), message=message, hint=hint, width=max(1, len(url)))
