"""Nouns for people to read: the one place that forms plurals and articles, for sentences, pages and commands."""

from __future__ import annotations

_TAKES_ES = ("s", "x", "ch", "sh")


def plural(noun: str) -> str:
    """Several of it: killmails, losses, batches. Only regular nouns are used here."""
    return f"{noun}es" if noun.endswith(_TAKES_ES) else f"{noun}s"


def counted(count: int, noun: str) -> str:
    """1 killmail, 0 killmails, 1,234 killmails."""
    return f"{count:,} {noun if count == 1 else plural(noun)}"


def with_article(noun: str) -> str:
    """a Rifter, an Epithal, a unit."""
    is_vowel = noun[:1].lower() in "aeiou" and not noun.startswith(("Uni", "Eu"))
    return f"{'an' if is_vowel else 'a'} {noun}"


def kills_and_losses(kills: int, losses: int) -> str:
    """3 kills and 1 loss; what there is none of is left out."""
    parts = [counted(count, noun) for count, noun in ((kills, "kill"), (losses, "loss")) if count]
    return " and ".join(parts) or "nothing"
