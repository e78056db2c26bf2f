"""Rules, runbooks and dashboards say the same, and Prometheus itself understands the rules."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import yaml

import cli
from deploy.grafana.dashboards import DASHBOARDS, written
from tests.deploy.watching import DEPLOYED, RULES, UNIT_TESTS, alerts
from tests.paths import ROOT

RUNBOOKS = (ROOT / "docs/runbooks.md").read_text()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool on PATH (Debian: prometheus)")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", str(DEPLOYED / "prometheus.yaml")),
        ("check", "rules", str(RULES)),
        ("test", "rules", *map(str, UNIT_TESTS)),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_prometheus_takes_them(arguments: tuple[str, ...]) -> None:
    told = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    sections = re.findall(r"^## (KillReport\w+)$", RUNBOOKS, re.MULTILINE)
    assert sorted(sections) == sorted(alerts())
    for name, rule in alerts().items():
        assert rule["labels"]["severity"] in ("critical", "warning"), name
        assert rule["annotations"]["summary"].endswith("."), name
        assert rule["annotations"]["runbook"] == f"docs/runbooks.md#{name.lower()}"
        section = RUNBOOKS.partition(f"## {name}\n")[2].partition("\n## ")[0]
        assert re.search(r"^See: ", section, re.MULTILINE), name
        assert re.search(r"^Do: ", section, re.MULTILINE), name


def test_every_alert_has_fired_in_a_test() -> None:
    fired = {case["name"] for path in UNIT_TESTS for case in yaml.safe_load(path.read_text())["tests"]}
    assert fired == set(alerts())
    told = dict(re.findall(r"^\| `(KillReport\w+)` \| (.+?) \|", RUNBOOKS, re.MULTILINE))
    assert set(told) == set(alerts())
    caused = set(re.findall(r'"(KillReport\w+)"', (ROOT / "tests/end_to_end/test_alerts.py").read_text()))
    assert {name for name, how in told.items() if how != "its series, in promtool"} == caused


def test_runbooks_name_commands_that_exist() -> None:
    named = re.findall(r"`killreport ([a-z-]+)", RUNBOOKS)
    assert named
    assert set(named) <= set(cli.main.commands)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_dashboards_are_those_of_the_script(name: str) -> None:
    assert (ROOT / f"deploy/grafana/{name}.json").read_text() == written(name)
