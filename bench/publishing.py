"""A process with the real publisher and its server, told what to publish."""

import asyncio
import sys
import time
from pathlib import Path

from bench.child import Words, answering, quiet
from controlplane.build import Options, build
from controlplane.rollout.options import PublisherOptions
from controlplane.rollout.publisher import Publisher
from controlplane.sources import SourceFile


async def main(socket: Path) -> None:
    """Serve on a Unix socket; the time of a publish is without that of its build."""
    quiet()  # its parts take their loggers when they are made
    async with Publisher(f"unix:{socket}", PublisherOptions(files=socket.parent)) as publisher:

        async def answer(told: Words) -> Words:
            sources = (SourceFile(name=name, data=text.encode()) for name, text in told["files"])
            built = build(tuple(sources), Options())
            if built.snapshot is None:
                raise ValueError(built.mistakes[:3])
            began = time.perf_counter()
            published = await publisher.publish(built, within=told["patience"])
            took = time.perf_counter() - began
            return {"state": published.outcome.state, "seconds": took}

        await answering(answer)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
