"""How a cell of the matrix is asked, and what its answer comes to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from tests.attacks.callers import Caller, Proof, person
from tests.attacks.rows import (
    DONE,
    FORBIDDEN,
    NOT_FOUND,
    OWN,
    REFUSED,
    SHOWN,
    TAKEN,
    UNAUTHENTICATED,
    Operation,
    Page,
    Row,
)
from tests.attacks.world import World, leaked

CODES = {"UNAUTHENTICATED": UNAUTHENTICATED, "FORBIDDEN": FORBIDDEN}
STATUSES = {204: OWN, 401: UNAUTHENTICATED, 403: FORBIDDEN, 404: NOT_FOUND, 202: DONE, 201: DONE}
SESSION_ONLY = frozenset({"sessions", "apiKeys", "shareLinks", "webhooks", "feeds"})
"""Fields of `Me` with rows of their own: an API key that asks for them gets nothing else of it either."""


async def cell(world: World, row: Row, caller: Caller) -> str:
    """What became of it; what should not be is appended."""
    proof = await world.throw_away(caller) if row.throw_away else world.proofs[caller]
    target = None if row.target is None else await row.target(world)
    try:
        if isinstance(row, Operation):
            outcome, text = await ask_operation(world, row, proof, target)
        else:
            assert isinstance(row, Page)
            outcome, text = await ask_page(world, row, proof, target)
        told = set(leaked(row.asked, Caller.ANONYMOUS))
        if person(caller) in row.allowed:
            told |= set(row.tells)
        if words := set(leaked(text, caller)) - told:
            outcome += f", and it told {sorted(words)}"
        if row.gone:
            gone = await world.site.pool.fetchval(row.gone, target)
            if gone != (outcome == DONE and row.expected(caller) == DONE):
                outcome += f", and its target is {'gone' if gone else 'still there'}"
        if row.stays and not await world.site.pool.fetchval(row.stays, target):
            outcome += ", and what is not its target is gone"
    finally:
        if row.restore is not None:
            await row.restore(world)
    return outcome


async def ask_operation(world: World, row: Operation, proof: Proof, target: Any) -> tuple[str, str]:
    query = document(world.site.app.state.schema, row, target)
    async with world.http.post(
        f"{world.site.address}/graphql", json={"query": query}, headers=proof.headers, cookies=proof.cookies
    ) as response:
        text = await response.text()
    return of_answer(orjson.loads(text), row, text), text


def document(schema: GraphQLSchema, row: Operation, target: Any = None) -> str:
    kind, _, name = row.door.partition(".")
    field = schema.type_map[kind].fields[name]  # type: ignore[attr-defined]
    selection = row.selection or everything(field)
    arguments = row.arguments.replace("{target}", str(target))
    return f"{kind.lower()} {{ {name}{arguments} {selection} }}"


def everything(field: GraphQLField, above: frozenset[str] = frozenset()) -> str:
    """A selection of all fields that can be had without arguments, no type within itself."""
    kind: GraphQLNamedType = get_named_type(field.type)
    if is_leaf_type(kind):
        return ""
    assert isinstance(kind, GraphQLObjectType)
    parts = [
        f"{name} {everything(inner, above | {kind.name})}"
        for name, inner in kind.fields.items()
        if name not in SESSION_ONLY | {"edges"}
        and get_named_type(inner.type).name not in above | {kind.name}
        and not any(is_required_argument(argument) for argument in inner.args.values())
    ]
    return "{ " + " ".join(parts) + " }"


def of_answer(answer: Mapping[str, Any], row: Row, text: str) -> str:
    """What an answer of GraphQL comes to."""
    for error in answer.get("errors", ()):
        code = error["extensions"]["code"]
        return CODES.get(code, str(code))
    (found,) = answer["data"].values()
    if found is None:
        return NOT_FOUND
    if isinstance(found, dict) and "userErrors" in found:
        for error in found["userErrors"]:
            return DONE if error["code"] in TAKEN else CODES.get(error["code"], str(error["code"]))
    return _read(row, text)


def _read(row: Row, text: str) -> str:
    if row.success == DONE:
        return DONE
    words = row.tells or (row.secret.words if row.secret is not None else ())
    return SHOWN if any(word in text for word in words) else OWN


async def ask_page(world: World, row: Page, proof: Proof, target: Any) -> tuple[str, str]:
    method = row.door.partition(" ")[0]
    form = {name: text.replace("{target}", str(target)) for name, text in row.form.items()}
    # As through a proxy: whoever asks from this machine itself may read /metrics.
    headers = {"X-Forwarded-For": "203.0.113.9", **proof.headers}
    async with world.http.request(
        method,
        f"{world.site.address}{row.path.replace('{target}', str(target))}",
        data=row.body or (form if method == "POST" else None),
        headers=headers,
        cookies=proof.cookies,
        allow_redirects=False,
    ) as response:
        text = (await response.read()).decode(errors="replace")
    if response.status == 409:
        return (DONE if "not responding" in text or "No import is running" in text else REFUSED), text
    if response.status == 303:
        return (UNAUTHENTICATED if method == "GET" and response.headers["Location"] == "/" else DONE), text
    if response.status != 200:
        return STATUSES.get(response.status, str(response.status)), text
    if "json" in response.content_type and text.startswith("{") and "\n" not in text:
        answer = orjson.loads(text)
        if "errors" in answer or "data" in answer:
            return (of_answer(answer, row, text) if answer.get("data") != {"me": None} else OWN), text
    return _read(row, text), text
