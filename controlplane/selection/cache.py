"""Files that were read before: what did not change is not read again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from controlplane.compile.options import Options
from controlplane.reading import ReadFile, read_source
from controlplane.sources import SourceFile
from language.secrets import Secrets


@dataclass(slots=True)
class Used:
    """The secrets that a reading asked for, with what they held: None for one that is not set."""

    environ: dict[str, str | None] = field(default_factory=dict, repr=False)
    files: dict[str, str | None] = field(default_factory=dict, repr=False)

    def same(self, secrets: Secrets) -> bool:
        """Whether all of them still hold the same."""
        return all(secrets.environ.get(n) == v for n, v in self.environ.items()) and all(
            secrets.read(p) == v for p, v in self.files.items()
        )


class _Environ(Mapping[str, str]):
    """An environment that notes what is asked for."""

    def __init__(self, environ: Mapping[str, str], used: Used) -> None:
        self._environ = environ
        self._used = used

    def __getitem__(self, name: str) -> str:
        value = self._environ.get(name)
        self._used.environ[name] = value
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """What a reading depends on besides secrets; `gateway` is the gateway file's name."""

    source: SourceFile
    gateway: str | None
    required: bool
    verifiable: bool


class Cache:
    """Readings by file; kept are those that were asked for since `forget` was last called."""

    def __init__(self) -> None:
        self._kept: dict[_Key, tuple[ReadFile, Used]] = {}
        self._asked: set[_Key] = set()

    def read(self, source: SourceFile, gateway: str | None, options: Options) -> ReadFile:
        """Read a file, or give its reading while its bytes and its secrets are the same."""
        key = _Key(
            source=source,
            gateway=gateway,
            required=options.secrets.required,
            verifiable=bool(options.trust_store),
        )
        self._asked.add(key)
        known = self._kept.get(key)
        if known is not None and known[1].same(options.secrets):
            return known[0]
        used = Used()
        watched = replace(options, secrets=_watched(options.secrets, used))
        made = read_source(source, gateway, watched)
        self._kept[key] = (made, used)
        return made

    def forget(self) -> None:
        """Let go of what was not asked for since the last call."""
        self._kept = {key: kept for key, kept in self._kept.items() if key in self._asked}
        self._asked = set()


def _watched(secrets: Secrets, used: Used) -> Secrets:
    def read(path: str) -> str | None:
        used.files[path] = secrets.read(path)
        return used.files[path]

    return replace(secrets, environ=_Environ(secrets.environ, used), read=read)
