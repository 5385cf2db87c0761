"""A difference as sections of lines, the most dangerous first: what text and Markdown both show."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from controlplane.difference.difference import (
    Answerer,
    Difference,
    Handover,
    RouteChange,
    RouteKind,
    ThingChange,
    ValueChange,
    Weakening,
)
from language.report import visible, without_password

SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">", "shadowed": "!"}
_ORDER: tuple[RouteKind, ...] = ("shadowed", "removed", "added", "changed", "moved")
_HASH = 64  # characters
_TITLES = {
    "gateway": "Gateway",
    "hosts": "Hosts",
    "backends": "Backends",
    "identities": "Identities",
    "consumers": "Consumers",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line, where it stands in files, and what belongs below it."""

    words: str
    places: tuple[str, ...] = ()
    below: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines under a title; `summary` counts them, `danger` is for what lets more pass."""

    title: str
    summary: str
    rows: tuple[Row, ...]
    danger: bool = False


def sections(found: Difference, *, most: int | None) -> Iterator[Section]:
    """Each section that has something to say; below a weakening at most so many requests."""
    if found.weakenings:
        rows = tuple(_weakening(one, most) for one in found.weakenings)
        summary = "more may pass than did"
        yield Section(title="Weaker", summary=summary, rows=rows, danger=True)
    told = {each for one in found.weakenings for each in one.handovers}
    rows = tuple(_handover(one) for one in found.opened if one not in told)
    if rows:
        yield Section(title="Open to everybody", summary="nothing was served here", rows=rows)
    if found.grants:
        rows = tuple(Row(words=_clean(g.what), places=(_clean(g.place),)) for g in found.grants)
        yield Section(title="Granted", summary=_count(len(rows), "grant", "grants"), rows=rows)
    if found.routes:
        yield _routes(found.routes)
    told.update(found.opened)
    rows = tuple(_handover(one) for one in found.elsewhere if one not in told)
    if rows:
        yield Section(title="Answered otherwise", summary="by another route, or none", rows=rows)
    for group, title in _TITLES.items():
        rows = tuple(_thing(one) for one in found.things if one.group == group)
        if rows:
            yield Section(title=title, summary=_counted([*found.things], group), rows=rows)
    if found.resources:
        yield _resources(found)


def _weakening(one: Weakening, most: int | None) -> Row:
    shown = one.handovers if most is None else one.handovers[:most]
    below = [_passing(each) for each in shown]
    if len(shown) < len(one.handovers):
        below.append(f"… and {len(one.handovers) - len(shown)} more")
    doubt = "" if one.comparable else " (cannot be compared)"
    places = one.places if most is None else one.places[:most]
    return Row(
        words=_clean(f"{one.key}: {one.what}{doubt}"),
        places=tuple(map(_clean, places)),
        below=tuple(below),
    )


def _passing(one: Handover) -> str:
    before, after = one.before, one.after
    if before is not None and after is not None and _matched(before) == _matched(after):
        return _clean(f"{_asked(one)}: {after.path} ({after.place})")
    return f"{_clean(_asked(one))}: {_answer(before)} -> {_answer(after)}"


def _matched(one: Answerer) -> tuple[object, ...]:
    return (one.path, one.methods, one.headers, one.query)


def _asked(one: Handover) -> str:
    method, _, path = str(one.request).partition(" ")
    headers = "".join(f" {name}: {value}" for name, value in one.request.headers)
    return f"{method} {_hosts(one.hosts)}{path}{headers}"


def _answer(one: Answerer | None) -> str:
    if one is None:
        return "404"
    return _clean(f"{one.path}{_conditions(one)} {one.goes} ({one.place})")


def _handover(one: Handover) -> Row:
    return Row(words=_clean(_asked(one)), below=(f"{_answer(one.before)} -> {_answer(one.after)}",))


def _routes(found: tuple[RouteChange, ...]) -> Section:
    ordered = sorted(found, key=lambda one: _ORDER.index(one.kind))
    counts = Counter(one.kind for one in found)
    summary = ", ".join(f"{counts[kind]} {kind}" for kind in _ORDER if counts[kind])
    return Section(title="Routes", summary=summary, rows=tuple(map(_route, ordered)))


def _route(one: RouteChange) -> Row:
    shown = one.after or one.before
    if shown is None:
        return Row(words=SIGNS[one.kind])
    goes = f"  {shown.goes}" if one.kind in {"added", "removed"} else ""
    open_to_all = "  auth: none" if one.kind == "added" and shown.open else ""
    line = f"{_hosts(one.hosts)}{shown.path}{_conditions(shown)}{goes}{open_to_all}"
    below = tuple(map(_value, one.values))
    if one.kind == "shadowed":
        below = ("never matches any more: others take its requests",)
    places = dict.fromkeys(s.place for s in (one.before, one.after) if s is not None)
    return Row(
        words=f"{SIGNS[one.kind]} {_clean(line)}", places=tuple(map(_clean, places)), below=below
    )


def _conditions(one: Answerer) -> str:
    said = [f" {'|'.join(one.methods)}"] if one.methods else []
    said += [f" {name}: {value}" for name, value in one.headers]
    said += [f" ?{name}={value}" for name, value in one.query]
    return "".join(said)


def _hosts(hosts: tuple[str, ...]) -> str:
    if len(hosts) == 1:
        return "" if hosts == ("*",) else hosts[0]
    return f"{{{','.join(hosts[:3])}{',…' if len(hosts) > 3 else ''}}}"


def _value(one: ValueChange) -> str:
    return _clean(f"{one.key}: {one.before or '-'} -> {one.after or '-'}")


def _thing(one: ThingChange) -> Row:
    places = dict.fromkeys(p for p in (one.before, one.after) if p is not None)
    return Row(
        words=f"{SIGNS[one.kind]} {_clean(one.name)}",
        places=tuple(map(_clean, places)),
        below=tuple(map(_value, one.values)),
    )


def _counted(things: list[ThingChange], group: str) -> str:
    counts = Counter(one.kind for one in things if one.group == group)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def _resources(found: Difference) -> Section:
    rows = [
        Row(
            words=f"{SIGNS[one.kind]} {one.to}: {one.type_name} {_clean(_short(one.name))}",
            below=(f"{one.before_bytes} -> {one.after_bytes} bytes",),
        )
        for one in found.resources
    ]
    ends = [Row(words=f"{_clean(one.what)}") for one in found.drains]
    nothing = [] if ends else [Row(words="no connection drains")]
    count = _count(len(rows), "resource", "resources")
    return Section(title="Sent", summary=count, rows=(*ends, *nothing, *rows))


def _short(name: str) -> str:
    """A name without most of a hash."""
    return f"{name[:12]}…" if len(name) == _HASH else name


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


def _clean(text: object) -> str:
    """What a file says, in which nothing is secret or moves a cursor."""
    return visible(without_password(str(text)))
