"""A program whose disk is full: records until that fails, makes room, and records again.

It is started in a user and mount namespace of its own, and mounts a small tmpfs over the folder
that it is given. What it prints is JSON.
"""

import json
import subprocess
import sys
from pathlib import Path

from controlplane.history.history import History
from controlplane.history.version import NodeFate, Version
from controlplane.store.objects import StoreError
from controlplane.store.store import Store
from tests.controlplane.history.noted import note, number_of
from tests.controlplane.store.numbered import numbered


def main(folder: Path) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)]
    subprocess.run(mount, check=True)
    store = Store(folder / "xds")
    history = History(store)
    filler = folder / "filler"
    filler.write_bytes(b"x" * (128 << 10))
    recorded = 0
    errors: list[str] = []
    while not errors and recorded < 1_000:
        try:
            history.record(numbered(recorded + 1), note(recorded + 1))
            recorded += 1
        except StoreError as error:
            errors.append(str(error))
    for number in (recorded + 1, recorded + 2):
        for write in (
            lambda number=number: history.record(numbered(number), note(number)),
            lambda number=number: store.publish(numbered(number)),
        ):
            try:
                write()
            except StoreError as error:
                errors.append(str(error))
    try:
        nodes = {f"node-{n}" * 20: NodeFate(state="live", at=1.0) for n in range(2_000)}
        history.settle(recorded, "live", nodes)
    except StoreError as error:
        errors.append(str(error))
    full = [[v.number, number_of(v), history.build(v.number) is not None] for v in seen(folder)]
    filler.unlink()
    again = history.record(numbered(5_000), note(5_000))
    history.settle(again.number, "live", {})
    found = seen(folder)
    print(  # noqa: T201 # this is what it is for
        json.dumps(
            {
                "recorded": recorded,
                "errors": errors,
                "full": full,
                "again": [again.number, found[0].number, number_of(found[0]), found[0].fate],
                "left": sorted(p.name for p in (folder / "xds").rglob(".new-*")),
            }
        )
    )


def seen(folder: Path) -> list[Version]:
    return list(History(Store(folder / "xds")).versions())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
