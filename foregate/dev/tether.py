"""Start a program that the kernel ends when its starter dies, however that dies.

Run as a script: `python -I -S tether.py PARENT_PID PROGRAM ARGS…`. It imports nothing of ours and
becomes the program. A hook between fork and exec would do the same, but running Python code there
is not safe in a process that has threads, and ours has gRPC's.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Ask for the signal, make sure that the parent did not die before, become the program."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - becoming the program is what this file is for


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
