"""The reference implementations judge us: the audits of `graphql-http` and the client `graphql-ws`."""

from __future__ import annotations

from collections import Counter

from tests.api.graphql.node_programs import run_node
from tests.api.graphql.plain_ariadne import plain, serve_plain
from tests.api.running_site import Browser

LEVELS = {"MUST": 13, "SHOULD": 23, "MAY": 25}


async def audits(address: str) -> tuple[Counter[str], list[str]]:
    """How many audits of each level passed, and the others in words."""
    async with run_node("audit.mjs", f"{address}/graphql") as program:
        told = await program.rest()
    passed = Counter(audit["name"].split()[0] for audit in told if audit["status"] == "ok")
    return passed, [f"{audit['id']} {audit['name']}: {audit['reason']}" for audit in told if audit["status"] != "ok"]


async def test_every_audit_of_graphql_over_http_passes(visitor: Browser) -> None:
    passed, failed = await audits(visitor.site.address)
    assert not failed
    assert passed == LEVELS


async def test_plain_ariadne_fails_audits_that_should_pass() -> None:
    async with serve_plain(plain()) as address:
        passed, failed = await audits(address)
    assert passed["SHOULD"] < LEVELS["SHOULD"]
    assert any("application/graphql-response+json" in audit for audit in failed)
