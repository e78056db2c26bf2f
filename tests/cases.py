"""The cases beside the project: small inputs that once went wrong, with what is right."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import orjson
import pytest

from sandbox.eve.real_killmails import real_killmail
from sandbox.eve.server import SandboxEve
from tests.paths import SHARED_CASES


def case(name: str) -> list[dict[str, Any]]:
    """The steps of a case; a test that reads one says so where the cases are not."""
    file = SHARED_CASES / f"{name}.json"
    if not file.exists():
        pytest.skip(f"the case {name} is not beside the checkout")
    steps: list[dict[str, Any]] = json.loads(re.sub(r"HASH\((\w+)\)", lambda n: hash_of(n[1]), file.read_text()))[
        "steps"
    ]
    return steps


def bug(steps: list[dict[str, Any]], kind: str) -> Any:
    """How EVE misbehaves in the case: the first step that says so."""
    return next(step["bug"][kind] for step in steps if kind in step.get("bug", {}))


def hash_of(what: str) -> str:
    """The hash that a case means by `HASH(…)`."""
    return hashlib.sha1(what.encode(), usedforsecurity=False).hexdigest()


def add(eve: SandboxEve, step: dict[str, Any], zkillboard_hash: str | None = None) -> int:
    """Let EVE have the killmail of an `add` step; its id."""
    added = step["add"]
    body = added["killmail"]
    killmail = real_killmail(added["hash"], body, orjson.dumps(body))
    killmail.listed_hash, killmail.zkillboard_hash = added.get("listed"), zkillboard_hash
    eve.world.take_in(killmail, body)
    return int(body["killmail_id"])


def asked(steps: list[dict[str, Any]], what: str) -> list[Any]:
    """What the case does in its steps of this name, in order."""
    return [step[what] for step in steps if what in step]
