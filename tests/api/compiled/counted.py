"""The fields that graphql-core completed killmails for, as /metrics counts them."""

from __future__ import annotations

from api.compiled.graphql_core import FALLBACKS


def fallbacks() -> dict[str, float]:
    """How often, by field."""
    return {
        sample.labels["field"]: sample.value
        for metric in FALLBACKS.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


def fallbacks_since(before: dict[str, float]) -> dict[str, float]:
    """Those that were counted since then."""
    return {field: times - before.get(field, 0) for field, times in fallbacks().items() if times != before.get(field)}
