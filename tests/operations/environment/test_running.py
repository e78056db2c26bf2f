"""The variables of a `killreport up` in the directory where a command is started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from settings import running_environment
from tests.deploy.sudo import plain_user


@contextmanager
def without_privileges() -> Iterator[None]:
    """As root may read everything."""
    before = os.geteuid()
    os.seteuid(plain_user().pw_uid)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_directory_that_may_not_be_searched_has_none(tmp_path: Path) -> None:
    running = tmp_path / ".killreport"
    running.mkdir()
    (running / "environment").write_text(f"KILLREPORT_UP_PID={os.getpid()}\nPORT=4001\n")
    assert running_environment(running) == {"PORT": "4001"}
    tmp_path.chmod(0)
    try:
        with without_privileges():
            assert running_environment(running) == {}
    finally:
        tmp_path.chmod(0o700)
