"""Whether a route answers by itself what its settings say."""

from collections.abc import Iterator, Mapping

from envoy.config.route.v3.route_components_pb2 import Route

from policies.enforcement import Enforcement
from policies.respond.spec import Respond


def _asked(settings: Respond | None) -> Iterator[str]:
    if settings is not None:
        yield f"answer {settings.status}"


def _found(route: Route) -> Iterator[str]:
    answer = route.direct_response
    if answer.status and not answer.HasField("body_format"):  # with one it is the gateway's own
        yield f"answer {answer.status}"


ENFORCED: Mapping[str, Enforcement] = {"respond": Enforcement(asked=_asked, found=_found)}
