"""What a route lets requests become, by its settings and by Envoy's route."""

from collections.abc import Iterator, Mapping

from envoy.config.route.v3.route_components_pb2 import Route

from policies.enforcement import Enforcement
from policies.upgrades.spec import WEBSOCKET


def _word(protocol: str) -> str:
    return f"let requests become {protocol}"


def _websocket(settings: bool | None) -> Iterator[str]:  # noqa: FBT001 # settings
    if settings:
        yield _word(WEBSOCKET)


def _upgrades(settings: tuple[str, ...] | None) -> Iterator[str]:
    yield from (_word(one) for one in settings or ())


def _become(route: Route) -> Iterator[str]:
    configs = route.route.upgrade_configs
    yield from (one.upgrade_type for one in configs if one.enabled.value)


def _to_websocket(route: Route) -> Iterator[str]:
    yield from (_word(one) for one in _become(route) if one == WEBSOCKET)


def _to_others(route: Route) -> Iterator[str]:
    yield from (_word(one) for one in _become(route) if one != WEBSOCKET)


ENFORCED: Mapping[str, Enforcement] = {
    "websocket": Enforcement(asked=_websocket, found=_to_websocket),
    "upgrades": Enforcement(asked=_upgrades, found=_to_others),
}
