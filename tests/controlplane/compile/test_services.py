"""What the services are served, and the clusters by which Envoy reaches them."""

import pytest
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthzPerRoute
from google.protobuf.json_format import MessageToDict

from controlplane.build import Build, Options, build
from controlplane.compile.services import ROLES, addresses, cluster_name, members
from controlplane.snapshot import CLUSTER, ENDPOINTS, ROUTES, Subject
from controlplane.sources import SourceFile
from language.secrets import Secrets
from policies.auth.envoy import CLUSTER_NAME, FILTER
from policies.auth.pipeline import CONTEXT, RULE, document, parse
from protos import CONSUMERS, CONSUMERS_NAME, EXTAUTHZ, PIPELINE, SERVICE_TYPES, auth_pb2
from tests.controlplane.compile.golden import CASES_BY_NAME, built

GATEWAY = """
version: 1
identities:
  idp: {issuer: "https://idp.example.com", audience: shop}
  keys: {apiKey: {header: x-api-key}}
consumers:
  bob: {key: "sha256:${BOB_KEY_HASH}"}
  eve: {key: "sha256:${EVE_KEY_HASH}"}
routes:
  - {path: /a, auth: {anyOf: [idp, keys]}, respond: {status: 200}}
  - {path: /b, auth: {anyOf: [idp, keys]}, respond: {status: 200}}
  - {path: /c, auth: {anyOf: [keys, idp]}, respond: {status: 200}}
"""
HASH = "5e" * 32


def made(text: str = GATEWAY, secrets: Secrets | None = None) -> Build:
    source = SourceFile(name="gateway.yaml", data=text.encode())
    secrets = secrets or Secrets(environ={"BOB_KEY_HASH": HASH})
    return build((source,), Options(secrets=secrets))


def test_pipelines_are_shared_and_lead_back_to_every_line() -> None:
    whole = made()
    served = whole.services[EXTAUTHZ].of(PIPELINE)
    assert len(served) == 2
    lines = {name: {p.line for p in whole.provenance[Subject(PIPELINE, name)]} for name in served}
    assert sorted(map(sorted, lines.values())) == [[4, 5, 10, 11], [4, 5, 12]]
    for name, one in served.items():
        message = auth_pb2.Pipeline.FromString(one.body)
        assert message.hash == name
        assert document(parse(message.document)) == message.document


def test_a_consumer_whose_secret_is_not_set_is_left_out() -> None:
    whole = made()
    (warning,) = whole.mistakes
    assert (warning.severity, warning.place.line) == ("warning", 8)
    (served,) = whole.services[EXTAUTHZ].of(CONSUMERS).values()
    (consumer,) = auth_pb2.ConsumerSet.FromString(served.body).consumers
    assert (consumer.name, consumer.keys[0].sha256.hex()) == ("bob", HASH)
    required = made(secrets=Secrets(environ={"BOB_KEY_HASH": HASH}, required=True))
    assert required.snapshot is None
    assert required.services == {}


def test_a_secret_is_nowhere_in_a_build() -> None:
    wrong = made(secrets=Secrets(environ={"BOB_KEY_HASH": "s3cret-s3cret"}))
    assert "s3cret" not in repr(wrong)
    assert HASH not in repr(made())
    assert repr(bytes.fromhex(HASH))[2:-1] not in repr(made().plan)


def test_services_are_served_their_own_types_alone() -> None:
    whole = made()
    assert set(whole.services) == set(ROLES)
    for role, one in whole.services.items():
        assert set(one.resources) <= set(SERVICE_TYPES[role])
    assert CONSUMERS_NAME in whole.services[EXTAUTHZ].of(CONSUMERS)
    assert whole.snapshot is not None
    own = {t for types in SERVICE_TYPES.values() for t in types}
    assert not own & set(whole.snapshot.resources)


def test_nobody_is_called_where_nobody_is_asked() -> None:
    text = "version: 1\nroutes: [{path: /a, auth: none, respond: {status: 200}}]\n"
    whole = made(text)
    assert whole.calls == frozenset()
    assert set(whole.services) == set(ROLES)
    assert set(whole.services[EXTAUTHZ].of(CONSUMERS)) == {CONSUMERS_NAME}
    assert whole.snapshot is not None
    for role in ROLES:
        assert cluster_name(role) in whole.snapshot.of(CLUSTER)
        assert cluster_name(role) in whole.snapshot.of(ENDPOINTS)


def test_the_filter_calls_the_cluster() -> None:
    assert cluster_name(EXTAUTHZ) == CLUSTER_NAME


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("unix:/run/a.sock", {"pipe": {"path": "/run/a.sock"}}),
        ("10.0.0.1:80", {"socketAddress": {"address": "10.0.0.1", "portValue": 80}}),
        ("[::1]:8080", {"socketAddress": {"address": "::1", "portValue": 8080}}),
    ],
)
def test_members(address: str, expected: dict[str, object]) -> None:
    one = members(EXTAUTHZ, [address], salt="a")
    assert addresses(one) == (address,)
    assert one.version != members(EXTAUTHZ, [address], salt="b").version
    (locality,) = ClusterLoadAssignment.FromString(one.body).endpoints
    assert [MessageToDict(e.endpoint.address) for e in locality.lb_endpoints] == [expected]


def test_members_have_one_order_and_may_be_none() -> None:
    some = ["unix:/b", "unix:/a"]
    assert members(EXTAUTHZ, some, salt="") == members(EXTAUTHZ, some[::-1], salt="")
    assert not ClusterLoadAssignment.FromString(members(EXTAUTHZ, (), salt="").body).endpoints


@pytest.mark.parametrize("name", CASES_BY_NAME)
def test_every_route_says_whether_somebody_is_asked(name: str) -> None:
    """A route that says neither would be judged without a hash: refused, as a last resort."""
    snapshot = built(CASES_BY_NAME[name]).snapshot
    assert snapshot is not None
    (table,) = snapshot.of(ROUTES).values()
    for host in RouteConfiguration.FromString(table.body).virtual_hosts:
        for route in host.routes:
            found = ExtAuthzPerRoute.FromString(route.typed_per_filter_config[FILTER].value)
            context = found.check_settings.context_extensions
            assert found.disabled or (context[CONTEXT] and context[RULE] == route.name)
