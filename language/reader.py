"""The reader of strict YAML: bytes of a file enter, a tree with places and mistakes leave.

Strict means that a file says one thing to everyone: no anchors, aliases, tags, merge keys,
duplicate keys or second documents; nothing empty; and every value a text until whoever knows its
meaning asks for a number. Whatever the bytes are, the answer is a document, never an exception.
"""

from dataclasses import dataclass

from language.blanks import stray_blanks
from language.compose import Limits, compose
from language.mistakes import Mistake
from language.nodes import Node, Step, descend
from language.places import Place
from language.source import decode

DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that was read, as far as it could be.

    `complete` is False where reading stopped early (a syntax error, a limit, a second document):
    `root` is then the part before, in which nothing may be called missing. An empty text, list or
    map in the tree stands for something refused: its mistake is among `mistakes` already.
    """

    file: str
    text: str
    root: Node | None
    mistakes: tuple[Mistake, ...]
    complete: bool = True

    def place(self, path: tuple[Step, ...]) -> Place:
        """Where the value at a path begins, or the deepest value on the way to it."""
        if self.root is None:
            return Place(self.file, 1, 1)
        node = descend(self.root, path)
        return Place(self.file, node.line, node.column)


def read(file: str, data: bytes, *, limits: Limits = DEFAULT_LIMITS) -> Document:
    """The document in a file's bytes; `file` is only the name that places carry.

    About 0.5 s for 115,000 lines when the caller has paused the cyclic garbage collector.
    """
    if len(data) > limits.size:
        too_big = Mistake(
            place=Place(file, 1, 1),
            message=f"the file has {len(data):,} bytes; {limits.size:,} are allowed",
            hint="split it",
        )
        return Document(file=file, text="", root=None, mistakes=(too_big,), complete=False)
    source, mistakes = decode(file, data, limits.mistakes)
    if mistakes and not source.text:
        return Document(file=file, text="", root=None, mistakes=tuple(mistakes), complete=False)
    composed = compose(source, limits)
    mistakes += composed.mistakes
    mistakes += stray_blanks(source, mistakes, limits.mistakes)
    return Document(
        file=file,
        text=source.text,
        root=composed.root,
        mistakes=_first(mistakes, limits.mistakes),
        complete=composed.complete,
    )


def _first(mistakes: list[Mistake], most: int) -> tuple[Mistake, ...]:
    """Mistakes in file order, and a last one where there are more than anyone would mend."""
    ordered = sorted(mistakes, key=_in_file_order)[:most]
    if len(mistakes) >= most:
        message, hint = f"{most:,} mistakes: the rest is not looked for", "mend these first"
        ordered.append(Mistake(place=ordered[-1].place, message=message, hint=hint))
    return tuple(ordered)


def _in_file_order(mistake: Mistake) -> tuple[int, int]:
    return mistake.place.line, mistake.place.column
