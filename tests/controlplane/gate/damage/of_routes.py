"""Damage to routes."""

from envoy.config.route.v3 import route_components_pb2 as pb
from envoy.extensions.filters.http.buffer.v3.buffer_pb2 import BufferPerRoute
from envoy.extensions.filters.http.ext_authz.v3.ext_authz_pb2 import ExtAuthzPerRoute
from envoy.extensions.filters.http.header_mutation.v3.header_mutation_pb2 import (
    HeaderMutationPerRoute,
)
from envoy.extensions.filters.http.rbac.v3.rbac_pb2 import RBAC
from google.protobuf.message import Message

from controlplane.compile.listener import BUFFER
from policies.auth.envoy import FILTER as AUTH
from policies.headers.envoy import FILTER as HEADERS
from policies.ip.envoy import FILTER as IP
from tests.controlplane.gate.damage.damage import Damage, in_route
from tests.controlplane.gate.damage.example import ORDERS_HOST, host, route

USER, USERS = route("/users/{id}"), route("/users")
SEARCH, MIXED, SECURE = route("/search/**"), route("/mixed"), route("/secure/**")
UP, OLD, NAMED = route("/up"), route("/old/{rest=**}"), route("/named")
ORDER = route("/orders/**", ORDERS_HOST)


def _setting(one: pb.Route, name: str, settings: Message) -> None:
    one.typed_per_filter_config[name].Pack(settings)


def _to_nowhere(one: pb.Route) -> None:
    one.route.cluster = "gone"


def _weight_to_nowhere(one: pb.Route) -> None:
    one.route.weighted_clusters.clusters[1].name = "gone"


def _mirror_to_nowhere(one: pb.Route) -> None:
    one.route.request_mirror_policies.add(cluster="gone")


def _to_no_cluster(one: pb.Route) -> None:
    one.route.ClearField("cluster_specifier")


def _to_a_header(one: pb.Route) -> None:
    one.route.cluster_header = ""


def _weights_of_nothing(one: pb.Route) -> None:
    for each in one.route.weighted_clusters.clusters:
        each.weight.value = 0


def _filter_of_nobody(one: pb.Route) -> None:
    _setting(one, "foregate.cors", BufferPerRoute(disabled=True))


def _settings_of_another(one: pb.Route) -> None:
    _setting(one, HEADERS, BufferPerRoute(disabled=True))


def _settings_of_a_filter(one: pb.Route) -> None:
    _setting(one, IP, RBAC())


def _off_in_another_way(one: pb.Route) -> None:
    _setting(one, AUTH, pb.FilterConfig(disabled=True))


def _optional(one: pb.Route) -> None:
    inner = pb.FilterConfig(is_optional=True)
    inner.config.CopyFrom(one.typed_per_filter_config[AUTH])
    _setting(one, AUTH, inner)


def _auth_lost(one: pb.Route) -> None:
    del one.typed_per_filter_config[AUTH]


def _auth_off(one: pb.Route) -> None:
    _setting(one, AUTH, ExtAuthzPerRoute(disabled=True))


def _auth_of_nothing(one: pb.Route) -> None:
    one.typed_per_filter_config[AUTH].Clear()


def _auth_in_pieces(one: pb.Route) -> None:
    one.typed_per_filter_config[AUTH].value = b"\xff\xff"


def _weight_with_auth(one: pb.Route) -> None:
    first = one.route.weighted_clusters.clusters[0]
    first.typed_per_filter_config[AUTH].Pack(ExtAuthzPerRoute(disabled=True))


def _weight_with_nobody(one: pb.Route) -> None:
    first = one.route.weighted_clusters.clusters[0]
    first.typed_per_filter_config["nobody"].Pack(BufferPerRoute(disabled=True))


def _regex_broken(one: pb.Route) -> None:
    one.match.safe_regex.regex = "/([a"


def _regex_large(one: pb.Route) -> None:
    one.match.safe_regex.regex = "/[^/]+" * 40


def _no_match(one: pb.Route) -> None:
    one.match.ClearField("path_specifier")


def _prefix_of_a_slash(one: pb.Route) -> None:
    one.match.path_separated_prefix = "/search/"


def _no_action(one: pb.Route) -> None:
    one.ClearField("action")


def _substitution_beyond(one: pb.Route) -> None:
    one.route.regex_rewrite.substitution = r"/people/\7"


def _rewrite_broken(one: pb.Route) -> None:
    one.route.regex_rewrite.pattern.regex = "^/(users$"


def _two_rewrites(one: pb.Route) -> None:
    one.route.prefix_rewrite = "/people"


def _status_of_nobody(one: pb.Route) -> None:
    one.direct_response.status = 99


def _body_too_large(one: pb.Route) -> None:
    one.direct_response.body.inline_string = "x" * 70_000


def _code_of_nobody(one: pb.Route) -> None:
    one.redirect.response_code = 77  # type: ignore[assignment] # what no release of Envoy knows


