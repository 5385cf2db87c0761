"""What is served of each file that is on disk, where that is not what was chosen of them."""

from collections.abc import Iterator, Sequence

from controlplane.build import Build
from controlplane.files import Sources
from controlplane.selection.chosen import FileState, FileView
from controlplane.sources import gateway_of, home
from language.mistakes import Mistake, errors


def compared(
    disk: Sources | None, live: Build | None, found: Sequence[Mistake] = ()
) -> tuple[FileView, ...]:
    """Compare what is on disk with what is served; `found` says what stands against it.

    Gives none where nobody knows which files a version of an earlier run was made of.
    """
    if live is not None and not live.sources:
        return ()
    return tuple(_views(disk, live, tuple(errors(found))))


def _views(
    disk: Sources | None, live: Build | None, found: tuple[Mistake, ...]
) -> Iterator[FileView]:
    kept = live.sources if live is not None else ()
    before = gateway_of([one.name for one in kept])
    served = {home(one.name, before): one for one in kept}
    read = {one.name: one.data for one in disk.files} if disk is not None else {}
    there = (*read, *(disk.unread if disk is not None else ()))
    gateway = gateway_of(there)
    names = {home(one.name, before): one.name for one in kept}
    names |= {home(name, gateway): name for name in there}
    for at, name in sorted(names.items(), key=lambda item: item[1]):
        one = served.get(at)
        state: FileState = "last good"
        if one is None or one.held:
            state = "not served"
        elif read.get(name) == one.data:
            state = "current"
        why = tuple(m for m in found if m.place.file == name) or found
        why = why if state != "current" else ()
        yield FileView(name=name, home=at, state=state, mistakes=why)
