"""`foregate extauthz`: the service that says who may pass."""

from typing import Unpack

import click

from foregate.serving import Words, serve, serving_options
from protos import EXTAUTHZ


@click.command()
@serving_options(port=18001, admin=18091)
def command(**words: Unpack[Words]) -> None:
    """Answer Envoy's ext_authz calls: who may pass.

    The policy comes from the control plane and is kept for the time when that is away, or it
    comes from a file. The log level is FOREGATE_LOG's (debug, info, warning or error).

    \b
    Examples:
      foregate extauthz --xds 127.0.0.1:18000
      foregate extauthz --xds unix:/run/foregate/xds.sock --listen unix:/run/foregate/auth.sock
      foregate extauthz --policy extauthz.json
    """  # noqa: D301 # \b is click's mark of a paragraph that it must not wrap
    from extauthz.service import make  # noqa: PLC0415 # --help needs none of it

    serve(EXTAUTHZ, make, words)
