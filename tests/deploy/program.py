"""How a program that checks what is deployed is run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


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
