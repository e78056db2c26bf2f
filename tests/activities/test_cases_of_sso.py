"""The cases beside the project in which SSO said something that was taken for something else."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest

from activities.errors import application_error
from contracts.sync import FailureType
from eve.errors import EveError, NotAsked, SsoRefused, UntrustedAccessToken
from sandbox.eve.server import SandboxEve
from tests.activities.refreshing import TOKEN, Worker
from tests.cases import bug, case
from tests.workflows.waiting import eventually

GOOD = ({"alg": "ES256"}, {"drop": ["azp"]})


def odd_tokens(eve: SandboxEve, pilot: int, odd: dict[str, Any]) -> None:
    eve.odd_tokens(pilot, odd.get("alg", "RS256"), odd.get("kid", ""), tuple(odd.get("drop", ())))


async def test_tokens_that_are_eves_by_its_documentation_log_in(one: Worker, eve: SandboxEve) -> None:
    for odd in bug(case("es256"), "jwt").values():
        odd_tokens(eve, one.pilot, odd)
        if odd in GOOD:
            await one.log_in()
        else:
            with pytest.raises(UntrustedAccessToken):
                await one.log_in()


async def test_what_was_renewed_is_kept_when_a_later_step_fails(one: Worker, eve: SandboxEve) -> None:
    steps = case("refresh_answered_token_not_verified")
    for odd in bug(steps, "jwt").values():
        odd_tokens(eve, one.pilot, {})
        await one.log_in()
        odd_tokens(eve, one.pilot, odd)
        (fault,) = bug(steps, "addrules")
        eve.add_fault("status", route=fault["re"].split()[1], status=fault["status"], count=fault["times"])
        for _ in range(3):
            try:
                await one.ensure()
            except EveError as error:
                told = application_error(error, datetime.now(UTC))
                once_a_look = isinstance(error, UntrustedAccessToken)
                assert (told.type, told.non_retryable) == (FailureType.UNAVAILABLE, once_a_look)
        user = await one.user()
        assert (user["token_state"], user["sync_state"]) == ("valid", "starting")
        eve.remove_faults()
        odd_tokens(eve, one.pilot, {})

        async def ensured() -> bool:
            with contextlib.suppress(NotAsked):  # of the keys' server, a moment after it failed
                return bool(await one.ensure())
            return False

        await eventually(ensured)


async def test_a_bad_hour_of_sso_is_nobodys_mistake(one: Worker, eve: SandboxEve) -> None:
    status, body = bug(case("refresh_refused_otherwise"), "token")
    await one.log_in()
    eve.add_fault("status", route=TOKEN, status=status, body=body, count=1)
    with pytest.raises(SsoRefused) as raised:
        await one.ensure()
    told = application_error(raised.value, datetime.now(UTC))
    assert (told.type, told.non_retryable) == (FailureType.UNAVAILABLE, False), "no operator is sent to look"
    await one.ensure()
