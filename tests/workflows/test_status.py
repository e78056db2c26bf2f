"""One place says what a state means, how long it lasts and what helps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts.corporation_sentences import corporation_sentence
from contracts.import_sentences import ImportStanding, import_sentence
from contracts.imports import ImportAccount, ImportState
from contracts.pacing import IDLE_STEPS, IdleStep, idle_step, next_look, second_look, shown_idle_step
from contracts.plurals import counted, kills_and_losses, with_article
from contracts.sync import FailureType, Progress, SyncAction, SyncState, SyncStatus
from contracts.sync_sentences import ACTIONS, SENTENCES, action_in, details, sentence

NOW = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)


class Dice:
    """The jitter at its least and most."""

    def __init__(self, extreme: float) -> None:
        self.extreme = extreme

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.extreme


@pytest.mark.parametrize("state", SyncState)
def test_every_state_has_a_sentence_and_an_action(state: SyncState) -> None:
    assert SENTENCES[state].endswith(".")
    assert sentence(state, NOW)
    assert isinstance(ACTIONS[state], SyncAction)
    assert action_in(state, token_is_valid=False) == SyncAction.LOG_IN, "nothing else helps without a grant"
    assert str(ACTIONS[state]) in details(SyncStatus(state=state, action=action_in(state)))


def test_waiting_for_eve_offers_no_button_that_does_nothing() -> None:
    for state in (SyncState.RATE_LIMITED, SyncState.DOWNTIME, SyncState.FIRST_SYNC, SyncState.SYNCING):
        assert ACTIONS[state] == SyncAction.WAIT
    assert ACTIONS[SyncState.MISCONFIGURED] == SyncAction.CONTACT_OPERATOR


def test_details_name_whose_sync_it_is() -> None:
    assert "* character 90000010\n" in details(SyncStatus(character_id=90000010, corporation_id=98000001))
    corporation = details(SyncStatus(corporation_id=98000001, cycles=1))
    assert "* corporation 98000001\n" in corporation
    assert "character" not in corporation
    assert corporation.endswith("1 check so far")


@pytest.mark.parametrize("state", SyncState)
@pytest.mark.parametrize("until", [None, NOW])
def test_a_state_is_told_in_one_sentence(state: SyncState, until: datetime | None) -> None:
    for told in (
        sentence(state, until),
        corporation_sentence(state, until),
        sentence(state, until, None, IDLE_STEPS[0]),
    ):
        assert told.endswith(".")
        assert ". " not in told


def test_an_import_that_ended_accounts_for_every_killmail() -> None:
    account = ImportAccount(ImportState.DONE, listed=9, new=1, stored=4, pending=2, failed=3, unusable=1)
    assert import_sentence(ImportStanding(ImportState.DONE, account=account)) == (
        "Imported 1 new killmail (3 already here, 2 still to come from EVE, 3 not available from EVE, 1 without a"
        " usable reference on zKillboard)."
    )
    cut_off = ImportAccount(ImportState.FAILED, FailureType.DOWNTIME, listed=2, new=2, stored=2, cut_off=True)
    assert import_sentence(ImportStanding(ImportState.FAILED, account=cut_off)) == (
        "The import stopped after 2 new killmails (zKillboard shows no more of its list): EVE is in downtime; start it"
        " again to continue."
    )


def test_plurals_are_formed_in_one_place() -> None:
    assert [counted(count, "killmail") for count in (0, 1, 1234)] == ["0 killmails", "1 killmail", "1,234 killmails"]
    assert kills_and_losses(1, 1) == "1 kill and 1 loss"
    assert (kills_and_losses(2, 0), kills_and_losses(0, 2)) == ("2 kills", "2 losses")
    assert [with_article(ship) for ship in ("Rifter", "Epithal", "Eunomia")] == ["a Rifter", "an Epithal", "a Eunomia"]


def test_the_sentence_says_how_far_it_is_and_when_it_goes_on() -> None:
    assert "118 of 1,240" in sentence(SyncState.FIRST_SYNC, None, Progress(118, 1240))
    assert sentence(SyncState.DOWNTIME, NOW).endswith("syncing resumes at 18:30 EVE time.")


@pytest.mark.parametrize(
    ("silence", "words"),
    [
        (6.9, None),
        (7, "every hour"),
        (29.9, "every hour"),
        (30, "every six hours"),
        (91, "once a day"),
        (999, "once a day"),
    ],
)
def test_the_longer_the_silence_the_rarer_the_looks(silence: float, words: str | None) -> None:
    step = idle_step(NOW - timedelta(days=silence), 900, NOW)
    assert (step.words if step else None) == words
    assert idle_step(None, 900, NOW) is None


@pytest.mark.parametrize(
    ("interval", "silence", "words"),
    [
        (3600, 8, None),
        (3600, 40, "every six hours"),
        (7200, 8, None),
        (7200, 40, "every six hours"),
        (90_000, 99, None),
    ],
)
def test_nobody_is_looked_at_more_often_for_being_idle(interval: int, silence: int, words: str | None) -> None:
    step = idle_step(NOW - timedelta(days=silence), interval, NOW)
    assert (step.words if step else None) == words


@pytest.mark.parametrize("extreme", [0, 1])
@pytest.mark.parametrize("step", IDLE_STEPS, ids=lambda step: step.words)
def test_readers_know_the_step_from_the_looks(step: IdleStep, extreme: float) -> None:
    following = next_look(step.every.total_seconds(), NOW, Dice(extreme))  # type: ignore[arg-type]
    assert shown_idle_step(NOW + timedelta(seconds=5), following, 900) == step
    assert step.words in sentence(SyncState.OK, following, None, step)


@pytest.mark.parametrize("extreme", [0, 1])
@pytest.mark.parametrize("interval", [900, 3300, 3600, 7200, 21_600])
def test_the_usual_pace_is_nobodys_idleness(interval: int, extreme: float) -> None:
    usual = next_look(interval, NOW, Dice(extreme))  # type: ignore[arg-type]
    assert shown_idle_step(NOW, usual, interval) is None
    for character_id in range(90_000_000, 90_000_050):
        assert shown_idle_step(NOW, second_look(character_id, interval, NOW), interval) is None
