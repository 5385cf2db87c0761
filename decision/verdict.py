"""What was decided of a request. Whatever is forgotten, it is a denial."""

from dataclasses import dataclass, field
from typing import Self

from decision.principal import Principal

DENIALS = (400, 401, 403, 503)
"""The statuses that a denial answers with. 503 says that the fault is ours."""

ADMITTED = 200
"""The status of an admission: what the upstream answers is not known here."""


class NotADenialError(Exception):
    """A verdict was to be made that no denial is, or to be admitted without a principal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A denial, unless `admitted` made it an admission.

    `reason` is a short stable word for metrics and logs. `challenges` are values of
    WWW-Authenticate (RFC 9110 section 11.6.1). `remove` are the headers that the upstream must not
    see. `unknown` are the key sources that lack the key which a token names.
    """

    status: int = 403
    reason: str = "denied"
    challenges: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    remove: tuple[str, ...] = field(default=(), init=False)
    principal: Principal | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Refuse what no denial answers. The constructor knows no principal, so all are denials."""
        if self.status not in DENIALS:
            raise NotADenialError(self.status)

    @property
    def fault(self) -> bool:
        """Whether it is denied for a fault of ours, not for what the request lacks."""
        return self.principal is None and self.status == 503

    def admitted(self, principal: Principal, *, remove: tuple[str, ...]) -> Self:
        """Give the admission of a principal: the only way to one."""
        if not isinstance(principal, Principal):
            raise NotADenialError(type(principal).__name__)
        admission = type(self)(reason="admitted")
        object.__setattr__(admission, "status", ADMITTED)
        object.__setattr__(admission, "remove", remove)
        object.__setattr__(admission, "principal", principal)
        return admission
