"""A `killreport up` in a process of its own, as somebody would start it in a terminal."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import unprivileged
from sandbox.claim import left_running
from tests.paths import ROOT

READY = "Ctrl-C stops everything."
START_SECONDS = 90
STOP_SECONDS = 60


def environment(**variables: str) -> dict[str, str]:
    """Nothing of this test run's own: what a plain shell has. And few strangers, all of whom a worker looks up."""
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}
    return {**plain, "SANDBOX_STRANGERS": "60", **variables}


def as_plain_user(command: list[str]) -> list[str]:
    """`command`, run as nobody when we are root; with leave to read an interpreter and a checkout below /root."""
    if os.geteuid() != 0:
        return command
    nobody = pwd.getpwnam("nobody")
    return unprivileged.command(nobody.pw_uid, nobody.pw_gid, command)


@dataclass
class RunningUp:
    """`output` grows while it runs."""

    directory: Path
    plain_user: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    output: list[str] = field(default_factory=list)

    def start(self) -> RunningUp:
        command = [sys.executable, "-m", "cli", "up"]
        if self.plain_user:
            command = as_plain_user(command)
        self.process = subprocess.Popen(
            command,
            cwd=self.directory,
            env=environment(HOME=str(self.directory), **self.variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self.output.append(line.rstrip("\n"))

    @property
    def said(self) -> str:
        return "\n".join(self.output)

    def wait_until_ready(self) -> None:
        self.wait_until_said(READY)

    def wait_until_said(self, line: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while line not in self.output:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def url(self, what: str) -> str:
        """What it printed as the address of "Site", "GraphQL" or "Temporal UI"."""
        return next(line.split()[-1] for line in self.output if line.strip().startswith(what))

    @property
    def parts(self) -> list[int]:
        return left_running(self.directory / ".killreport")

    def part(self, program: str) -> int:
        """The process id of the part whose command line holds `program`."""
        found = [pid for pid in self.parts if program in command_line(pid)]
        assert found, f"no {program} among {[command_line(pid) for pid in self.parts]}"
        return min(found)

    def wait(self) -> int:
        """Wait for its end; returns the exit status."""
        status = self.process.wait(STOP_SECONDS)
        self._reader.join(10)
        return status

    def stop(self, stop_signal: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(stop_signal)
        return self.wait()

    def kill_everything(self, but: str = "") -> None:
        """As a power cut does: nobody gets to say goodbye, but for the part whose command line holds that."""
        spared = self.part(but) if but else None
        for pid in [*self.parts, self.process.pid]:
            if pid == spared:
                continue
            with contextlib.suppress(ProcessLookupError):  # a Postgres process that ended by itself meanwhile
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(10)


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
