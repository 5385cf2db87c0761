"""The page about backends: its example is right, its links lead somewhere, its numbers are ours."""

import re

from controlplane.build import Options, build
from controlplane.sources import SourceFile
from policies.health import envoy as health
from policies.outlier_detection import envoy as outlier_detection
from tests.e2e.process import ROOT

PAGE = (ROOT / "docs" / "backends.md").read_text()


def test_the_example_has_no_mistake() -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    source = SourceFile(name="gateway.yaml", data=text.encode())
    assert build((source,), Options(trust_store="/trusted.pem")).mistakes == ()


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([\w./-]+)\)", PAGE):
        assert (ROOT / "docs" / link).exists(), link


def test_the_panic_threshold_is_the_one_that_is_compiled() -> None:
    assert health.PANIC == outlier_detection.PANIC
    assert f"fewer than {health.PANIC} % of a priority" in PAGE
