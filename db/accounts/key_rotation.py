"""Every stored ciphertext under the newest key, while API and workers go on writing.

A ciphertext is replaced only where it is still the one that was read: whoever renews a grant meanwhile wins. Nothing
else of the row changes, `token_version` neither, so that a refresh under way can still save what it brings. It may
stop at any line; the next run passes over what is done.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from db.accounts.vault import TokenVault, VaultError

BATCH = 500
PASSES = 5
"""How often all is gone through again for what was moved or renewed meanwhile."""


@dataclass(frozen=True, slots=True)
class Ciphertexts:
    """A column of them, the column that its rows are told apart by, and what operators call what is in it."""

    table: str
    key: str
    column: str
    what: str

    @property
    def first_page(self) -> str:
        """The lowest keys' rows."""
        return (
            f"SELECT {self.key}, {self.column} FROM {self.table} WHERE {self.column} IS NOT NULL"  # noqa: S608 - our names
            f" ORDER BY {self.key} LIMIT $1"
        )

    @property
    def next_page(self) -> str:
        """The rows behind the key $2."""
        return (
            f"SELECT {self.key}, {self.column} FROM {self.table} WHERE {self.column} IS NOT NULL"  # noqa: S608
            f" AND {self.key} > $2 ORDER BY {self.key} LIMIT $1"
        )

    @property
    def replace(self) -> str:
        """The ciphertext $2 of the row $1 becomes $3; nothing, if it is another by now."""
        return f"UPDATE {self.table} SET {self.column} = $3 WHERE {self.key} = $1 AND {self.column} = $2"  # noqa: S608

    async def pages(self, pool: asyncpg.Pool) -> AsyncIterator[list[asyncpg.Record]]:
        """All of them, `BATCH` rows at a time: the key of a row, and its ciphertext."""
        page = await pool.fetch(self.first_page, BATCH)
        while page:
            yield page
            page = await pool.fetch(self.next_page, BATCH, page[-1][0])


# A character that leaves takes its grant from `users` to `departures`: so in this order, none is missed on the way.
ALL = (
    Ciphertexts("login_attempts", "state_hash", "code_verifier", "logins under way"),
    Ciphertexts("users", "character_id", "access_token", "access tokens"),
    Ciphertexts("users", "character_id", "refresh_token", "permissions of pilots"),
    Ciphertexts("departures", "departure_id", "refresh_token", "permissions to give back"),
    Ciphertexts("webhooks", "webhook_id", "target", "addresses of webhooks"),
    Ciphertexts("webhooks", "webhook_id", "secret", "secrets of webhooks"),
)


@dataclass(slots=True)
class Rotation:
    """What was done. `older`: readable, and not under the newest key yet; `unreadable`: under none of the keys."""

    ciphertexts: int = 0
    rotated: int = 0
    older: int = 0
    unreadable: int = 0


@dataclass(slots=True)
class Survey:
    """Under which keys it all is. `older`: readable, and not under the newest one; `unreadable`: by what they hold."""

    ciphertexts: int = 0
    older: int = 0
    unreadable: dict[str, int] = field(default_factory=dict)


async def survey(pool: asyncpg.Pool, vault: TokenVault) -> Survey:
    """Try the keys on everything stored, and change nothing."""
    found = Survey()
    for held in ALL:
        async for page in held.pages(pool):
            for _, ciphertext in page:
                found.ciphertexts += 1
                if vault.is_newest(ciphertext):
                    continue
                try:
                    vault.decrypt(ciphertext)
                except VaultError:
                    found.unreadable[held.what] = found.unreadable.get(held.what, 0) + 1
                else:
                    found.older += 1
    return found


async def count_ciphertexts(pool: asyncpg.Pool) -> int:
    """How many there are."""
    total = 0
    for held in ALL:
        total += await pool.fetchval(f"SELECT count({held.column}) FROM {held.table}")  # noqa: S608 - our own names
    return total


async def rotate(pool: asyncpg.Pool, vault: TokenVault, on_progress: Callable[[int], None]) -> Rotation:
    """Encrypt everything with the newest key; what is under it already stays as it is.

    Args:
        on_progress: called after each batch with how many ciphertexts of this pass have been read.
    """
    done = Rotation()
    for _ in range(PASSES):
        rotated, done.ciphertexts, done.older, done.unreadable = 0, 0, 0, 0
        for held in ALL:
            async for page in held.pages(pool):
                rotated += await _rotate_batch(pool, vault, held, page, done)
                on_progress(done.ciphertexts)
        done.rotated += rotated
        if not rotated and not done.older:
            break
    return done


async def _rotate_batch(
    pool: asyncpg.Pool, vault: TokenVault, held: Ciphertexts, page: list[Any], done: Rotation
) -> int:
    """How many of the page are under the newest key now and were not."""
    rotated = 0
    for key, ciphertext in page:
        done.ciphertexts += 1
        if vault.is_newest(ciphertext):
            continue
        try:
            renewed = vault.rotate(ciphertext)
        except VaultError:
            done.unreadable += 1
            continue
        if await pool.execute(held.replace, key, ciphertext, renewed) == "UPDATE 1":
            rotated += 1
        else:
            done.older += 1  # renewed meanwhile, or gone: the next pass tells
    return rotated
