"""The keys of authentication: `auth` on routes, and the identities and consumers it is about."""

from policies.auth.asked import AuthSettings, auth_faults, disputed, identities_asked
from policies.auth.consumers import (
    Consumer,
    consumer_faults,
    consumers_together,
    identities_of,
)
from policies.auth.identities import (
    Identity,
    identity_faults,
    keys_that_are_fetched,
    seen_from_the_root,
)
from policies.auth.pipeline import Pipeline
from policies.auth.resolved import resolved
from policies.contract import EVERY_ACTION, Call, NamedKey, RouteKey
from protos import EXTAUTHZ


def _call(_settings: Pipeline) -> Call | None:
    return Call(service=EXTAUTHZ, why="it knows keys and consumers, and alone may refuse")


KEYS = (
    NamedKey(
        name="identities",
        settings=Identity,
        noun="identity",
        summary="Who vouches for callers, by name: issuers of tokens, and kinds of API keys.",
        example='identities: {idp: {issuer: "https://idp.example.com", audience: shop}}',
        inherited=False,
        unused="no route asks for the identity",
        faults=identity_faults,
        settled=seen_from_the_root,
        when_down=keys_that_are_fetched,
    ),
    NamedKey(
        name="consumers",
        settings=Consumer,
        noun="consumer",
        summary="Who holds API keys, by name: the hashes of the keys, and what they may do.",
        example='consumers: {bob: {key: "sha256:${BOB_KEY_HASH}"}}',
        inherited=False,
        faults=consumer_faults,
        references=identities_of,
        together=consumers_together,
    ),
    RouteKey(
        name="auth",
        settings=AuthSettings,
        summary="Who may pass: an identity, several, or `none` for everybody. It must be written.",
        example="auth: none",
        actions=EVERY_ACTION,
        atom=True,
        required=True,
        faults=auth_faults,
        references=identities_asked,
        disputed=disputed,
        resolved=resolved,
        calls=_call,
    ),
)
