"""What deploy/ watches with: rules, dashboards, and the metrics they ask for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.paths import ROOT

DEPLOYED = ROOT / "deploy/prometheus"
RULES = DEPLOYED / "killreport.rules.yaml"
UNIT_TESTS = sorted((DEPLOYED / "tests").glob("*.yaml"))
DASHBOARDS = sorted((ROOT / "deploy/grafana").glob("*.json"))
METRICS = ROOT / "docs/metrics.md"
_METRIC = re.compile(r"\b(?:(?:killreport|temporal|process)_[a-z0-9_]+|up(?=\{))")


def alerts() -> dict[str, dict[str, Any]]:
    """The rules by the names of their alerts."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def shown() -> Iterator[str]:
    """The expressions of the dashboards."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            yield from (target["expr"] for target in panel.get("targets", ()))


def metrics_asked_for() -> set[str]:
    """The names of all series in rules and dashboards."""
    asked = [*(rule["expr"] for rule in alerts().values()), *shown()]
    return {name for expression in asked for name in _METRIC.findall(expression)}


def metrics_in(text: str) -> set[str]:
    """The names of all series in an answer of /metrics; also of those that have no label's value yet."""
    found: set[str] = set()
    for family in text_string_to_metric_families(text):
        found |= {sample.name for sample in family.samples}
        if family.type == "counter":
            found.add(f"{family.name}_total")
        elif family.type == "histogram":
            found |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
        else:
            found.add(family.name)
    return found


def documented() -> set[str]:
    """The names of all series that docs/metrics.md tells of."""
    rows = dict(re.findall(r"^\| `(killreport_\w+)` \|[^|]*\| (\w*)", METRICS.read_text(), re.MULTILINE))
    histograms = {name for name, what in rows.items() if what == "histogram"}
    return (rows.keys() - histograms) | {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}
