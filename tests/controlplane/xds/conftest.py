"""Lets a failing transcript show where it differs, and a pilot take its time."""

import pytest

from controlplane.xds import pilots

pytest.register_assert_rewrite("tests.controlplane.xds.ads_transcript")


@pytest.fixture
def patient_with_pilots(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes because a pilot's time is over would hide what does not come by itself."""
    monkeypatch.setattr(pilots, "PILOT_SECONDS", 3600.0)
    monkeypatch.setattr(pilots, "LONGEST_SECONDS", 3600.0)
