"""How the suite runs. What tests start from is in `tests/fixtures`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from cli import COLLECTED_AFTER

pytest_plugins = [
    "tests.fixtures.shared",  # the others import it
    "tests.fixtures.databases",
    "tests.fixtures.pooler",
    "tests.fixtures.services",
    "tests.fixtures.workers",
]

START_UP = ("tests/operations/test_up.py", "tests/end_to_end/test_make_run.py", "tests/end_to_end/test_chaos.py")
"""Two of them that run at once want the same ports: those that everybody is told of."""
INSTALLATIONS = "tests/end_to_end/"
"""Most of these wait for others' processes most of the time: one process has them all, while others are busy."""
ONE_SITE = "tests/api/site/"
"""Its tests have one furnished site and one browser."""
SHARE_BY_FILE = ("tests/api/", "tests/attacks/", "tests/fuzz/")
"""The tests of a file have one site and one database, which each process that takes some of them makes anew."""
LONG = (*START_UP, INSTALLATIONS, ONE_SITE, "tests/deploy/", "tests/worker/", *SHARE_BY_FILE)
"""What takes long begins first, in this order: at the end no process has much left while others have nothing."""
_exit_status = pytest.StashKey[int]()


class SharedByOne(LoadScopeScheduling):  # type: ignore[misc]
    """Every test for itself, but for those that share something: one process has them all.

    The mark `xdist_group` says the same, but xdist 3.8 writes it into a node's id, which pytest 9.1 makes anew.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(START_UP):
            return "up"
        for shared in (INSTALLATIONS, ONE_SITE):
            if nodeid.startswith(shared):
                return shared
        return nodeid.partition("::")[0] if nodeid.startswith(SHARE_BY_FILE) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedByOne:
    return SharedByOne(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long ones first; xdist would sort by how many there are of a scope."""

    def rank(item: pytest.Item) -> int:
        return next((number for number, where in enumerate(LONG) if item.nodeid.startswith(where)), len(LONG))

    items.sort(key=rank)


def pytest_configure() -> None:
    """Prepare for the programs that are started here, and for collecting the tests."""
    gc.disable()  # what is imported stays: looking for garbage takes a quarter of the time of collecting
    # Ctrl-C is for them, too: what a shell starts in the background ignores it, for good.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Temporal, above all, takes a third less of the processor than with Go's defaults, for a heap that is four times
    # as large (measured).
    os.environ.setdefault("GOMAXPROCS", "1")
    os.environ.setdefault("GOGC", "400")


def pytest_collection_finish() -> None:
    """Keep a thousand tests out of the garbage collector's way.

    A full collection stops every thread of a process that is worker, EVE and test at once, and Temporal fails a
    workflow task that takes two seconds.
    """
    gc.enable()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_exit_status] = exitstatus


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End without tearing the interpreter down, which the threads of Temporal's client may abort (see `cli.entry`)."""
    if hasattr(config, "workerinput"):
        return  # a worker of xdist has told its results by now, and is not asked for a status
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(config.stash.get(_exit_status, 1))
