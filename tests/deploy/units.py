"""The systemd units of deploy/systemd, as systemd reads them."""

from __future__ import annotations

import shlex
from pathlib import Path

from tests.paths import ROOT

UNITS = ROOT / "deploy" / "systemd"
INSTALLED_IN = "/opt/killreport"


def unit(name: str) -> dict[str, list[str]]:
    """What it sets, of all its sections; a setting may stand there several times."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / f"killreport-{name}.service").read_text().replace("\\\n", " ").splitlines():
        setting, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(setting, []).append(value)
    return found


def start_command(name: str, installed_in: Path) -> list[str]:
    """Its ExecStart, of an installation somewhere else than in /opt/killreport."""
    return command_of(name, "ExecStart", installed_in)


def command_of(name: str, setting: str, installed_in: Path) -> list[str]:
    """The command of this setting, of an installation somewhere else."""
    (line,) = unit(name)[setting]
    return [word.replace(INSTALLED_IN, str(installed_in)) for word in shlex.split(line)]
