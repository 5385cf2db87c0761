"""Every kind of damage."""

from tests.controlplane.gate.damage.of_answers import OF_ANSWERS, OF_BARS
from tests.controlplane.gate.damage.of_clusters import OF_CLUSTERS
from tests.controlplane.gate.damage.of_dispatchers import OF_DISPATCHERS
from tests.controlplane.gate.damage.of_guards import OF_GUARDS
from tests.controlplane.gate.damage.of_hosts import OF_HOSTS
from tests.controlplane.gate.damage.of_listeners import OF_LISTENERS
from tests.controlplane.gate.damage.of_pages import OF_PAGES
from tests.controlplane.gate.damage.of_paging import OF_PAGING
from tests.controlplane.gate.damage.of_removals import OF_REMOVALS
from tests.controlplane.gate.damage.of_routes import OF_ROUTES
from tests.controlplane.gate.damage.of_snapshots import OF_SNAPSHOTS

DAMAGES = (
    *OF_CLUSTERS,
    *OF_LISTENERS,
    *OF_REMOVALS,
    *OF_ROUTES,
    *OF_GUARDS,
    *OF_ANSWERS,
    *OF_HOSTS,
    *OF_SNAPSHOTS,
)

OF_PAGES_ALONE = (*OF_PAGES, *OF_DISPATCHERS, *OF_PAGING, *OF_BARS)
"""Damage that only pages can have."""
