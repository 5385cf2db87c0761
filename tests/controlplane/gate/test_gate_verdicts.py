"""A refusal as the one who wrote the lines reads it; verdicts that outlive a process."""

from pathlib import Path

import pytest

from controlplane.gate.ledger import KEPT, NAME, Ledger
from controlplane.gate.validate import Run, reading
from controlplane.gate.verdicts import Cause, Passed, Refused, Unproved, mistakes
from controlplane.snapshot import CLUSTER, LISTENER, ROUTES, Subject
from language.places import Place

START = Place("gateway.yaml", 1, 1)
HOST = Subject(ROUTES, "http", "any")
FIRST = Subject(ROUTES, "http", "any/r1")
SECOND = Subject(ROUTES, "http", "any/r/2")
PLACES = {
    HOST: (Place("gateway.yaml", 3, 1),),
    FIRST: (Place("gateway.yaml", 9, 5), Place("gateway.yaml", 4, 1)),
    SECOND: (Place("gateway.yaml", 7, 5),),
    Subject(CLUSTER, "users"): (Place("gateway.yaml", 5, 3),),
}


def refused(*certain: Subject, among: tuple[Subject, ...] = ()) -> Refused:
    return Refused(causes=(Cause(certain=certain, among=among, words="missing ]: [a"),))


@pytest.mark.parametrize(
    ("verdict", "place", "also", "message"),
    [
        (refused(FIRST), (9, 5), [], "Envoy refuses this route: missing ]: [a"),
        (
            refused(Subject(CLUSTER, "users")),
            (5, 3),
            [],
            "Envoy refuses this backend: missing ]: [a",
        ),
        (
            refused(FIRST, SECOND),
            (7, 5),
            [9],
            "Envoy refuses these 2 together, each alone it accepts: missing ]: [a",
        ),
        (
            refused(FIRST, among=(SECOND, HOST)),
            (9, 5),
            [3, 7],
            "Envoy refuses this route, perhaps only together with one of 2 others: missing ]: [a",
        ),
        (
            refused(among=(SECOND, FIRST)),
            (7, 5),
            [9],
            "Envoy refuses at least one of 2 parts, this route may be it: missing ]: [a",
        ),
        (
            refused(Subject(ROUTES, "http", "any/unknown")),
            (3, 1),
            [],
            "Envoy refuses this route: missing ]: [a",
        ),
        (
            refused(Subject(LISTENER, "http")),
            (1, 1),
            [],
            "Envoy refuses this listener: missing ]: [a",
        ),
    ],
)
def test_our_lines_come_first_and_envoys_words_after(
    verdict: Refused, place: tuple[int, int], also: list[int], message: str
) -> None:
    (mistake,) = mistakes(verdict, PLACES, START)
    assert (mistake.place.line, mistake.place.column) == place
    assert [one.line for one in mistake.also] == also
    assert mistake.message == message


def test_each_cause_is_a_mistake_at_its_own_lines() -> None:
    one = Cause(certain=(FIRST,), among=(), words="missing ]: [a")
    other = Cause(certain=(Subject(CLUSTER, "users"),), among=(), words="no time")
    found = mistakes(Refused(causes=(one, other)), PLACES, START)
    assert [(m.place.line, m.message) for m in found] == [
        (9, "Envoy refuses this route: missing ]: [a"),
        (5, "Envoy refuses this backend: no time"),
    ]


@pytest.mark.parametrize(
    ("status", "said", "means"),
    [
        (0, "configuration '/x/proof.pb' OK", Run(words="")),
        (
            1,
            "error initializing configuration '/x/proof.pb': route: unknown\n cluster 'a'",
            Run(words="route: unknown cluster 'a'"),
        ),
        (
            1,
            "PARSE ERROR: Argument: --x",
            Unproved(reason="Envoy ended with 1: PARSE ERROR: Argument: --x"),
        ),
        (
            -11,
            "Caught Segmentation fault, suspect faulting address 0x0",
            Run(words="it crashes (SIGSEGV)", crashed=True),
        ),
        (-11, "", Unproved(reason="Envoy was ended by SIGSEGV")),
        (-6, "Unable to allocate 8 bytes", Unproved(reason="Envoy was ended by SIGABRT")),
        (-9, "", Unproved(reason="Envoy was ended by SIGKILL")),
    ],
)
def test_an_exit_is_a_yes_a_no_or_no_answer(status: int, said: str, means: Run | Unproved) -> None:
    assert reading(status, said, "/x/proof.pb") == means


def test_verdicts_outlive_the_process(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    passed = Passed(how="prover", software="envoy/1.40.0", replaced=("active health checks",))
    ledger.put("a", passed)
    ledger.put("b", refused(FIRST))
    again = Ledger(tmp_path)
    assert (again.get("a"), again.get("b"), again.get("c")) == (passed, refused(FIRST), None)
    assert [one.name for one in tmp_path.iterdir()] == [NAME]


def test_the_ledger_stays_small_and_forgets_the_oldest(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for number in range(KEPT + 1):
        ledger.put(str(number), Passed())
    again = Ledger(tmp_path)
    assert again.get("0") is None
    assert again.get("1") == again.get(str(KEPT)) == Passed()


@pytest.mark.parametrize("content", [b"", b"{", b"[[1, 2]]", b'[["a", {"words": 1}]]', b"\xff"])
def test_a_broken_ledger_is_started_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    ledger = Ledger(tmp_path)
    assert ledger.get("a") is None
    ledger.put("a", Passed())
    assert Ledger(tmp_path).get("a") == Passed()


def test_a_state_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    ledger = Ledger(file)
    ledger.put("a", Passed())
    assert ledger.get("a") == Passed()