def _path_and_rewrite(one: pb.Route) -> None:
    one.redirect.regex_rewrite.pattern.regex = "(("


def _timeout_negative(one: pb.Route) -> None:
    one.route.timeout.nanos = -5


def _retry_forever(one: pb.Route) -> None:
    one.route.retry_policy.per_try_timeout.seconds = -1


def _retry_predicate(one: pb.Route) -> None:
    one.route.retry_policy.retry_host_predicate.add(name="nobody").typed_config.Pack(RBAC())


def _header_of_the_host(one: pb.Route) -> None:
    one.response_headers_to_add.add().header.key = "host"


def _header_value_long(one: pb.Route) -> None:
    option = one.response_headers_to_add.add()
    option.header.key, option.header.value = "x-a", "v" * 20_000


def _header_with_a_break(one: pb.Route) -> None:
    option = one.response_headers_to_add.add()
    option.header.key, option.header.value = "x-a", "a\r\nb"


def _header_with_a_command(one: pb.Route) -> None:
    option = one.response_headers_to_add.add()
    option.header.key, option.header.value = "x-a", "%NOBODY(x)%"


def _mutation_broken(one: pb.Route) -> None:
    settings = HeaderMutationPerRoute()
    option = settings.mutations.request_mutations.add().append
    option.header.key = "x\na"
    _setting(one, HEADERS, settings)


def _query_without_name(one: pb.Route) -> None:
    one.match.query_parameters.add()


def _nameless(one: pb.Route) -> None:
    one.name = ""


_OF_A_ROUTE = (
    ("route-to-no-cluster-there-is", USERS, _to_nowhere),
    ("weight-to-no-cluster-there-is", MIXED, _weight_to_nowhere),
    ("mirror-to-no-cluster-there-is", USERS, _mirror_to_nowhere),
    ("route-to-no-cluster", USERS, _to_no_cluster),
    ("route-to-a-header-without-name", USERS, _to_a_header),
    ("weights-of-nothing", MIXED, _weights_of_nothing),
    ("setting-for-a-filter-that-is-not", USERS, _filter_of_nobody),
    ("setting-of-another-filter", SECURE, _settings_of_another),
    ("setting-that-is-the-filters-own", SECURE, _settings_of_a_filter),
    ("auth-off-by-filter-config", ORDER, _off_in_another_way),
    ("auth-optional", ORDER, _optional),
    ("auth-lost", NAMED, _auth_lost),
    ("auth-off-and-counted-by-user", USERS, _auth_off),
    ("auth-of-no-type", ORDER, _auth_of_nothing),
    ("auth-in-pieces", ORDER, _auth_in_pieces),
    ("auth-off-for-a-weight", MIXED, _weight_with_auth),
    ("weight-for-a-filter-that-is-not", MIXED, _weight_with_nobody),
    ("regex-broken", USER, _regex_broken),
    ("regex-too-large", USER, _regex_large),
    ("no-match", USERS, _no_match),
    ("prefix-that-ends-in-a-slash", SEARCH, _prefix_of_a_slash),
    ("no-action", USERS, _no_action),
    ("substitution-of-a-group-that-is-not", USER, _substitution_beyond),
    ("rewrite-broken", USER, _rewrite_broken),
    ("rewrite-twice", USER, _two_rewrites),
    ("status-that-is-none", UP, _status_of_nobody),
    ("body-too-large", UP, _body_too_large),
    ("redirect-code-that-is-none", OLD, _code_of_nobody),
    ("redirect-broken", OLD, _path_and_rewrite),
    ("timeout-negative", USERS, _timeout_negative),
    ("retry-negative", USERS, _retry_forever),
    ("retry-predicate-that-is-none", USERS, _retry_predicate),
    ("answer-that-writes-the-host", UP, _header_of_the_host),
    ("header-value-too-long", UP, _header_value_long),
    ("header-value-with-a-break", UP, _header_with_a_break),
    ("header-value-with-a-command", UP, _header_with_a_command),
    ("header-name-with-a-break", SECURE, _mutation_broken),
    ("parameter-without-name", USERS, _query_without_name),
)


def _of_routes() -> tuple[Damage, ...]:
    return tuple(Damage(name=n, apply=in_route(at, c), blamed=at) for n, at, c in _OF_A_ROUTE)


def _buffer_endless(one: pb.Route) -> None:
    settings = BufferPerRoute()
    settings.buffer.max_request_bytes.value = 0
    _setting(one, BUFFER, settings)


OF_ROUTES = (
    *_of_routes(),
    Damage(name="buffer-of-nothing", apply=in_route(USERS, _buffer_endless), blamed=USERS),
    Damage(
        name="route-without-name",
        apply=in_route(UP, _nameless),
        blamed=host("api.example.com"),
        within=UP.part,
    ),
)
