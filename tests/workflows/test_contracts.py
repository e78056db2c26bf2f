"""A bare signal must never wedge a workflow, and an old history must stay readable."""

from __future__ import annotations

import dataclasses
import inspect
import typing

import pytest
from temporalio.workflow._definition import _Definition

from contracts import sync as contracts
from workflows.user_sync import UserSync

HANDLERS = _Definition.must_from_class(UserSync)
SENT_BY_HAND = [
    *(signal.fn for signal in HANDLERS.signals.values()),
    *(query.fn for query in HANDLERS.queries.values()),
    *(update.fn for update in HANDLERS.updates.values()),
]
REQUIRED = {
    # What cannot have a default: a start without it is refused by the client's signature.
    contracts.UserSyncState: {"character_id"},
    contracts.EnsureAccessToken: {"character_id"},
    contracts.DiscoverKillmails: {"character_id"},
    contracts.AccessTokenReady: {"valid_until"},
    contracts.FetchKillmails: {"killmail_ids"},
    contracts.FinishRun: {"run_id", "character_id"},
    contracts.RecordSyncState: {"character_id", "state"},
}
DATACLASSES = [thing for thing in vars(contracts).values() if dataclasses.is_dataclass(thing)]


@pytest.mark.parametrize("handler", SENT_BY_HAND, ids=lambda handler: handler.__name__)
def test_every_parameter_of_a_handler_has_a_default(handler: typing.Callable[..., object]) -> None:
    _, *parameters = inspect.signature(handler).parameters.values()
    assert all(parameter.default is None for parameter in parameters)


@pytest.mark.parametrize("thing", DATACLASSES, ids=lambda thing: thing.__name__)
def test_every_field_has_a_default(thing: type) -> None:
    without = {
        field.name
        for field in dataclasses.fields(thing)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    assert without == REQUIRED.get(thing, set())


def test_the_handlers_are_those_that_are_documented() -> None:
    assert set(HANDLERS.signals) == {
        *("force_full_resync", "sync_now", "pause", "resume"),
        *("token_granted", "use_current_version"),
    }
    assert set(HANDLERS.queries) == {"status"}
    assert set(HANDLERS.updates) == {"sync_now_and_wait"}


def test_no_field_could_carry_a_token_or_a_hash() -> None:
    names = {field.name for thing in DATACLASSES for field in dataclasses.fields(thing)}
    assert not {name for name in names if "hash" in name or name.endswith("_token") or "body" in name}
