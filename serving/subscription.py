"""The client's side of one delta ADS stream: what is known, what is asked for, what is answered.

Pure: responses and wishes in, requests out. A response is taken in two steps, because whether it
is accepted is not decided here: `update` is what the service is to take in, and `answer` is given
its verdict. The state outlives its streams; `connect` begins each of them.

Source: the xDS protocol specification, "Incremental xDS".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from serving.bundle import Holding, Resource
from serving.service import Update

WILDCARD = "*"

NAMES = 1000
"""Names of one type that are subscribed to by name at most; the oldest is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one DeltaDiscoveryRequest says. `error` makes it a NACK; the node goes with `first`."""

    type_url: str
    first: bool = False
    nonce: str = ""
    error: str | None = None
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    initial: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What one DeltaDiscoveryResponse says. `fault` is why it cannot be taken, empty if it can."""

    type_url: str
    nonce: str
    resources: Mapping[str, Resource] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One type. The dicts of names are in the order of asking; their values mean nothing.

    `known`: what was accepted. `named`: subscribed to by name, whether it exists or not.
    `waiting`: those of them that a fetch waits for. `asked`: names that the server is only told.
    `answered`: whether a response of this type was ever accepted, or its last good was.
    """

    whole: bool
    known: Mapping[str, Resource] = field(default_factory=dict)
    named: Mapping[str, None] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    asked: Mapping[str, None] = field(default_factory=dict)
    answered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What comes of one input: the state afterwards, what to send, and which fetches ended how."""

    after: "Subscription"
    requests: tuple[Request, ...] = ()
    resolved: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """The state; every method returns the next one. `topics` are in the order of subscribing."""

    topics: Mapping[str, Topic]
    connected: bool = False

    @property
    def holding(self) -> Holding:
        """Everything that was accepted."""
        return {t: topic.known for t, topic in self.topics.items()}

    @property
    def complete(self) -> bool:
        """Whether every type has come at least once: only then the holding is a whole policy."""
        return all(topic.answered for topic in self.topics.values() if topic.whole)

    def knows(self, type_url: str, name: str) -> bool:
        """Whether a resource was accepted."""
        topic = self.topics.get(type_url)
        return topic is not None and name in topic.known

    def connect(self) -> Step:
        """Begin a stream: everything is subscribed to again, with the versions that are known."""
        requests = [_opening(t, topic) for t, topic in self.topics.items() if _wanted(topic)]
        if requests:
            requests[0] = replace(requests[0], first=True)
        return Step(after=replace(self, connected=True), requests=tuple(requests))

    def disconnect(self) -> Step:
        """Forget the stream. Fetches go on waiting: the next stream asks for their names."""
        return Step(after=replace(self, connected=False))

    def fetch(self, type_url: str, name: str) -> Step:
        """Ask for a name, unless it is known. Asked again, the server must answer again."""
        topic = self.topics.get(type_url) or Topic(whole=False)
        if name in topic.known or name in topic.waiting:
            return Step(after=self)
        named = {n: None for n in topic.named if n != name} | {name: None}
        surplus = tuple(n for n in named if n not in topic.waiting)[: max(0, len(named) - NAMES)]
        after = replace(
            topic,
            named={n: None for n in named if n not in surplus},
            waiting=topic.waiting | {name},
        )
        request = Request(type_url=type_url, subscribe=(name,), unsubscribe=surplus)
        return self._sent(type_url, after, request)

    def ask(self, type_url: str, name: str) -> Step:
        """Tell the server a name. Until that is answered, telling it again does nothing."""
        topic = self.topics.get(type_url) or Topic(whole=False)
        if name in topic.asked or len(topic.asked) >= NAMES:
            return Step(after=self)
        after = replace(topic, asked={**topic.asked, name: None})
        return self._sent(type_url, after, Request(type_url=type_url, subscribe=(name,)))

    def update(self, response: Response) -> Update | None:
        """Say what the service is to take in; None when it concerns only names that were asked.

        A removal of what is neither known nor was fetched says nothing: so a server answers an
        ask, and in a wildcard the end of one.
        """
        topic = self.topics.get(response.type_url)
        if topic is None or (not topic.whole and not topic.named):
            return None
        return Update(
            type_url=response.type_url,
            changed={n: r.body for n, r in response.resources.items()},
            removed=frozenset(response.removed) & (topic.known.keys() | topic.named.keys()),
        )

    def answer(self, response: Response, error: str | None) -> Step:
        """ACK a response, or NACK it with `error`: then all that was known stays known."""
        type_url = response.type_url
        topic = self.topics.get(type_url)
        if topic is None:
            error = error or "this type was not asked for"
            nack = Request(type_url=type_url, nonce=response.nonce, error=error)
            return Step(after=self, requests=(nack,))
        told = response.resources.keys() | set(response.removed)
        answered = tuple(n for n in topic.asked if n in told)
        ended = topic.waiting & told
        after = replace(
            topic,
            waiting=topic.waiting - ended,
            asked={n: None for n in topic.asked if n not in answered},
        )
        if error is None:
            after = replace(after, known=_known(topic, response), answered=True)
        request = Request(
            type_url=type_url,
            nonce=response.nonce,
            error=error,
            unsubscribe=tuple(n for n in answered if n not in topic.named),
        )
        resolved = {n: error is None and n in response.resources for n in ended}
        return replace(self._sent(type_url, after, request), resolved=resolved)

    def restored(self, type_url: str, known: Mapping[str, Resource]) -> "Subscription":
        """Take what an earlier process had accepted as known."""
        topic = replace(self.topics[type_url], known=known, answered=True)
        return replace(self, topics={**self.topics, type_url: topic})

    def _sent(self, type_url: str, topic: Topic, request: Request) -> Step:
        """Replace a topic, and send the request where there is a stream to send it on."""
        after = replace(self, topics={**self.topics, type_url: topic})
        return Step(after=after, requests=(request,) if self.connected else ())


def subscription(types: Iterable[str]) -> Subscription:
    """Start with nothing known; `types` are subscribed to whole, in this order."""
    return Subscription(topics={t: Topic(whole=True) for t in types})


def _wanted(topic: Topic) -> bool:
    return topic.whole or bool(topic.named) or bool(topic.asked)


def _opening(type_url: str, topic: Topic) -> Request:
    names = dict.fromkeys(((WILDCARD,) if topic.whole else ()) + (*topic.named, *topic.asked))
    return Request(
        type_url=type_url,
        subscribe=tuple(names),
        initial={n: r.version for n, r in topic.known.items()},
    )


def _known(topic: Topic, response: Response) -> Mapping[str, Resource]:
    gone = frozenset(response.removed)
    return {n: r for n, r in topic.known.items() if n not in gone} | dict(response.resources)
