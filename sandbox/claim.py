"""One `killreport up` per directory: the claim on it, and the end of what a killed one left running."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.process import PartFailed

MARK = "KILLREPORT_UP_DIRECTORY"
"""Set to the state directory in the environment of every part that `up` starts, to know it again."""
REWRITE_THEIR_ENVIRONMENT = frozenset({"postgres", "valkey-server"})
"""These overwrite it with their process title; they are known by their working directory instead."""
END_SECONDS = 20.0


@contextmanager
def claimed(directory: Path) -> Iterator[None]:
    """Hold `directory` for this process; the claim ends with the process, however that ends.

    Started by root in somebody's checkout, what is in it becomes theirs: their own next start must work.

    Raises:
        PartFailed: another `up` holds it, or it cannot be written.
    """
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise PartFailed(f"{directory} cannot be written ({error.strerror}): run in a directory of yours.") from error
    with open(descriptor, "r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = lock.read().strip()
            raise PartFailed(
                f"KillReport already runs from this directory{f', as process {holder}' if holder else ''}:"
                " stop that one first."
            ) from None
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        _give_to_owner_of_checkout(directory)
        try:
            yield
        finally:
            lock.seek(0)
            lock.truncate()
            _give_to_owner_of_checkout(directory)


def _give_to_owner_of_checkout(directory: Path) -> None:
    owner = directory.parent.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    for _, folders, files, descriptor in os.fwalk(directory):
        for name in (".", *folders, *files):
            with suppress(FileNotFoundError):  # a part that ends takes its files with it
                os.chown(name, owner.st_uid, owner.st_gid, dir_fd=descriptor, follow_symlinks=False)


def left_running(directory: Path) -> list[int]:
    """Processes that an `up` of `directory` started and that still run (Linux; elsewhere none are known)."""
    mark = f"{MARK}={directory}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile, or is not ours to look at
            process = int(entry.name)
            if process == os.getpid() or (entry / "stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z":
                continue
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(process)
            elif Path(os.readlink(entry / "exe")).name in REWRITE_THEIR_ENVIRONMENT:
                works_in = Path(os.readlink(entry / "cwd"))
                if works_in.is_relative_to(directory):
                    found.append(process)
    return found


def end_what_is_left(directory: Path) -> int:
    """End it in the way that keeps data whole: asked first, killed after `END_SECONDS`.

    Returns:
        How many processes there were.
    """
    processes = left_running(directory)
    for process in processes:
        with suppress(OSError):
            # Postgres' fast shutdown; its own children are told by it.
            fast = Path(os.readlink(f"/proc/{process}/exe")).name == "postgres"
            os.kill(process, signal.SIGINT if fast else signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    while (remaining := left_running(directory)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in remaining:
        kill(process)
    return len(processes)


def kill(process: int) -> None:
    """SIGKILL, if it still runs."""
    with suppress(OSError):
        os.kill(process, signal.SIGKILL)


def forget_stale_postmaster(directory: Path) -> None:
    """Remove the lock file of a Postgres that was killed.

    Its process id may belong to something else by now (after a restart of a container it does), which
    Postgres would take for a running server. Call only under `claimed` and after `end_what_is_left`: then
    nobody serves this cluster.
    """
    if sys.platform == "linux":  # elsewhere `left_running` knows of nobody
        (directory / "postgres" / "postmaster.pid").unlink(missing_ok=True)
