"""What a route's `auth` means once every file is read: its pipeline, or None for everybody."""

from policies.auth.asked import EVERYBODY, Auth
from policies.auth.identities import ALGORITHMS, LEEWAY, Identity
from policies.auth.pipeline import ApiKeyIdentity, JwtIdentity, Pipeline
from policies.auth.pipeline import Identity as Resolved
from policies.contract import Names, Surroundings


def resolved(settings: Auth, around: Surroundings) -> Pipeline | None:
    """The pipeline of a route: the same for every route that says the same."""
    if settings is EVERYBODY:
        return None
    return Pipeline(
        identities=tuple(_identity(name, around.names) for name in settings.names),
        every=len(settings.all_of) > 1,
        scopes=tuple(sorted(settings.scopes)),
        strip=tuple(sorted({one.header for one in around.names["identities"].values()})),
    )


def _identity(name: str, names: Names) -> Resolved:
    identity: Identity = names["identities"][name]
    source = identity.source()
    if source is None or identity.issuer is None:
        return ApiKeyIdentity(name=name, header=identity.header, forward=identity.forward)
    return JwtIdentity(
        name=name,
        issuer=identity.issuer,
        audience=tuple(sorted(identity.audience)),
        keys=source.id,
        algorithms=tuple(sorted(identity.algorithms or ALGORITHMS)),
        leeway=LEEWAY if identity.leeway is None else identity.leeway // 1000,
        forward=identity.forward,
    )
