"""What is said of files while a version of them is not served."""

from controlplane.selection.chosen import FileState, FileView
from controlplane.sources import SourceFile
from foregate.applying.change import behind
from language.mistakes import Mistake
from language.places import Place

WHY = (Mistake(place=Place("gateway.yaml", 1, 1), message="held"),)


def sources(**data: str) -> tuple[SourceFile, ...]:
    return tuple(
        SourceFile(name=f"{name}.yaml", data=text.encode(), held=text == "held")
        for name, text in data.items()
    )


def views(*names: str, state: FileState = "current") -> tuple[FileView, ...]:
    return tuple(FileView(name=f"{n}.yaml", home=f"{n}.yaml", state=state) for n in names)


def states(found: tuple[FileView, ...]) -> dict[str, str]:
    return {one.home.removesuffix(".yaml"): one.state for one in found}


def test_each_file_that_differs_is_as_it_was_and_says_why() -> None:
    old = sources(gateway="1", same="1", other="1", gone="1", waits="held")
    new = sources(gateway="1", same="1", other="2", new="1", waits="1")
    found = behind(views("gateway", "same", "other", "new", "waits"), new, old, WHY)
    assert states(found) == {
        "gateway": "current",
        "same": "current",
        "other": "last good",
        "gone": "last good",
        "new": "not served",
        "waits": "not served",
    }
    assert {one.home for one in found if one.mistakes == WHY} == {
        "other.yaml",
        "gone.yaml",
        "new.yaml",
        "waits.yaml",
    }


def test_what_had_stayed_behind_already_keeps_its_own_reason() -> None:
    last = views("gateway", state="last good")
    assert behind(last, sources(gateway="1"), sources(gateway="1"), WHY) == last


def test_where_nothing_was_served_nothing_is() -> None:
    assert states(behind(views("gateway"), sources(gateway="1"), (), WHY)) == {
        "gateway": "not served"
    }
