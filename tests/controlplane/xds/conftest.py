"""Lets a failing transcript show where it differs."""

import pytest

pytest.register_assert_rewrite("tests.controlplane.xds.ads_transcript")
