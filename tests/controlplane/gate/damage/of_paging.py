"""Damage to how a listener finds pages."""

from collections.abc import Callable

from envoy.config.core.v3.base_pb2 import HeaderValueOption
from envoy.extensions.filters.http.ip_tagging.v3.ip_tagging_pb2 import IPTagging
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import (
    header_mutation_pb2 as early_pb2,
)

from controlplane.compile.listener import BUFFER
from controlplane.compile.pages.selection import PAGE_FILTER, RESELECT_FILTER
from tests.controlplane.gate.damage.damage import (
    Damage,
    in_manager,
)
from tests.controlplane.gate.damage.example import listener
from tests.controlplane.gate.damage.layouts import (
    USERS,
)

_Manager = hcm_pb2.HttpConnectionManager


def _early(manager: _Manager, change: Callable[[early_pb2.HeaderMutation], None]) -> None:
    packed = manager.early_header_mutation_extensions[0].typed_config
    found = early_pb2.HeaderMutation.FromString(packed.value)
    change(found)
    packed.Pack(found, deterministic=True)


def _client_chooses(manager: _Manager) -> None:
    def change(found: early_pb2.HeaderMutation) -> None:
        del found.mutations[-1]

    _early(manager, change)


def _said_before_it_is_removed(manager: _Manager) -> None:
    def change(found: early_pb2.HeaderMutation) -> None:
        several = [*found.mutations]
        del found.mutations[:]
        found.mutations.extend([several[-1], *several[:-1]])

    _early(manager, change)


def _said_beside(manager: _Manager) -> None:
    def change(found: early_pb2.HeaderMutation) -> None:
        found.mutations[-1].append.append_action = HeaderValueOption.ADD_IF_ABSENT

    _early(manager, change)


def _filter(manager: _Manager, name: str) -> hcm_pb2.HttpFilter:
    (found,) = (one for one in manager.http_filters if one.name == name)
    return found


def _no_reselection(manager: _Manager) -> None:
    del manager.http_filters[1]


def _reselection_off(manager: _Manager) -> None:
    _filter(manager, RESELECT_FILTER).disabled = True


def _reselection_late(manager: _Manager) -> None:
    kept = hcm_pb2.HttpFilter()
    kept.CopyFrom(manager.http_filters[1])
    del manager.http_filters[1]
    manager.http_filters.insert(4, kept)


def _some_reselected(manager: _Manager) -> None:
    packed = _filter(manager, RESELECT_FILTER).typed_config
    tagging = IPTagging.FromString(packed.value)
    tagging.ip_tags[0].ip_list[0].prefix_len.value = 8
    packed.Pack(tagging, deterministic=True)


def _tag_appended(manager: _Manager) -> None:
    packed = _filter(manager, RESELECT_FILTER).typed_config
    tagging = IPTagging.FromString(packed.value)
    tagging.ClearField("ip_tag_header")
    packed.Pack(tagging, deterministic=True)


def _page_filter_off(manager: _Manager) -> None:
    _filter(manager, PAGE_FILTER).disabled = True


def _buffer_off(manager: _Manager) -> None:
    _filter(manager, BUFFER).disabled = True


def _other_header(manager: _Manager) -> None:
    part = manager.scoped_routes.scope_key_builder.fragments[0].header_value_extractor
    part.name = "x-page"


def _part_of_the_header(manager: _Manager) -> None:
    part = manager.scoped_routes.scope_key_builder.fragments[0].header_value_extractor
    part.element_separator = ","


def _scopes_from_elsewhere(manager: _Manager) -> None:
    source = manager.scoped_routes.scoped_rds.scoped_rds_config_source
    source.path_config_source.path = "/etc/scopes"


def _tables_from_elsewhere(manager: _Manager) -> None:
    manager.scoped_routes.rds_config_source.path_config_source.path = "/etc/routes"


def _one_page_alone(manager: _Manager) -> None:
    source = manager.scoped_routes.rds_config_source
    manager.rds.config_source.CopyFrom(source)
    manager.rds.route_config_name = USERS


_LISTENERS = (
    ("client-chooses-the-page", _client_chooses),
    ("page-said-before-it-is-removed", _said_before_it_is_removed),
    ("page-said-beside-another", _said_beside),
    ("no-reselection", _no_reselection),
    ("reselection-off", _reselection_off),
    ("reselection-after-others", _reselection_late),
    ("reselection-of-some", _some_reselected),
    ("reselection-without-a-header", _tag_appended),
    ("page-filter-off", _page_filter_off),
    ("buffer-off-in-pages", _buffer_off),
    ("scopes-of-another-header", _other_header),
    ("scopes-of-a-part-of-the-header", _part_of_the_header),
    ("scopes-from-elsewhere", _scopes_from_elsewhere),
    ("pages-from-elsewhere", _tables_from_elsewhere),
    ("listener-of-one-page", _one_page_alone),
)

OF_PAGING = tuple(Damage(name=n, apply=in_manager(c), blamed=listener()) for n, c in _LISTENERS)
