"""Writes the dashboards beside this file: `python deploy/grafana/dashboards.py`. A panel is a line here, 40 of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
COLUMNS, WIDTH, HEIGHT = 3, 8, 8
"""Of Grafana's grid, which is 24 wide."""


class Panel(NamedTuple):
    """`unit`: Grafana's word for it. `lines`: an expression of PromQL each, and what Grafana calls its series."""

    title: str
    unit: str
    lines: Mapping[str, str]


def quantiles(name: str, by: str = "", where: str = "") -> dict[str, str]:
    """The median and what one of twenty exceeds."""
    kept, shown = (f"le, {by}", f"{{{{{by}}}}} ") if by else ("le", "")
    rate = f"sum by ({kept}) (rate({name}_bucket{where}[$__rate_interval]))"
    return {f"histogram_quantile({q}, {rate})": f"{shown}{words}" for q, words in ((0.5, "median"), (0.95, "95 %"))}


def rates(name: str, by: str, where: str = "") -> dict[str, str]:
    """Per second, by a label."""
    return {f"sum by ({by}) (rate({name}{where}[$__rate_interval]))": f"{{{{{by}}}}}"}


def largest(name: str, by: str) -> dict[str, str]:
    """Of a figure that every API process tells."""
    return {f"max by ({by}) ({name})": f"{{{{{by}}}}}"}


