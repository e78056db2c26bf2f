"""The rules of the house that a reviewer would otherwise have to remember; import-linter keeps the others."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

ROOMS: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
GROUND = ("settings", "exposition", "live", "long_lived", "observability", "redis_client")
FLOOR_BELOW = {
    "settings": set[str](),
    "redis_client": set[str](),
    "long_lived": set[str](),
    "live": {"redis_client", "settings"},
    "observability": {"settings"},
    "exposition": {"long_lived", "settings"},
    "worker_main": {*ROOMS, *GROUND} - {"api", "operations", "sandbox"},
    "cli": {*ROOMS, *GROUND, "worker_main"},
}
"""What a room that is one file may import: import-linter knows packages only."""


def files_of(room: str) -> Iterator[Path]:
    if (ROOT / f"{room}.py").exists():
        yield ROOT / f"{room}.py"
    yield from (path for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts)


@pytest.mark.parametrize("room", FLOOR_BELOW)
def test_a_room_of_one_file_imports_only_what_lies_below(room: str) -> None:
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse((ROOT / f"{room}.py").read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert imported & {*ROOMS, *FLOOR_BELOW, "tests"} <= FLOOR_BELOW[room]


WRONG = (
    ("activities/bodies.py", "operations.show", "Imports between rooms point down"),
    ("workflows/cycle.py", "settings", "Workflows import contracts alone, of our rooms"),
    ("contracts/pacing.py", "orjson", "Contracts need the standard library and temporalio only"),
    ("db/values/prices.py", "db.accounts.vault", "The wings of db point down"),
    ("eve/errors.py", "eve.esi.client", "The wings of eve point down"),
    ("api/pages.py", "api.site.charts", "The rooms of api point down"),
    ("api/errors.py", "jose", "One module speaks to python-jose"),
)
"""A file, what it must not import, and the contract that forbids it."""


def test_lint_finds_imports_that_point_up(tmp_path: Path) -> None:
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, module, _ in WRONG:
        with (tmp_path / file).open("a") as lines:
            lines.write(f"\n\ndef put_here() -> None:\n    import {module}\n")

    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    linted = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert linted.returncode != 0
    for file, module, contract in WRONG:
        assert f"\n{contract} BROKEN" in linted.stdout
        assert f"{file.removesuffix('.py').replace('/', '.')} -> {module}" in linted.stdout


def test_no_file_is_two_rooms() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for room in [*ROOMS, *FLOOR_BELOW, "tests"]
        for path in files_of(room)
        if (lines := len(path.read_text().splitlines())) > 350
    }
    assert not long


@pytest.mark.parametrize("document", ["lessons", "security"])
def test_what_is_said_to_be_tested_is(document: str) -> None:
    text = (ROOT / f"docs/{document}.md").read_text()
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", text)
    missing = [f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / "tests" / path).read_text()]
    assert len(named) > 20
    assert not missing
