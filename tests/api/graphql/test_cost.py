"""What operations cost is known before they run, and is what their pages may bring."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ariadne.validation import cost_validator
from graphql import build_schema, get_introspection_query, parse, validate

from api.graphql.cost import ASSUMED_LENGTH, INTROSPECTION_COST, MAX_COST, CostPlans
from api.graphql.schema import load_schema

SCHEMA = load_schema()
PAGE = "query P($n: Int = 20, $m: Int) { killmails(first: %s) { %s { id solarSystem { id } } } }"


def cost(query: str, operation: str | None = None, **variables: Any) -> int:
    document = parse(query)
    assert validate(SCHEMA, document) == [] or operation or "$" in query
    return CostPlans(SCHEMA).of(document)[operation].cost(variables)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ __typename }", 0),
        ("{ me { id } }", 1),
        ("{ me { characters { id name } } }", 1 + ASSUMED_LENGTH),
        ("{ a: me { id } b: me { id } }", 2),
        ("{ ...F ...F } fragment F on Query { me { id } }", 2),
        ("{ ... on Query { me { id } } }", 1),
        ("{ killmails(first: 7) { nodes { id } } }", 1 + 7),
        ("{ killmails { nodes { id } } }", 1 + 50),
        ("{ killmails(first: 7) { edges { cursor node { id } } } }", 1 + 7 * 2),
        ("{ killmails(first: 7) { nodes { id attackers { damageDone } } } }", 1 + 7 * (1 + ASSUMED_LENGTH)),
        ("{ killmails(first: 7) { ...F } } fragment F on KillmailConnection { nodes { id } }", 1 + 7),
        ("{ killmails(first: 7) { totalCount } }", 1 + 50),
        ("{ reimbursements(first: 7) { nodes { killmailId } totals { state } } }", 1 + 50 + 7 + ASSUMED_LENGTH),
        ("{ killmails(first: -7) { nodes { id } } }", 1),
        (get_introspection_query(), INTROSPECTION_COST),
    ],
)
def test_objects_are_counted_as_often_as_they_may_come(query: str, expected: int) -> None:
    assert cost(query) == expected


def test_a_page_asked_for_by_a_variable_costs_what_the_variable_says() -> None:
    assert cost(PAGE % ("$n", "nodes"), n=100) == 1 + 100 * 2
    assert cost(PAGE % ("$n", "nodes"), n=1e2) == 1 + 100 * 2, "it is read as 100"
    assert cost(PAGE % ("$n", "nodes")) == 1 + 20 * 2, "the variable's default"
    assert cost(PAGE % ("$m", "nodes")) == 1 + 50 * 2, "the argument's"
    nonsense: object
    for nonsense in ("7", None, 1.5, [], True, -3):
        assert cost(PAGE % ("$n", "nodes"), n=nonsense) == 1, "it is refused when the arguments are read"


def test_ariadne_s_own_rule_takes_the_variable_for_its_default() -> None:
    """As its documentation shows it: made once, without the request's variables."""
    schema = build_schema("type Query { list(first: Int = 1): [String!]! }")
    rule = cost_validator(maximum_cost=100, cost_map={"Query": {"list": {"complexity": 1, "multipliers": ["first"]}}})
    document = parse("query ($first: Int = 1) { list(first: $first) }")
    assert validate(schema, document, [rule]) == [], "whatever $first is"
    ours = CostPlans(build_schema("type Query { list(first: Int = 1): [Thing!]! } type Thing { id: ID }"))
    plan = ours.of(parse("query ($first: Int = 1) { list(first: $first) { id } }"))[None]
    assert plan.cost({"first": 100_000}) == 100_000


def test_the_named_operation_counts() -> None:
    query = "query A { me { id } } query B { killmails(first: 10) { nodes { id } } }"
    assert (cost(query, "A"), cost(query, "B")) == (1, 11)


def test_a_page_of_a_hundred_killmails_with_everything_is_within_the_limit() -> None:
    everyone = "character { id name } corporation { id name } alliance { id name } faction { id name } ship { id name }"
    everything = f"""{{ killmails(first: 100) {{ nodes {{
      id time value {{ total }} solarSystem {{ name constellation {{ name }} region {{ name }} }}
      victim {{ {everyone} position {{ x }} }} attackers {{ {everyone} weapon {{ name }} }}
      finalBlow {{ {everyone} }} topDamage {{ {everyone} }} relatedKillmail {{ id ship {{ name }} }}
      items {{ type {{ id name }} items {{ type {{ id }} }} }}
    }} }} }}"""
    assert MAX_COST / 20 < cost(everything) < MAX_COST


def test_fragments_that_double_are_added_up_in_no_time() -> None:
    doubling = " ".join(f"fragment F{n} on Killmail {{ ...F{n + 1} ...F{n + 1} }}" for n in range(40))
    query = f"{{ killmail(id: 1) {{ ...F0 }} }} {doubling} fragment F40 on Killmail {{ solarSystem {{ id }} }}"
    started = time.perf_counter()
    assert cost(query) == 1 + 2**40
    assert time.perf_counter() - started < 5, "not 2^40 steps"
