"""Builds of one route with consumers, and which of them an extauthz lets pass."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from controlplane.build import Build, Options, build
from controlplane.sources import SourceFile
from language.mistakes import errors
from protos import CONSUMERS, EXTAUTHZ
from protos.auth_pb2 import ConsumerSet
from tests.controlplane.rollout.published import Node, Stage


def made(auth: str, *consumers: str) -> Build:
    keys = "".join(
        f'  {name}: {{key: "sha256:{number:064x}"}}\n' for number, name in enumerate(consumers, 1)
    )
    text = f"""
version: 1
backends: {{echo: "http://127.0.0.1:9"}}
identities:
  keys: {{apiKey: {{header: x-api-key}}}}
consumers:
{keys}routes:
  - {{path: /a, auth: {auth}, to: echo}}
"""
    whole = build((SourceFile(name="gateway.yaml", data=text.encode()),), Options())
    assert not errors(whole.mistakes), whole.mistakes
    return whole


def people(authz: Node) -> set[str]:
    bodies = authz.held[CONSUMERS].values()
    return {one.name for body in bodies for one in ConsumerSet.FromString(body).consumers}


@asynccontextmanager
async def standing(stage: Stage, first: Build) -> AsyncIterator[tuple[Node, Node]]:
    """An Envoy and an extauthz that have a version."""
    await stage.publisher.publish(first, within=0, services=0)
    async with stage.node() as envoy, stage.node(EXTAUTHZ) as authz:
        await stage.live(first)
        await authz.until(lambda: CONSUMERS in authz.held)
        yield envoy, authz
