"""Who a request comes from, once that is proven."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who passed: of which identity, and there either a token's subject or a key's consumer.

    `issuer` and `subject` are empty for an API key. `consumer` may also stand beside a subject:
    whom the limits of a plan count.
    """

    identity: str
    issuer: str = ""
    subject: str = ""
    consumer: str = ""
    scopes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Who it is within the identity: the subject, or the consumer where there is none."""
        return self.subject or self.consumer

    @property
    def key(self) -> str:
        """A text for counters, equal for the same principal and for no other.

        Each part stands behind its length in characters, as in netstrings, so whatever a client
        can put into one part, it never reads as another.
        """
        kind = "subject" if self.subject else "consumer"
        parts = (self.identity, self.issuer, kind, self.name)
        return "".join(f"{len(part)}:{part}," for part in parts)
