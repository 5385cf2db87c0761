"""What becomes the proving Envoy: a process that walls itself off and then is the other program.

    python -I launch.py MEMORY (walled|open) PARENT PROGRAM ARGUMENTS…

It is run as a file, with the standard library alone, and before Envoy has a thread: a namespace
can be entered only then. Nothing here can be done between fork and exec of a process with threads.
"""

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

NO_NAMESPACE = 77
"""The exit status where the system allows no namespace."""

NEW_USER = 0x10000000  # CLONE_NEWUSER of linux/sched.h
NEW_NETWORK = 0x40000000  # CLONE_NEWNET
DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h


def main(words: list[str]) -> None:
    """Become the program; bounded in memory (bytes), and ended by the kernel with its parent."""
    memory, wall, parent, *command = words
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if wall == "walled" and not _walled(libc):
            sys.exit(NO_NAMESPACE)
        # After that, as a process that becomes another user loses this.
        libc.prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() not in {int(parent), 0}:
            sys.exit(1)
    elif wall == "walled":
        sys.exit(NO_NAMESPACE)
    resource.setrlimit(resource.RLIMIT_DATA, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(command[0], command)  # noqa: S606 # to become it is what this is for


def _walled(libc: ctypes.CDLL) -> bool:
    """Enter a network without anybody in it, as its root: any port may be listened on there."""
    user, group = os.getuid(), os.getgid()
    if libc.unshare(NEW_USER | NEW_NETWORK) != 0:
        return False
    try:
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
