"""`sudo`, for commands of the pages on a machine that may have neither it nor the user of our units."""

from __future__ import annotations

import os
import pwd
import re
import shlex
from pathlib import Path

from tests.deploy.units import INSTALLED_IN, unit
from tests.operations.running_up import as_plain_user

[USER] = unit("api")["User"]
OWNED = f"--owner {USER} --group {USER}"
_OURS = re.compile(rf"{INSTALLED_IN}/(?:\.venv/bin/killreport|deploy/[\w-]+\.sh)")


def plain_user() -> pwd.struct_passwd:
    """Who plays the units' user: whoever runs the tests, and nobody instead of root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def owned_here() -> str:
    """`OWNED`, of who plays the units' user."""
    return f"--owner {plain_user().pw_uid} --group {plain_user().pw_gid}"


def write_sudo(directory: Path, **variables: str) -> None:
    """Make the program `sudo` there. As the units' user a command has PATH and these variables, and no others."""
    given = [f"{name}={value}" for name, value in variables.items()]
    as_user = shlex.join(as_plain_user(["/usr/bin/env", "--ignore-environment", "HOME=/nonexistent", *given]))
    directory.mkdir(exist_ok=True)
    program = directory / "sudo"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = -u ] || exec "$@"\n[ "$2" = {USER} ] || exit 1\n'
        f'shift 2\nexec {as_user} PATH="$PATH" "$@"\n'
    )
    program.chmod(0o755)


def not_run_as_our_user(blocks: str) -> list[str]:
    """The commands in these lines of shell that start our program or a script of ours as somebody else."""
    lines = blocks.replace("\\\n", " ").splitlines()
    as_user = re.compile(rf"sudo -u {USER} +(?:env +(?:\w+=\S+ +)+)?(?:bash +)?$")
    return [line for line in lines for ours in _OURS.finditer(line) if not as_user.search(line[: ours.start()])]
