"""What is served, for Prometheus and as a part of the fleet's page."""

import json

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import TypeAdapter

from controlplane.isolation.isolated import Kept
from controlplane.seen import servedmetrics
from controlplane.seen.served import Served
from controlplane.seen.servedmetrics import ServedMetrics
from controlplane.seen.servedpage import MESSAGE, SHOWN, ServedRecord, served_json
from controlplane.selection.chosen import FileState, FileView
from controlplane.snapshot import ROUTES, Subject
from language.mistakes import Mistake
from language.places import Place

HOSTILE = "\x1b[2J\r\n\u202e"


def view(home: str, state: FileState, *mistakes: Mistake) -> FileView:
    return FileView(name=f"gw/{home}", home=home, state=state, mistakes=mistakes)


def kept(why: str = "no", part: str = "*/r-1") -> Kept:
    places = (Place("gw/a.yaml", 2, 3),)
    return Kept(subject=Subject(ROUTES, "http", part), state="closed", places=places, why=why)


SERVED = Served(
    number=7,
    content="c0",
    since=100.0,
    files=(view("a.yaml", "current"), view("b.yaml", "last good"), view("c.yaml", "not served")),
    kept=(kept(),),
    pinned=3,
)


def scraped(served: Served) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(ServedMetrics(lambda: served))
    lines = generate_latest(registry).decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def test_every_gauge() -> None:
    assert scraped(SERVED) == {
        'foregate_files{state="current"}': 1,
        'foregate_files{state="last_good"}': 1,
        'foregate_files{state="not_served"}': 1,
        'foregate_file_current{file="a.yaml"}': 1,
        'foregate_file_current{file="b.yaml"}': 0,
        'foregate_file_current{file="c.yaml"}': 0,
        'foregate_kept_parts{state="last_good"}': 0,
        'foregate_kept_parts{state="closed"}': 1,
        "foregate_version": 7,
        "foregate_rollback": 1,
    }


def test_before_the_first_version_there_is_no_number() -> None:
    assert scraped(Served()) == {
        **{f'foregate_files{{state="{s}"}}': 0 for s in ("current", "last_good", "not_served")},
        **{f'foregate_kept_parts{{state="{s}"}}': 0 for s in ("last_good", "closed")},
        "foregate_rollback": 0,
    }


def test_each_scrape_is_of_what_is_served_then() -> None:
    registry = CollectorRegistry()
    now = [Served()]
    registry.register(ServedMetrics(lambda: now[0]))
    now[0] = SERVED
    assert registry.get_sample_value("foregate_version") == 7


def test_of_too_many_files_those_that_are_behind_have_a_series(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(servedmetrics, "FILES", 2)
    found = scraped(SERVED)
    assert {one for one in found if one.startswith("foregate_file_current")} == {
        'foregate_file_current{file="b.yaml"}',
        'foregate_file_current{file="c.yaml"}',
    }
    assert found['foregate_files{state="current"}'] == 1


def test_a_file_s_name_breaks_no_line() -> None:
    found = scraped(Served(files=(view('a"\n} 1\nother 2', "current"),)))
    assert "other" not in found
    assert len(found) == len(scraped(Served())) + 1


def test_the_page_is_what_it_says_and_goes_through_json() -> None:
    page = served_json(SERVED, 102.5)
    assert (page["version"], page["servedFor"], page["pinned"]) == (7, 2.5, 3)
    assert page["kept"] == [
        {"part": "http/*/r-1", "state": "closed", "places": ["gw/a.yaml:2:3"], "why": "no"}
    ]
    adapter = TypeAdapter(ServedRecord)
    assert adapter.validate_json(json.dumps(page)) == page
    assert served_json(Served(), 1.0)["servedFor"] is None
    assert served_json(SERVED, 1.0)["servedFor"] == 0  # a clock that was set back


def test_the_page_tells_errors_only_and_not_all_of_too_many() -> None:
    place = Place("gw/b.yaml", 2, 1)
    wrong = [Mistake(place=place, message=f"m{n}") for n in range(SHOWN + 5)]
    look = Mistake(place=place, message="look", severity="warning")
    page = served_json(Served(files=(view("b.yaml", "last good", look, *wrong),)), 0)
    said = page["files"][0]["mistakes"]
    assert (len(said), said[0]) == (SHOWN, "gw/b.yaml:2:1: m0")


def test_no_words_of_others_leave_a_line_or_last_for_ever() -> None:
    place = Place("gw/b.yaml", 2, 1)
    wrong = Mistake(place=place, message=HOSTILE + "x" * 9999)
    served = Served(
        files=(view(HOSTILE, "last good", wrong),), kept=(kept(HOSTILE + "y" * 9999, HOSTILE),)
    )
    page = served_json(served, 0)
    texts = (*page["files"][0]["mistakes"], page["files"][0]["file"])
    for text in (*texts, page["kept"][0]["part"], page["kept"][0]["why"]):
        assert text.isprintable()
        assert len(text) < 2 * MESSAGE


def test_no_password_is_told() -> None:
    page = served_json(Served(kept=(kept("http://user:secret@h/ is bad"),)), 0)
    assert "secret" not in json.dumps(page)
