"""What `dev` says to the one at the terminal."""

import os
import signal
from collections.abc import Iterable, Mapping
from typing import Protocol, TextIO

from language.mistakes import Mistake


class Render(Protocol):
    """How mistakes are written out, with the texts of the files they are in."""

    def __call__(
        self, mistakes: Iterable[Mistake], texts: Mapping[str, str], *, colour: bool = False
    ) -> str:
        """Give the text, without a newline at its end."""


class Voice:
    """Writes whole lines at once, in colour only where a person reads them."""

    def __init__(
        self, out: TextIO, render: Render, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._out = out
        self._render = render
        self.colour = out.isatty() and not environ.get("NO_COLOR")

    def say(self, *lines: str) -> None:
        """Say something that is as it should be."""
        self._write("\n".join(lines))

    def warn(self, *lines: str) -> None:
        """Say something that a person should look at."""
        first, *rest = lines
        self._write("\n".join([f"\x1b[33m{first}\x1b[0m" if self.colour else first, *rest]))

    def mistakes(self, mistakes: Iterable[Mistake], texts: Mapping[str, str]) -> None:
        """Show mistakes at their lines."""
        self._write(self._render(mistakes, texts, colour=self.colour))

    def _write(self, text: str) -> None:
        try:
            self._out.write(text + "\n")
            self._out.flush()
        except BrokenPipeError:
            self._out = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 # for good
            os.kill(os.getpid(), signal.SIGTERM)  # nobody listens any more: end as asked to
