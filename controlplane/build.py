"""The whole pure way in one call: source files in; plan, snapshot, provenance and mistakes out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from controlplane.compile.clusters import TLS
from controlplane.compile.compile import compile_plan
from controlplane.compile.options import Options
from controlplane.model.file import read_file
from controlplane.model.named import Home
from controlplane.plan.plan import Plan
from controlplane.plan.resolve import resolve
from controlplane.snapshot import Snapshot, Subject
from controlplane.sources import SourceFile
from language.mistakes import Mistake, errors
from language.places import Place
from language.reader import read
from policies.auth.sources import KeySource

__all__ = ["Build", "Options", "build", "main_file", "seen_from"]


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
    mistakes: list[Mistake] = []
    files = []
    gateway = main_file(sources)
    complete = True
    if sources and gateway is None:
        place = Place(min(s.name for s in sources), 1, 1)
        message = "none of these files is gateway.yaml, which says version: 1 for all"
        mistakes.append(Mistake(place=place, message=message, hint="add one, or rename this"))
    for source in sources:
        document = read(source.name, source.data)
        mistakes.extend(document.mistakes)
        complete = complete and document.complete
        seen = options.main if options.main and source is gateway else seen_from(source, gateway)
        home = Home(file=source.name, name=seen, secrets=options.secrets)
        first = None if gateway is None else source is gateway
        file, found = read_file(document, gateway=first, home=home)
        mistakes.extend(found)
        files.append(file)
    if not files:
        return _without_plan(sources, mistakes)
    plan, found = resolve(tuple(files))
    mistakes.extend(found)
    if not complete:  # what could be planned is not what the files say
        return _without_plan(sources, mistakes)
    if not plan.hosts and not errors(mistakes):
        place = Place((gateway or sources[0]).name, 1, 1)
        hint = "add routes: and below it - path: /…"
        mistakes.append(Mistake(place=place, message="there are no routes", hint=hint))
    mistakes.extend(_unverifiable(plan, options))
    in_order = tuple(sorted(mistakes, key=lambda m: (m.place, m.message)))
    if errors(in_order):
        return Build(sources=sources, mistakes=in_order, plan=plan, snapshot=None, provenance={})
    compiled = compile_plan(plan, options)
    return Build(
        sources=sources,
        mistakes=in_order,
        plan=plan,
        snapshot=compiled.snapshot,
        provenance=compiled.provenance,
        services=compiled.services.snapshots,
        calls=frozenset(r for r, lines in compiled.services.callers.items() if lines),
        key_sources=compiled.services.key_sources,
        keys_use_for_ms=plan.when_down.jwks.use_cached_for,
    )


def _unverifiable(plan: Plan, options: Options) -> Iterator[Mistake]:
    """Backends over TLS on a machine that has nothing to verify them with."""
    for backend in plan.backends:
        if backend.protocol in TLS and not options.trust_store:
            yield Mistake(
                place=backend.place,
                message="this machine has no certificate authorities to verify this backend with",
                hint="install ca-certificates, or set SSL_CERT_FILE",
                width=len(backend.key.text),
            )


def _without_plan(sources: tuple[SourceFile, ...], mistakes: list[Mistake]) -> Build:
    in_order = tuple(sorted(mistakes, key=lambda m: (m.place, m.message)))
    return Build(sources=sources, mistakes=in_order, plan=None, snapshot=None, provenance={})


def seen_from(source: SourceFile, gateway: SourceFile | None) -> str:
    """A file's name from the folder of gateway.yaml: the same on every replica."""
    folder = PurePosixPath("" if gateway is None else gateway.name).parent
    name = PurePosixPath(source.name)
    return str(name.relative_to(folder) if name.is_relative_to(folder) else name)


def main_file(sources: tuple[SourceFile, ...]) -> SourceFile | None:
    """The file that holds version and listen: one alone, or the topmost gateway.yaml."""
    if len(sources) == 1:
        return sources[0]
    named = [s for s in sources if PurePosixPath(s.name).name in {"gateway.yaml", "gateway.yml"}]
    return min(named, key=lambda s: (len(PurePosixPath(s.name).parts), s.name), default=None)
