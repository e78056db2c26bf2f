"""What operations take and cost, and what they fail with, by names of ours: a client's are without number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from graphql import DocumentNode, FieldNode, get_operation_ast
from prometheus_client import Counter, Histogram

SECONDS = Histogram(
    "killreport_graphql_operation_seconds",
    "Execution of queries and mutations, by their one field; several: they have more.",
    ["operation"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 20),
)
COST = Histogram(
    "killreport_graphql_operation_cost",
    "What queries and mutations cost their caller, as `extensions.cost` says.",
    ["operation"],
    buckets=(1, 10, 100, 500, 1_000, 5_000, 10_000, 50_000),
)
ERRORS = Counter("killreport_graphql_errors", "Errors in answers, by `extensions.code`.", ["code"])
for _code in ("INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT"):
    ERRORS.labels(_code)  # so that the first one is seen as a rise from 0


@contextmanager
def measured(document: DocumentNode, operation_name: str | None, cost: int) -> Iterator[None]:
    """Around the execution of a valid document."""
    name = name_of(document, operation_name)
    COST.labels(name).observe(cost)
    with SECONDS.labels(name).time():
        yield


def count_errors(answer: Mapping[str, Any]) -> None:
    """Those of an answer that a client gets."""
    for error in answer.get("errors", ()):
        ERRORS.labels(str(error.get("extensions", {}).get("code", "none"))).inc()


def name_of(document: DocumentNode, operation_name: str | None) -> str:
    """Such as "query killmails". Validation has seen to it that the field is one of the schema's."""
    operation = get_operation_ast(document, operation_name)
    if operation is None:
        return "none"
    fields = {one.name.value for one in operation.selection_set.selections if isinstance(one, FieldNode)}
    named = next(iter(fields)) if len(fields) == 1 and len(operation.selection_set.selections) == 1 else "several"
    return f"{operation.operation.value} {named}"
