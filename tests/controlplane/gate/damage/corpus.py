"""Every kind of damage."""

from tests.controlplane.gate.damage.of_clusters import OF_CLUSTERS
from tests.controlplane.gate.damage.of_hosts import OF_HOSTS
from tests.controlplane.gate.damage.of_listeners import OF_LISTENERS
from tests.controlplane.gate.damage.of_routes import OF_ROUTES
from tests.controlplane.gate.damage.of_snapshots import OF_SNAPSHOTS

DAMAGES = (*OF_CLUSTERS, *OF_LISTENERS, *OF_ROUTES, *OF_HOSTS, *OF_SNAPSHOTS)
