"""TLS towards a backend on its transport socket: files by name, so that no key ever travels."""

from collections.abc import Mapping

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.extensions.transport_sockets.tls.v3.common_pb2 import SubjectAltNameMatcher
from envoy.extensions.transport_sockets.tls.v3.tls_pb2 import UpstreamTlsContext

from policies.contract import BackendFacts, ClusterStep
from policies.tls.spec import Tls

OWN_FILES = "foregate.tls.own-files"
"""What a transport socket is called whose files are those of a gateway file.

Envoy goes by the type of the settings; whoever proves them knows that it may not have the files.
"""


def _tls(settings: Tls, facts: BackendFacts, cluster: Cluster) -> None:
    if not facts.tls:
        return
    context = UpstreamTlsContext.FromString(cluster.transport_socket.typed_config.value)
    common = context.common_tls_context
    if settings.sni is not None:
        context.sni = settings.sni
        del common.validation_context.match_typed_subject_alt_names[:]
        name = common.validation_context.match_typed_subject_alt_names.add()
        name.san_type = SubjectAltNameMatcher.DNS
        name.matcher.exact = settings.sni
    if settings.ca is not None:
        common.validation_context.trusted_ca.filename = settings.ca
    if settings.cert is not None and settings.key is not None:
        shown = common.tls_certificates.add()
        shown.certificate_chain.filename = settings.cert
        shown.private_key.filename = settings.key
    if settings.ca is not None or settings.cert is not None:
        cluster.transport_socket.name = OWN_FILES
    cluster.transport_socket.typed_config.Pack(context, deterministic=True)


CLUSTER: Mapping[str, ClusterStep] = {"tls": _tls}
"""The settings of `tls`."""
