"""How a program that checks what is deployed is run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from settings import Settings


def installed(name: str) -> str:
    """A program that a wheel put beside the interpreter."""
    return str(Path(sys.executable).with_name(name))


def said(*command: str | Path, **variables: str) -> str:
    """What it prints; fails unless its exit status is 0."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, env={"PATH": "/usr/bin:/bin", **variables}, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def variables_of(settings: Settings) -> dict[str, str]:
    """What an operator's file of variables would hold for an installation with these settings."""
    names = (
        *("database_url", "redis_url", "temporal_address", "temporal_namespace"),
        *("eve_client_id", "esi_base_url", "eve_sso_url"),
    )
    keys = ",".join(key.get_secret_value() for key in settings.token_encryption_keys)
    return {name.upper(): str(getattr(settings, name)) for name in names} | {"TOKEN_ENCRYPTION_KEYS": keys}
