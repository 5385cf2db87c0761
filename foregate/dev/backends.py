"""The backends on this machine that a plan names: the demo upstream may stand in for them."""

import ipaddress

from controlplane.plan.plan import Plan
from foregate.dev.upstream import Backend


def local_backends(plan: Plan) -> tuple[Backend, ...]:
    """Each loopback address of a backend that speaks plain HTTP/1.1, once, in order."""
    found: dict[tuple[str, int], Backend] = {}
    for backend in plan.backends:
        if backend.protocol == "http":
            for one in backend.endpoints:
                if _is_loopback(one.host):
                    made = Backend(name=backend.key.text, host=one.host, port=one.port)
                    found.setdefault((one.host, one.port), made)
    return tuple(found.values())


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
