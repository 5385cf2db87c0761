"""What extauthz was served: pipelines, consumers and keys, taken in whole or not at all."""

import hmac
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from decision.ask import Answer, Holder, HolderOf, IssuerKeys, KeysOf, Missing, Question
from policies.auth import keys
from policies.auth.pipeline import JwtIdentity, MalformedPipelineError, Pipeline, digest, parse
from protos import CONSUMERS, CONSUMERS_NAME, KEYS, PIPELINE
from protos.auth_pb2 import ConsumerSet, KeySet
from protos.auth_pb2 import Pipeline as PipelineMessage
from serving.service import RejectedError, Update

PAST = 10_000
"""How many pipelines that are no longer served are kept, about 1 KB each: old routes name them."""

DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """An API key: its own hash beside who holds it, and the identity that it belongs to."""

    sha256: bytes
    identity: str
    holder: Holder


class Policy:
    """The intake of extauthz (`serving.service.Intake`), and what answers its decisions."""

    def __init__(self, past: int = PAST) -> None:
        self._past_size = past
        self._pipelines: dict[str, Pipeline] = {}
        self._past: OrderedDict[str, Pipeline] = OrderedDict()
        self._entries: dict[bytes, _Entry] | None = None
        self._keys: dict[str, IssuerKeys | None] = {}
        self._former_keys: dict[str, IssuerKeys | None] = {}
        self._came: set[tuple[str, str]] = set()
        self._began = False

    def take(self, update: Update) -> None:
        """Take an update in, whole or not at all. Raises RejectedError, and is as before."""
        if update.type_url == PIPELINE:
            self._take_pipelines(update)
        elif update.type_url == CONSUMERS:
            self._take_consumers(update)
        elif update.type_url == KEYS:
            self._take_keys(update)
        else:
            raise RejectedError(f"extauthz takes no {update.type_url}")
        self._came |= {(update.type_url, name) for name in update.changed}
        self._began = self._began or (bool(self._pipelines) and self._complete)

    @property
    def ready(self) -> bool:
        """Whether the consumers, and the keys of every source that is named, have come.

        Once that was so with pipelines, it stays: a new source whose keys are late takes its own
        routes out (503), not the service with all others.
        """
        return self._began or self._complete

    @property
    def _complete(self) -> bool:
        sources = {(KEYS, source) for source in self._sources(self._pipelines.values())}
        return {(CONSUMERS, CONSUMERS_NAME), *sources} <= self._came

    def _sources(self, pipelines: Iterable[Pipeline]) -> set[str]:
        """The key sources that pipelines name."""
        return {i.keys for p in pipelines for i in p.identities if isinstance(i, JwtIdentity)}

    def _issued(self, source: str) -> IssuerKeys | None:
        """An issuer's keys. Those that are gone serve pipelines of the past alone, while they age:
        an Envoy that has not moved yet judges by such.
        """  # noqa: D205 # one thought
        if source in self._keys:
            return self._keys[source]
        if source in self._sources(self._pipelines.values()):
            return None
        return self._former_keys.get(source)

    def pipeline(self, name: str) -> Pipeline | None:
        """Give the pipeline of this hash, served now or once."""
        if name in self._past:
            self._past.move_to_end(name)
        return self._pipelines.get(name) or self._past.get(name)

    def answer(self, question: Question) -> Answer:
        """Answer what a decision asks, from memory."""
        if isinstance(question, KeysOf):
            return self._issued(question.source) or Missing.UNAVAILABLE
        return self._holder(question)

    def _holder(self, question: HolderOf) -> Holder | Missing:
        if self._entries is None:
            return Missing.UNAVAILABLE
        entry = self._entries.get(question.sha256)
        if entry is None or not hmac.compare_digest(entry.sha256, question.sha256):
            return Missing.NOBODY
        return entry.holder if entry.identity == question.identity else Missing.NOBODY

    def _take_pipelines(self, update: Update) -> None:
        taken = {name: _pipeline(name, body) for name, body in update.changed.items()}
        self._pipelines |= taken
        for name in taken:
            self._past.pop(name, None)
        for name in update.removed & self._pipelines.keys():
            self._past[name] = self._pipelines.pop(name)
        while len(self._past) > self._past_size:
            self._past.popitem(last=False)

    def _take_consumers(self, update: Update) -> None:
        for name in (*update.changed, *update.removed):
            if name != CONSUMERS_NAME:
                raise RejectedError(f"consumers come as '{CONSUMERS_NAME}' alone")
        if CONSUMERS_NAME in update.changed:
            self._entries = _entries(update.changed[CONSUMERS_NAME])
        elif update.removed:
            self._entries = None

    def _take_keys(self, update: Update) -> None:
        """A set without keys yet (a control plane that has just started) displaces none."""
        taken = {name: _issuer_keys(name, body) for name, body in update.changed.items()}
        kept = {name: k for name, k in self._keys.items() if name not in update.removed}
        gone = {name: k for name, k in self._keys.items() if name in update.removed}
        past = self._sources(self._past.values()) | self._sources(self._pipelines.values())
        self._former_keys = {n: k for n, k in (self._former_keys | gone).items() if n in past}
        self._keys = kept | {name: k for name, k in taken.items() if k or name not in kept}


def _pipeline(name: str, body: bytes) -> Pipeline:
    try:
        message = PipelineMessage.FromString(body)
        if not name == message.hash == digest(message.document):
            raise RejectedError(f"pipeline {name}: the hash is not its document's")
        return parse(message.document)
    except (DecodeError, MalformedPipelineError) as error:
        raise RejectedError(f"pipeline {name}: {_why(error)}") from None


def _entries(body: bytes) -> dict[bytes, _Entry]:
    """The API keys by hash. The words of a refusal name a consumer, never a hash."""
    try:
        consumers = ConsumerSet.FromString(body).consumers
    except DecodeError as error:
        raise RejectedError(f"consumers: {_why(error)}") from None
    names: set[str] = set()
    entries: dict[bytes, _Entry] = {}
    for consumer in consumers:
        if not consumer.name or consumer.name in names:
            raise RejectedError(f"consumer '{consumer.name}': no name, or one that occurs twice")
        names.add(consumer.name)
        for key in consumer.keys:
            if len(key.sha256) != DIGEST_BYTES or not key.identity:
                raise RejectedError(f"consumer '{consumer.name}': a key without identity or hash")
            if key.sha256 in entries:
                raise RejectedError(f"consumer '{consumer.name}': a key that occurs twice")
            holder = Holder(consumer=consumer.name, scopes=tuple(key.scopes))
            entries[key.sha256] = _Entry(sha256=key.sha256, identity=key.identity, holder=holder)
    return entries


def _issuer_keys(name: str, body: bytes) -> IssuerKeys | None:
    """The usable keys of a source; None where it has not had any yet."""
    try:
        message = KeySet.FromString(body)
        if name != message.source:
            raise RejectedError(f"keys {name}: they are of another source")
        if message.use_for_ms < 0 or message.fetched_at_ms < 0:
            raise RejectedError(f"keys {name}: a negative time")
        if not message.jwks:
            return None
        return IssuerKeys(
            keys=keys.parse(message.jwks),
            fetched_at=message.fetched_at_ms / 1000,
            use_for=message.use_for_ms / 1000,
        )
    except (DecodeError, keys.MalformedKeysError) as error:
        raise RejectedError(f"keys {name}: {_why(error)}") from None


def _why(error: Exception) -> str:
    """Words that hold nothing of what was read."""
    return "not a message of its type" if isinstance(error, DecodeError) else str(error)
