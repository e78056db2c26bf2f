"""The systemd units, as far as one can tell without a systemd that runs: its own checks of them, and who they are.

tests/deploy/test_install.py runs their ExecStart lines.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

import cli
from tests.deploy.program import said
from tests.deploy.units import INSTALLED_IN, UNITS, command_of, start_command, unit
from tests.paths import ROOT

NAMES = ("api", "migrate", "temporal", "worker")
EXPOSED_AT_MOST = "15"
"""Of 100, by systemd-analyze: "OK" begins below 50. What is left is mostly the network, which they are there for."""

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="left out: systemd is not installed")


@needs_systemd
def test_systemd_takes_the_units_and_finds_them_hardened(tmp_path: Path) -> None:
    assert {path.name for path in UNITS.iterdir()} == {f"killreport-{name}.service" for name in NAMES}
    # It looks for the programs, too.
    copies = [tmp_path / path.name for path in UNITS.iterdir()]
    for copy in copies:
        copy.write_text((UNITS / copy.name).read_text().replace(INSTALLED_IN, str(ROOT)))
    said("systemd-analyze", "verify", "--man=no", *copies)
    said("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={EXPOSED_AT_MOST}", *copies)


def test_the_migration_runs_before_api_and_worker_which_outlive_a_failed_attempt() -> None:
    for name in ("api", "worker"):
        assert unit(name)["After"] == unit(name)["Wants"] == ["killreport-migrate.service"]
        assert not {"Requires", "Requisite", "BindsTo", "PartOf"} & unit(name).keys()
        assert (unit(name)["Type"], unit(name)["Restart"]) == (["exec"], ["always"])
    assert unit("migrate")["Type"] == ["oneshot"]
    assert (unit("migrate")["Restart"], unit("migrate")["RemainAfterExit"]) == (["on-failure"], ["yes"])
    assert "killreport-temporal.service" in unit("migrate")["After"][0].split()


def test_temporal_has_started_when_it_can_be_asked() -> None:
    waiting = command_of("temporal", "ExecStartPost", ROOT)
    (port,) = re.findall(r"--port (\d+)", " ".join(start_command("temporal", ROOT)))
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        free = str(nobody.getsockname()[1])
        patience = waiting.index("60")
        soon = [word.replace(port, free) for word in [*waiting[:patience], "0.3", *waiting[patience + 1 :]]]
        assert soon != waiting
        assert subprocess.run(soon, check=False).returncode == 124, "nobody listens: it gives up"
        nobody.listen()
        assert subprocess.run(soon, check=False).returncode == 0


def test_they_run_one_program_as_one_user_and_are_hardened_alike() -> None:
    hardening = {
        name: re.findall(r"^# systemd\.exec.*\n((?:\w+=.*\n)+)", path.read_text(), re.MULTILINE)
        for name in NAMES
        for path in [UNITS / f"killreport-{name}.service"]
    }
    assert len({tuple(lines) for lines in hardening.values()}) == 1
    for name in NAMES:
        assert (unit(name)["User"], unit(name)["Group"]) == (["killreport"], ["killreport"])
        program, *words = start_command(name, ROOT)
        assert Path(program).exists()
        if name != "temporal":
            assert words == ["-m", "cli", name]
            assert name in cli.main.commands
            assert unit(name)["EnvironmentFile"] == ["/etc/killreport/killreport.env"]
