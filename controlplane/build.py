"""The whole pure way in one call: source files in; plan, snapshot, provenance and mistakes out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controlplane.compile.compile import compile_plan
from controlplane.compile.options import Options
from controlplane.memo import Memo
from controlplane.plan.plan import Plan
from controlplane.plan.resolve import resolve
from controlplane.reading import read_source
from controlplane.snapshot import Snapshot, Subject
from controlplane.sources import SourceFile, gateway_of
from language.mistakes import Mistake, errors
from language.places import Place
from policies.auth.sources import KeySource

__all__ = ["Build", "Options", "build", "compiled", "unplanned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What files compile to.

    `plan` holds what could be planned, to be shown; `snapshot` is None as long as there is an
    error among `mistakes`, which are in file order. With it come the `services`: what each is
    served, by role, and in `calls` which of them some route calls. `key_sources` are where the
    keys of the issuers come from that some route trusts, `keys_use_for_ms` how long keys are used
    after they were fetched.
    """

    sources: tuple[SourceFile, ...]
    mistakes: tuple[Mistake, ...]
    plan: Plan | None
    snapshot: Snapshot | None
    provenance: Mapping[Subject, tuple[Place, ...]]
    services: Mapping[str, Snapshot] = field(default_factory=dict)
    calls: frozenset[str] = frozenset()
    key_sources: tuple[KeySource, ...] = ()
    keys_use_for_ms: int = 0


def build(sources: tuple[SourceFile, ...], options: Options) -> Build:
    """Read, check, plan and compile. Never raises for what a user wrote."""
    gateway = gateway_of([source.name for source in sources])
    contents = (one for source in sources for one in source.contents)
    reads = [read_source(one, gateway, options) for one in contents]
    held = tuple(one.file for one in reads if one.source.held)
    served = [one for one in reads if not one.source.held]
    mistakes = [m for one in served for m in one.mistakes]
    if sources and gateway is None:
        place = Place(min(s.name for s in sources), 1, 1)
        message = "none of these files is gateway.yaml, which says version: 1 for all"
        mistakes.append(Mistake(place=place, message=message, hint="add one, or rename this"))
    if not served:
        return unplanned(sources, mistakes)
    plan, found = resolve(tuple(one.file for one in served), held)
    mistakes.extend(found)
    if not all(one.complete for one in served):  # what could be planned is not what the files say
        return unplanned(sources, mistakes)
    return compiled(sources, plan, mistakes, options)


def compiled(
    sources: tuple[SourceFile, ...],
    plan: Plan,
    mistakes: Iterable[Mistake],
    options: Options,
    memo: Memo | None = None,
) -> Build:
    """What a plan compiles to, or the plan alone where there is an error among the mistakes."""
    told = list(mistakes)
    if not plan.hosts and not errors(told):
        place = Place(gateway_of([s.name for s in sources]) or sources[0].name, 1, 1)
        hint = "add routes: and below it - path: /…"
        told.append(Mistake(place=place, message="there are no routes", hint=hint))
    in_order = tuple(sorted(told, key=lambda m: (m.place, m.message)))
    if errors(in_order):
        return Build(sources=sources, mistakes=in_order, plan=plan, snapshot=None, provenance={})
    made = compile_plan(plan, options, memo or Memo())
    return Build(
        sources=sources,
        mistakes=in_order,
        plan=plan,
        snapshot=made.snapshot,
        provenance=made.provenance,
        services=made.services.snapshots,
        calls=frozenset(r for r, lines in made.services.callers.items() if lines),
        key_sources=made.services.key_sources,
        keys_use_for_ms=plan.when_down.jwks.use_cached_for,
    )


def unplanned(sources: tuple[SourceFile, ...], mistakes: Iterable[Mistake]) -> Build:
    """What there is where nothing could be planned: the mistakes."""
    in_order = tuple(sorted(mistakes, key=lambda m: (m.place, m.message)))
    return Build(sources=sources, mistakes=in_order, plan=None, snapshot=None, provenance={})
