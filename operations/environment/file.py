"""Files of variables, a `NAME=value` a line, as systemd, Compose, kustomize and `killreport --env-file` read alike."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from operations.failure import OperationFailed

HEAD = "# Written by `killreport init`. docs/environment.md lists every variable; `killreport doctor` checks them.\n"
PRIVATE = 0o600


def readable_alike(value: str) -> bool:
    """Whether every reader takes it as it stands: some of them know quotes, escapes, comments and `$NAME`."""
    return not re.search(r"[\s\"'`\\$#\x00-\x1f\x7f]", value)


def read_variables(file: Path) -> dict[str, str]:
    """What the file sets; comments and empty lines are passed over.

    Raises:
        OperationFailed: it cannot be read, or has a line of another kind.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = os.strerror(error.errno or 0) if isinstance(error, OSError) else "it is not text"
        raise OperationFailed(f"{file} cannot be read: {why}.") from error
    said = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.strip().partition("=")
        if not equals or not re.fullmatch(r"\w+", name):
            raise OperationFailed(f"{file} cannot be used: line {number} is not NAME=value.")
        if value[:1] in ("'", '"'):
            raise OperationFailed(f"{file} cannot be used: line {number} has quotes; values stand there without.")
        said[name] = value
    return said


def write_variables(file: Path, values: Mapping[str, str], *, replace: bool) -> None:
    """Write the file whole or not at all; only its owner can read it.

    Raises:
        OperationFailed: it is there already and not to be replaced, or cannot be written.
    """
    made = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w", encoding="utf-8") as out:
            out.write(HEAD)
            out.writelines(f"{name}={value}\n" for name, value in values.items())
        if replace:
            made.replace(file)
        else:
            file.hardlink_to(made)  # fails if somebody made it meanwhile
    except FileExistsError:
        raise OperationFailed(exists_already(file)) from None
    except OSError as error:
        raise OperationFailed(f"{file} cannot be written: {os.strerror(error.errno or 0)}.") from error
    finally:
        made.unlink(missing_ok=True)


def exists_already(file: Path) -> str:
    """Why nothing was written, and what to do."""
    return (
        f"{file} exists already: name another with --output, or change its answers with --force, which keeps its keys."
    )
