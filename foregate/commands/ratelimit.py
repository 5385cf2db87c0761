"""`foregate ratelimit`: the service that says how much."""

from typing import Unpack
from urllib.parse import urlsplit

import click

from foregate.serving import Words, serve, serving_options
from protos import RATELIMIT
from serving.service import Feed, Service

SCHEMES = ("redis", "rediss", "unix")


@click.command()
@serving_options(port=18002, admin=18092)
@click.option(
    "--redis",
    metavar="URL",
    envvar="FOREGATE_REDIS_URL",
    default="",
    help="Where the counters are that all instances share; none: in this process.",
)
def command(redis: str, **words: Unpack[Words]) -> None:
    """Answer Envoy's rate limit calls: how much.

    The limits come from the control plane and are kept for the time when that is away, or they
    come from a file. The log level is FOREGATE_LOG's (debug, info, warning or error).

    \b
    Examples:
      foregate ratelimit --xds 127.0.0.1:18000 --redis redis://127.0.0.1:6379
      foregate ratelimit --xds unix:/run/foregate/xds.sock --listen unix:/run/foregate/limits.sock
      foregate ratelimit --policy ratelimit.json
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    from ratelimit.service import make  # noqa: PLC0415 # --help needs none of it

    if redis:
        check(redis)

    def maker(feed: Feed) -> Service:
        return make(feed, redis_url=redis or None)

    serve(RATELIMIT, maker, words)


def check(url: str) -> None:
    """Refuse what is no Redis URL. The URL may hold a password: it is not repeated."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in SCHEMES and (bool(parts.hostname) or parts.scheme == "unix")
        _ = parts.port
    except ValueError:
        known = False
    if not known:
        raise click.ClickException(
            "--redis (FOREGATE_REDIS_URL): it must be redis://HOST:PORT, rediss:// with TLS, "
            "or unix:///PATH"
        )
