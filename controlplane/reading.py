"""A source file as its model, with every mistake that it can have alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from controlplane.compile.options import Options
from controlplane.model.addresses import TLS
from controlplane.model.file import read_file
from controlplane.model.gateway import File
from controlplane.model.named import Home
from controlplane.sources import SourceFile, home
from language.mistakes import Mistake, errors
from language.reader import read


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """A file that was read; `complete` is False where reading stopped early."""

    source: SourceFile
    file: File
    mistakes: tuple[Mistake, ...]
    complete: bool

    @property
    def sound(self) -> bool:
        """Whether it has no errors of its own."""
        return not errors(self.mistakes)


def read_source(source: SourceFile, gateway: str | None, options: Options) -> ReadFile:
    """Read and model a file; `gateway` is the name of that with version and listen, if any is."""
    document = read(source.name, source.data)
    first = None if gateway is None else source.name == gateway
    seen = options.main if first and options.main else home(source.name, gateway)
    at = Home(file=source.name, name=seen, secrets=options.secrets)
    file, found = read_file(document, gateway=first, home=at)
    return ReadFile(
        source=source,
        file=file,
        mistakes=(*document.mistakes, *found, *_unverifiable(file, options)),
        complete=document.complete,
    )


def _unverifiable(file: File, options: Options) -> Iterator[Mistake]:
    """Backends over TLS on a machine that has nothing to verify them with."""
    for backend in file.backends:
        if backend.protocol in TLS and not options.trust_store:
            yield Mistake(
                place=backend.place,
                message="this machine has no certificate authorities to verify this backend with",
                hint="install ca-certificates, or set SSL_CERT_FILE",
                width=len(backend.key.text),
            )
