"""What a session is called in the list its owner sees: the browser's family and system, and no more of it.

A User-Agent is long, half of it untrue, and more than we need to know of a visitor.
"""

from __future__ import annotations

# The first that matches; later browsers name the earlier ones for compatibility (MDN, "Browser detection").
_FAMILIES = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def client_name(user_agent: str) -> str:
    """Such as "Firefox on Linux"; "An unknown browser" for what says nothing we know."""
    family = next((name for mark, name in _FAMILIES if mark in user_agent), "An unknown browser")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    return family if system is None else f"{family} on {system}"
