"""What the commands say of a control plane that has not done what it was asked for."""

import asyncio

import pytest
from click.testing import CliRunner, Result

from foregate.main import main
from foregate.operating import PUSH
from serving import admin as module
from serving.address import address
from serving.admin import Action, Admin


def pushed(action: Action) -> Result:
    async def all_of_it() -> Result:
        served = Admin((), lambda: True, {}, {PUSH: action})
        where = await served.start(address(":0"))
        try:
            async with asyncio.timeout(30):
                words = ["push", "--admin", str(where)]
                return await asyncio.to_thread(CliRunner().invoke, main, words)
        finally:
            await served.stop()

    return asyncio.run(all_of_it())


def test_a_push_that_fails_by_a_mistake_of_ours_says_where_more_is_told() -> None:
    async def fail(_data: bytes) -> tuple[int, bytes]:
        raise RuntimeError("ours")

    said = pushed(fail)
    assert said.exit_code == 1
    assert said.stderr.endswith(" failed at that: its log says why\n")
    assert "ours" not in said.output


def test_a_push_that_takes_long_is_still_going_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ACTION_SECONDS", 0.1)
    monkeypatch.setattr(module, "STOP_SECONDS", 0.0)

    async def wait(_data: bytes) -> tuple[int, bytes]:
        await asyncio.Event().wait()
        return 200, b"{}"

    said = pushed(wait)
    assert said.exit_code == 1
    assert said.stderr.endswith(" is still at it: see `foregate fleet`\n")
