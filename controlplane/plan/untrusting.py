"""Settings that go by what only a trusted proxy could say, in a gateway that trusts none."""

from collections.abc import Iterator

from controlplane.model.gateway import File, Setting
from controlplane.model.inherit import told
from controlplane.model.keys import backend_keys, route_keys
from language.decode import mistake_at, spot
from language.mistakes import Mistake
from policies.edge import WRITTEN_AT_THE_EDGE, untrusted


def untrusting(file: File) -> tuple[Mistake, ...]:
    """Matches and settings by headers that the gateway removes, as no proxy before it is trusted.

    What is inherited is told once, where it is written.
    """
    found = (*_matches(file), *_settings(file))
    return tuple(dict.fromkeys(found))


def _matches(file: File) -> Iterator[Mistake]:
    for route in file.routes:
        for name in route.match.headers:
            if name in WRITTEN_AT_THE_EDGE:
                yield mistake_at(
                    route.file,
                    spot(route.node, None, ("headers", name)).key or route.node,
                    f"a client's '{name}' never arrives: no proxy before this is trusted",
                    "set listen.trustedHops, or match another header",
                )


def _settings(file: File) -> Iterator[Mistake]:
    keys = {**route_keys(), **backend_keys()}
    for setting in _written(file):
        if setting.value is not None:
            for fault in untrusted(keys[setting.key].client_headers(setting.value)):
                entry = (setting.name, setting.node)
                mistake = told(setting.file, entry, fault, inherited=False)
                if mistake is not None:
                    yield mistake


def _written(file: File) -> Iterator[Setting]:
    for route in file.routes:
        yield from route.settings
    for backend in file.backends:
        yield from backend.settings
