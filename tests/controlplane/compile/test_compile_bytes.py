"""What compile gives is the same bytes in every process: versions are hashes of them."""

from envoy.config.route.v3.route_pb2 import RouteConfiguration
from google.protobuf import any_pb2
from google.protobuf.message import Message

from controlplane.build import Options, build
from controlplane.snapshot import ROUTES, Snapshot, Subject
from controlplane.sources import SourceFile
from tests.controlplane.compile.named import unpacked

FILE = """
version: 1
defaults:
  auth: none
  retry: {attempts: 2, codes: [503]}
  request: {set: {x-gateway: edge}}
backends:
  users: {url: "https://users", health: {path: /healthz}, caps: {requests: 9}}
  orders: {endpoints: ["10.0.0.1:80"], outlierDetection: {ejectFor: 5s}}
routes:
  - {path: /users/**, to: users}
  - {path: /orders/**, methods: [GET, POST], to: orders}
"""


def compiled(text: str = FILE) -> Snapshot:
    made = build(
        (SourceFile(name="gateway.yaml", data=text.encode()),),
        Options(trust_store="authorities.pem"),
    )
    assert made.snapshot is not None, made.mistakes
    return made.snapshot


def test_every_message_is_serialized_deterministically_those_in_an_any_too() -> None:
    # a map in protobuf has an order that differs with each process: only `deterministic` sorts it
    seen = 0
    for resources in compiled().resources.values():
        for one in resources.values():
            outer = any_pb2.Any(type_url=one.type_url, value=one.body)
            for packed in packed_in(outer):
                canonical = unpacked(packed).SerializeToString(deterministic=True)
                assert packed.value == canonical, packed.type_url
                seen += 1
    assert seen > 10


def test_the_order_of_routes_in_the_file_changes_no_byte() -> None:
    head, mark, tail = FILE.partition("routes:\n")
    turned = "".join(reversed(tail.splitlines(keepends=True)))
    assert turned != tail
    assert compiled(head + mark + turned) == compiled()


def test_a_route_that_becomes_two_keeps_one_rule() -> None:
    (table,) = compiled().of(ROUTES).values()
    (host,) = RouteConfiguration.FromString(table.body).virtual_hosts
    rules = [route.name for route in host.routes]
    no_host, orders, again, not_allowed, users, others = rules
    assert no_host == "h-none"
    assert (orders, users) == (again, others)
    assert len({orders, not_allowed, users}) == 3


def test_each_route_leads_back_to_its_lines() -> None:
    made = build(
        (SourceFile(name="gateway.yaml", data=FILE.encode()),),
        Options(trust_store="authorities.pem"),
    )
    assert made.snapshot is not None
    rules = {
        subject.part: [place.line for place in places]
        for subject, places in made.provenance.items()
        if subject.type_url == ROUTES and "/r-" in subject.part
    }
    assert sorted(lines[0] for lines in rules.values()) == [11, 12]
    inherited = {4, 5, 6}
    assert all(inherited <= set(lines) for lines in rules.values())
    (table,) = made.snapshot.of(ROUTES).values()
    assert all(rule.partition("/")[2].encode() in table.body for rule in rules)
    assert made.provenance[Subject(ROUTES, table.name)]


def packed_in(message: Message) -> list[any_pb2.Any]:
    """Every Any in a message that says what it holds, at any depth."""
    if isinstance(message, any_pb2.Any):
        return [message, *packed_in(unpacked(message))] if message.type_url else []
    found = []
    for field, value in message.ListFields():
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        below = value.values() if is_map else value if field.is_repeated else [value]
        found += [one for part in below if isinstance(part, Message) for one in packed_in(part)]
    return found
