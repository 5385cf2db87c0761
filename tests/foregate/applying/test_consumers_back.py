"""A rollback and consumers: who was removed stays away, unless asked for; replicas agree."""

from pathlib import Path

from controlplane.rollout.consumers import grants
from foregate.applying.change import Asked
from protos import CONSUMERS, CONSUMERS_NAME, EXTAUTHZ
from tests.foregate.applying.test_replicas import both
from tests.foregate.applying.world import World

HASHES = {"acme": "a" * 64, "bob": "b" * 64}


def gateway(*consumers: str) -> str:
    lines = ["version: 1", "identities: {keys: {apiKey: {header: x-api-key}}}", "consumers:"]
    lines += [f'  {name}: {{key: "sha256:{HASHES[name]}"}}' for name in consumers]
    lines += ["backends: {one: 'http://127.0.0.1:9'}"]
    return "\n".join([*lines, "routes: [{path: /one, auth: keys, to: one}]", ""])


def admitted(world: World) -> set[str]:
    """The consumers that extauthz is offered."""
    standing = world.stage.publisher.standing
    assert standing is not None
    served = standing.services[EXTAUTHZ].of(CONSUMERS)[CONSUMERS_NAME]
    return {name for name, *_ in grants(served)}


def test_who_was_removed_comes_back_only_where_that_is_asked_for(tmp_path: Path) -> None:
    async def body(a: World, b: World) -> None:
        for names in (("acme", "bob"), ("acme",)):
            for one in (a, b):
                await one.save(gateway(*names))
        result = await a.applier.rollback(1, Asked(by="ada"))
        assert result.warnings[-1].startswith("bob was removed or lost something since")
        assert admitted(a) == {"acme"}
        result = await a.applier.rollback(1, Asked(by="ada"), restore_consumers=True)
        assert admitted(a) == {"acme", "bob"}
        await b.applier.look()
        assert admitted(b) == {"acme", "bob"}
        assert b.applier.served.pinned == 1

    both(tmp_path, body)


def test_the_version_before_is_one_with_other_consumers_too(tmp_path: Path) -> None:
    async def body(a: World, _: World) -> None:
        for names in (("acme", "bob"), ("acme",)):
            await a.save(gateway(*names))
        result = await a.applier.rollback(None, Asked(by="ada"), restore_consumers=True)
        assert admitted(a) == {"acme", "bob"}
        assert a.applier.served.pinned == 1
        assert result.number == 3

    both(tmp_path, body)
