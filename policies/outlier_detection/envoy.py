"""Passive health on Envoy's OutlierDetection: only what the settings name is enforced."""

from collections.abc import Mapping

from envoy.config.cluster.v3.cluster_pb2 import Cluster

from policies.contract import BackendFacts, ClusterStep
from policies.outlier_detection.spec import OutlierDetection

_SWEEP = 1_000
"""Milliseconds between looks at who may come back; Envoy's 10 s would stretch short ejections."""
_LONGEST = 300_000
PANIC = 50
"""Envoy's own percentage of healthy endpoints below which it sends requests to all."""


def _outlier_detection(settings: OutlierDetection, _facts: BackendFacts, cluster: Cluster) -> None:
    out = cluster.outlier_detection
    out.consecutive_5xx.value = settings.consecutive_5xx
    out.enforcing_consecutive_5xx.value = 100
    out.enforcing_success_rate.value = 0
    out.enforcing_failure_percentage.value = 0
    out.enforcing_consecutive_gateway_failure.value = 0
    out.interval.FromMilliseconds(_SWEEP)
    out.base_ejection_time.FromMilliseconds(settings.eject_for)
    out.max_ejection_time.FromMilliseconds(max(settings.eject_for, _LONGEST))
    out.max_ejection_percent.value = settings.max_ejected
    # without it Envoy ejects none of two endpoints at 10%: one is already 50%
    out.always_eject_one_host.value = True
    # below this share of endpoints Envoy would send to all of them, ejected or not
    panic = min(PANIC, 100 - settings.max_ejected)
    cluster.common_lb_config.healthy_panic_threshold.value = panic


CLUSTER: Mapping[str, ClusterStep] = {"outlierDetection": _outlier_detection}
