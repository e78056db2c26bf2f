"""Run a program as another user than root, with just the capability to reach files below a directory of root's.

Started as a script, so that the interpreter needs nothing but itself: `python -I -S unprivileged.py UID GID PROGRAM …`.
It replaces itself by the program. `setpriv` can do most of it, but is not everywhere.

The kernel (capabilities(7), prctl(2)) gives a program that is not root's what is in its *ambient* set. access(2), by
which Postgres looks for its own programs, ignores that, unless the secure bit NO_SETUID_FIXUP is set.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

DAC_OVERRIDE = 1
"""The capability to read, write and search any file."""
PR_SET_PDEATHSIG, PR_SET_SECUREBITS, PR_CAP_AMBIENT = 1, 28, 47
PR_CAP_AMBIENT_RAISE = 2
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAPABILITY_VERSION_3 = 0x20080522


def command(uid: int, gid: int, program: Sequence[str]) -> list[str]:
    """What root has to start so that `program` runs as this user; stopped by SIGINT when its parent dies."""
    return [sys.executable, "-I", "-S", __file__, str(uid), str(gid), *program]


def become(uid: int, gid: int) -> None:
    """Give up being root for the rest of this process, and of the program it becomes.

    Raises:
        OSError: the kernel does not let us: a container without these rights, or where there is no such user.
    """
    # While this bit is set, a change of user leaves the capabilities alone: all but one are dropped here.
    _call("prctl", PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    kept = 1 << DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    # Effective, permitted, inheritable; and the same of the capabilities above 31.
    _call("capset", header, (ctypes.c_uint32 * 6)(kept, kept, kept, 0, 0, 0))
    _call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, DAC_OVERRIDE, 0, 0)
    # A change of user forgets the one that was set at the fork.
    _call("prctl", PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def main() -> None:
    """What `command` starts."""
    uid, gid, *program = sys.argv[1:]
    try:
        become(int(uid), int(gid))
    except OSError as error:
        sys.exit(
            f"Postgres will not run as root, and this process cannot become another user here ({error.strerror}):"
            " run as a plain user, or set DATABASE_URL."
        )
    os.execv(program[0], program)  # noqa: S606 - the programs of the wheel, never user input


if __name__ == "__main__":
    main()
