"""The generated code of `protos/`: messages by protoc, their types by mypy-protobuf's plug-in."""

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

NAMES = tuple(
    f"protos/{proto.stem}_pb2{end}"
    for proto in sorted((ROOT / "protos").glob("*.proto"))
    for end in (".py", ".pyi")
)
"""Each generated file by its path in the tree."""


def generated(name: str) -> str:
    """The text of one of NAMES, made from the `.proto` files anew."""
    return _all()[name]


@cache
def _all() -> dict[str, str]:
    plugin = Path(sys.executable).parent / "protoc-gen-mypy"
    protos = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "protos").glob("*.proto"))]
    with tempfile.TemporaryDirectory(prefix="foregate-protos-") as folder:
        subprocess.run(
            [
                *(sys.executable, "-m", "grpc_tools.protoc", "-I."),
                *(f"--plugin=protoc-gen-mypy={plugin}", "--mypy_opt=quiet"),
                *(f"--python_out={folder}", f"--mypy_out={folder}", *protos),
            ],
            cwd=ROOT,
            check=True,
            env=os.environ,
        )
        return {name: (Path(folder) / name).read_text(encoding="utf-8") for name in NAMES}
