"""A small disk of our own for Postgres, which can be filled up without harm to anybody else.

A tmpfs in a mount namespace of ours: only this process and its children see it, and it goes with the last of them.
Needs Linux and the right to mount: root, or user namespaces for everybody.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
MNT_DETACH = 2
DISK_BYTES = 768 * 1024**2
BALLAST = "ballast"


def own_namespace() -> str:
    """Give this process, which must have one thread, mounts of its own; says why that cannot be, or nothing."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        user, group = os.geteuid(), os.getegid()
        if user == 0:
            _check(libc.unshare(CLONE_NEWNS))
        else:
            _check(libc.unshare(CLONE_NEWNS | CLONE_NEWUSER))
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        _check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    except (AttributeError, OSError) as error:
        return f"no disk of our own to fill up: {error}"
    return ""


def mount_small_disk(directory: Path) -> None:
    """An empty disk of `DISK_BYTES` at `directory`.

    Raises:
        OSError: not in a namespace of our own, or not allowed there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    options = f"size={DISK_BYTES},mode=0755".encode()
    _check(ctypes.CDLL(None, use_errno=True).mount(b"tmpfs", os.fsencode(directory), b"tmpfs", 0, options))


def unmount(directory: Path) -> None:
    """Give it up with all that is on it."""
    _check(ctypes.CDLL(None, use_errno=True).umount2(os.fsencode(directory), MNT_DETACH))


def fill(directory: Path) -> None:
    """Leave not a byte free."""
    with (directory / BALLAST).open("ab") as ballast:
        while free := os.statvfs(directory).f_bavail * os.statvfs(directory).f_frsize:
            with contextlib.suppress(OSError):  # somebody else took some meanwhile
                os.posix_fallocate(ballast.fileno(), ballast.seek(0, 2), free)
                continue
            return


def relieve(directory: Path) -> None:
    """Undo `fill`."""
    (directory / BALLAST).unlink(missing_ok=True)


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
