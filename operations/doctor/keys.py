"""`killreport rotate-keys`: every stored ciphertext under the newest of TOKEN_ENCRYPTION_KEYS, beside what runs."""

from __future__ import annotations

from collections.abc import Callable

from db.accounts.key_rotation import Rotation, count_ciphertexts, rotate
from db.accounts.lost_keys import Forgotten, forget_unreadable
from db.accounts.vault import TokenVault
from operations.connections import database, postgres_failures
from operations.failure import OperationFailed
from settings import Settings

AGAIN = "What was done stays done: run `killreport rotate-keys` again."


async def rotate_keys(settings: Settings, on_progress: Callable[[int, int], None]) -> Rotation:
    """Encrypt everything again that is not under the newest key.

    Args:
        on_progress: called with how many ciphertexts have been read, and of how many.

    Raises:
        OperationFailed: Postgres is away.
    """
    async with database(settings) as pool:
        try:
            with postgres_failures(settings):
                total = await count_ciphertexts(pool)
                return await rotate(pool, TokenVault.from_settings(settings), lambda read: on_progress(read, total))
        except OperationFailed as failed:
            raise OperationFailed(f"{failed} {AGAIN}") from failed


async def forget(settings: Settings) -> Forgotten:
    """Let go of what no key opens; pilots who must log in for it are told so.

    Raises:
        OperationFailed: Postgres is away.
    """
    async with database(settings) as pool:
        with postgres_failures(settings):
            return await forget_unreadable(pool, TokenVault.from_settings(settings))


def told_forgotten(done: Forgotten) -> str:
    """The result."""
    return (
        f"{done.pilots:,} pilots must log in again, because no key opens their permission; {done.others:,} other"
        " secrets without a key were deleted. Their killmails stay."
    )


def told(found: Rotation) -> str:
    """The result, and what to do next."""
    words = f"{found.ciphertexts:,} stored secrets: {found.rotated:,} encrypted again with the newest key"
    if found.older:
        words += (
            f", {found.older:,} still need an older key. A process that does not know the newest key writes them:"
            " restart API and workers with these TOKEN_ENCRYPTION_KEYS, then run this again."
        )
    if found.unreadable:
        words += (
            f"{'' if found.older else '.'} {found.unreadable:,} cannot be decrypted with any of the keys: add the key"
            " they need. If it is lost, `killreport rotate-keys --forget-unreadable` asks their pilots to log in again."
        )
    if not found.older and not found.unreadable:
        words += ", none needs an older key any more. Older keys can be removed."
    return words
