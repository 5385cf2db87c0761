"""The page about the gate says the bounds that the code has."""

import re

from controlplane.gate import causes
from controlplane.gate.validate import Bounds
from controlplane.prover.standby import DELAY_SECONDS, MOST_DELAY_SECONDS
from foregate.applying.proving import ROUNDS
from tests.e2e.process import ROOT

PAGE = (ROOT / "docs" / "gate.md").read_text()


def row(name: str) -> str:
    return next(line.split("|")[2] for line in PAGE.splitlines() if line.startswith(f"| {name}"))


def test_bounds() -> None:
    bounds = Bounds()
    assert row("an answer of the prover") == f" {bounds.seconds:g} s "
    each = 1000 * bounds.seconds_per_unit
    assert row("a run of `validate`") == f" {bounds.seconds:g} s and {each:g} ms a part "
    assert row("causes").startswith(f" {causes.MOST}, in {causes.SECONDS:g} s")
    assert row("data of either").startswith(f" {bounds.memory >> 30} GiB")
    assert row("memory the prover").strip() == f"{bounds.resident >> 30} GiB"
    again = row("time until a prover")
    assert again.startswith(f" {2 * DELAY_SECONDS:g} s")
    assert f"{MOST_DELAY_SECONDS:g} s at most" in again


def test_rounds() -> None:
    names = {10: "Ten"}
    assert f"{names[ROUNDS]} rounds are made at most" in PAGE


def test_links_lead_somewhere() -> None:
    for page in ("gate.md", "files.md", "history.md", "diff.md", "fleet.md"):
        text = (ROOT / "docs" / page).read_text()
        for link in re.findall(r"\]\(([\w./-]+)\)", text):
            assert (ROOT / "docs" / link).exists(), (page, link)
