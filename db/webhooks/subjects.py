"""Whose killmails a webhook or a feed may tell of: what its owner is or directs now, asked again at each use."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from db.killmails.filter import KillmailFilter, Viewer
from db.visibility import DIRECTS


class Subject(StrEnum):
    """Whose killmails."""

    CHARACTER = "character"
    CORPORATION = "corporation"
    INSTALLATION = "installation"


_DIRECTED = f"""
    SELECT d.corporation_id FROM corporation_directors d JOIN users USING (character_id)
     WHERE users.account_id = hook.account_id AND users.token_state = 'valid' AND {DIRECTS}
"""  # noqa: S608 - a constant of `db.visibility`


def holds(operators: str) -> str:
    """SQL: whether a row `hook` (account_id, subject, subject_id) may tell of its subject's killmails.

    Args:
        operators: the placeholder of the operators' character ids.
    """
    return f"""
    CASE hook.subject
    WHEN 'character' THEN EXISTS (
        SELECT FROM users WHERE users.character_id = hook.subject_id AND users.account_id = hook.account_id
           AND users.token_state = 'valid'
    )
    WHEN 'corporation' THEN hook.subject_id IN ({_DIRECTED})
    WHEN 'installation' THEN EXISTS (
        SELECT FROM users WHERE users.account_id = hook.account_id AND users.character_id = ANY ({operators}::bigint[])
           AND users.token_state = 'valid'
    )
    ELSE false END
"""  # noqa: S608 - constants


def of_subject(chosen: KillmailFilter) -> KillmailFilter:
    """The filter for those eyes: all that they see. A corporation's have no characters of an account."""
    return replace(chosen, scope="VISIBLE")


def is_nobodys_side(subject: Subject, chosen: KillmailFilter) -> bool:
    """It asks for kills or losses, and nobody is there whose they could be: it would tell everything."""
    return subject is Subject.INSTALLATION and chosen.side is not None and chosen.named.is_empty


def viewer_of(subject: Subject, subject_id: int) -> Viewer:
    """The eyes with which its killmails are seen."""
    match subject:
        case Subject.CHARACTER:
            return Viewer((subject_id,))
        case Subject.CORPORATION:
            return Viewer((), (subject_id,))
        case Subject.INSTALLATION:
            return Viewer((), sight="ALL")
