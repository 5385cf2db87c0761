"""The whole policy of the services in one file, for `--policy` of extauthz and ratelimit."""

import asyncio
import os
from pathlib import Path

from google.protobuf import json_format

from controlplane.build import Build
from controlplane.keyring.keyring import Keyring
from controlplane.snapshot import Resource
from protos import CONSUMERS, FLEET, KEYS, LIMITS, PIPELINE
from protos.auth_pb2 import ConsumerSet, KeySet, Pipeline
from protos.limits_pb2 import Fleet, LimitSet
from protos.services_pb2 import Bundle

MESSAGES = {
    PIPELINE: Pipeline,
    CONSUMERS: ConsumerSet,
    KEYS: KeySet,
    LIMITS: LimitSet,
    FLEET: Fleet,
}
"""The message of each of our own types; protobuf writes an Any as JSON only if it knows it."""

KEYS_SECONDS = 5.0


async def bundle(build: Build, files: Path, trust_store: str) -> Bundle:
    """Put together what services are served, with issuers' keys as they are now."""
    out = Bundle()
    async with Keyring(
        folder=None, root=files, trust_store=trust_store, on_change=lambda: None
    ) as keyring:
        keyring.want(build.key_sources, build.keys_use_for_ms)
        await keyring.first(within=KEYS_SECONDS)
        resources: list[Resource] = [*keyring.resources()]
    for one in build.services.values():
        resources += [r for group in one.resources.values() for r in group.values()]
    for resource in sorted(resources, key=lambda r: (r.type_url, r.name)):
        item = out.items.add(name=resource.name, version=resource.version)
        item.resource.type_url = resource.type_url
        item.resource.value = resource.body
    return out


def write(path: Path, build: Build, files: Path, trust_store: str) -> int:
    """Write it as protobuf JSON, readable by its owner alone: the hashes of keys are in it.

    Gives how many resources there are. Raises OSError.
    """
    made = asyncio.run(bundle(build, files, trust_store))
    text = json_format.MessageToJson(made, preserving_proto_field_name=True) + "\n"
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123 # opened with its mode
        file.write(text)
    unfinished.replace(path)
    return len(made.items)