DASHBOARDS: Mapping[str, Sequence[Panel]] = {
    "pilots": (
        Panel("Pilots by state", "short", largest("killreport_users", "state")),
        Panel("Late", "short", {"max(killreport_users_late)": "pilots"}),
        Panel("Longest without a look", "s", {"max(killreport_sync_lag_seconds)": "longest"}),
        Panel("Looks: lateness", "s", quantiles("killreport_look_lateness_seconds", "of")),
        Panel("Grants by state", "short", largest("killreport_tokens", "state")),
        Panel("Refreshes of grants", "ops", rates("killreport_sso_refreshes_total", "outcome")),
        Panel(
            "Killmails pending and given up",
            "short",
            {"max(killreport_references_pending)": "pending", "max(killreport_references_failed)": "given up"},
        ),
        Panel("Attempts that failed", "ops", rates("killreport_killmail_failures_total", "reason")),
        Panel("Watchdog: started and woken", "ops", rates("killreport_watchdog_findings_total", "done")),
    ),
    "esi": (
        Panel("Answers by status", "ops", rates("killreport_esi_answers_total", "status")),
        Panel("Answers by route", "ops", rates("killreport_esi_answers_total", "route")),
        Panel("420 and 429", "ops", rates("killreport_esi_answers_total", "route", '{status=~"420|429"}')),
        Panel("Time of an answer", "s", quantiles("killreport_esi_answer_seconds")),
        Panel(
            "Budget left, of the emptiest bucket",
            "percentunit",
            {"min by (group) (killreport_esi_tokens_left / killreport_esi_tokens_limit)": "{{group}}"},
        ),
        Panel(
            "Budget spent by class",
            "short",
            {"max by (group, by) (killreport_esi_tokens_spent)": "{{group}} {{by}}"},
        ),
        Panel("Pauses", "s", largest("killreport_esi_pause_seconds", "scope")),
        Panel("Not let out by our own account", "ops", rates("killreport_esi_calls_put_off_total", "call_class")),
        Panel("zKillboard: answers", "ops", rates("killreport_zkillboard_answers_total", "status")),
        Panel("Clock ahead of EVE SSO's", "s", {"killreport_clock_ahead_seconds": "{{job}} {{instance}}"}),
    ),
    "api": (
        Panel("Requests by status", "reqps", rates("killreport_http_request_seconds_count", "status")),
        Panel("Requests by route", "reqps", rates("killreport_http_request_seconds_count", "route")),
        Panel("Time of a request", "s", quantiles("killreport_http_request_seconds")),
        Panel("GraphQL: operations", "ops", rates("killreport_graphql_operation_seconds_count", "operation")),
        Panel("GraphQL: time", "s", quantiles("killreport_graphql_operation_seconds", "operation")),
        Panel("GraphQL: cost", "short", quantiles("killreport_graphql_operation_cost", "operation")),
        Panel("GraphQL: errors", "ops", rates("killreport_graphql_errors_total", "code")),
        Panel("GraphQL: fields without a plan", "ops", rates("killreport_graphql_fallback_fields_total", "field")),
        Panel(
            "Subscriptions and sockets",
            "short",
            {"sum by (to) (killreport_subscriptions)": "to {{to}}", "sum(killreport_sockets)": "sockets"},
        ),
        Panel("Subscriptions: stored to sent", "s", quantiles("killreport_subscription_lag_seconds")),
        Panel("Wait for a connection to Postgres", "s", quantiles("killreport_pool_wait_seconds", "job")),
        Panel("Connections to Postgres", "short", {"sum by (state) (killreport_pool_connections)": "{{state}}"}),
        Panel("Services that answer", "short", {"min by (service) (killreport_service_up)": "{{service}}"}),
        Panel("Memory", "bytes", {"process_resident_memory_bytes": "{{job}} {{instance}}"}),
        Panel(
            "Processor", "percentunit", {"rate(process_cpu_seconds_total[$__rate_interval])": "{{job}} {{instance}}"}
        ),
    ),
    "temporal": (
        Panel("Backlog", "short", largest("killreport_task_queue_backlog", "queue")),
        Panel("Oldest task that waits", "s", largest("killreport_task_queue_oldest_seconds", "queue")),
        Panel("Workers", "short", largest("killreport_task_queue_workers", "queue")),
        Panel(
            "Activities: scheduled to started",
            "s",
            quantiles("temporal_activity_schedule_to_start_latency_seconds", "task_queue"),
        ),
        Panel(
            "Workflow tasks: scheduled to started",
            "s",
            quantiles("temporal_workflow_task_schedule_to_start_latency_seconds"),
        ),
        Panel("Activities: execution", "s", quantiles("temporal_activity_execution_latency_seconds", "activity_type")),
        Panel(
            "Slots left",
            "short",
            {
                "sum by (task_queue, worker_type) (temporal_worker_task_slots_available)": (
                    "{{task_queue}} {{worker_type}}"
                )
            },
        ),
        Panel("Workflows in the sticky cache", "short", {"sum(temporal_sticky_cache_size)": "cached"}),
        Panel("Activities that fail", "ops", rates("killreport_activity_failures_total", "reason")),
        Panel("Workflows with problems", "short", {"max(killreport_workflows_with_problems)": "workflows"}),
        Panel("Tasks started again", "ops", rates("killreport_task_restarts_total", "task")),
        Panel("Requests to Temporal", "ops", rates("temporal_request_total", "operation")),
    ),
    "business": (
        Panel("Killmails stored", "short", {"max(killreport_killmails)": "killmails"}),
        Panel(
            "Killmails a day",
            "short",
            {"sum by (by) (increase(killreport_killmails_stored_total[1d]))": "{{by}}"},
        ),
        Panel("Found in lists", "ops", rates("killreport_killmails_found_total", "of")),
        Panel(
            "Age of a new killmail when it can be seen",
            "s",
            quantiles("killreport_killmail_age_seconds", where='{by="live"}'),
        ),
        Panel("ISK a day", "short", {"sum(increase(killreport_killmails_isk_total[1d]))": "ISK"}),
        Panel("Pilots", "short", {"sum(max by (state) (killreport_users))": "pilots"}),
        Panel("Database", "bytes", {"max(killreport_database_bytes)": "all of it"}),
        Panel("Largest tables", "bytes", {"topk(8, max by (table) (killreport_table_bytes))": "{{table}}"}),
    ),
}


def dashboard(name: str, panels: Sequence[Panel]) -> dict[str, Any]:
    """Grafana's own form of it (its JSON model, schema 39)."""
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "uid": f"killreport-{name}",
        "title": f"KillReport: {'ESI' if name == 'esi' else 'API' if name == 'api' else name}",
        "tags": ["killreport"],
        "schemaVersion": 39,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "panels": [
            {
                "id": number + 1,
                "type": "timeseries",
                "title": panel.title,
                "datasource": source,
                "gridPos": {
                    "x": WIDTH * (number % COLUMNS),
                    "y": HEIGHT * (number // COLUMNS),
                    "w": WIDTH,
                    "h": HEIGHT,
                },
                "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
                "targets": [
                    {
                        "refId": chr(ord("A") + position),
                        "datasource": source,
                        "expr": expression,
                        "legendFormat": legend,
                    }
                    for position, (expression, legend) in enumerate(panel.lines.items())
                ],
            }
            for number, panel in enumerate(panels)
        ],
    }


def written(name: str) -> str:
    """The text of the file."""
    return json.dumps(dashboard(name, DASHBOARDS[name]), indent=1) + "\n"


if __name__ == "__main__":
    for each in DASHBOARDS:
        (HERE / f"{each}.json").write_text(written(each))
