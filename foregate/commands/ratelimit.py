"""`foregate ratelimit`: the service that says how much."""

from typing import Unpack

import click

from foregate.serving import Words, serve, serving_options
from protos import RATELIMIT
from serving.service import Feed, Service


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
    from ratelimit.stores.address import AddressError, address  # noqa: PLC0415 # as above

    try:
        host = address(url).host
        host.encode("idna")
    except AddressError as error:
        raise click.ClickException(f"--redis (FOREGATE_REDIS_URL): {error}") from None
    except UnicodeError:
        message = "--redis (FOREGATE_REDIS_URL): the Redis URL names no host"
        raise click.ClickException(message) from None
