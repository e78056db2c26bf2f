"""The rules of the house that a reviewer would otherwise have to remember (docs/decisions)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

# Who may import whom: imports point down only.
ALLOWED = {
    "settings": set[str](),
    "contracts": set[str](),
    "observability": {"settings"},
    "eve": {"settings", "contracts"},
    "live": {"settings"},
    "temporal": {"settings", "contracts"},
    "workflows": {"contracts"},
    "db": {"settings", "contracts", "eve", "live"},
    "activities": {"settings", "observability", "contracts", "eve", "db", "live", "temporal"},
    "api": {"settings", "observability", "contracts", "eve", "db", "live", "temporal"},
    "worker_main": {
        "settings",
        "observability",
        "contracts",
        "eve",
        "db",
        "live",
        "temporal",
        "workflows",
        "activities",
    },
    "operations": {"settings", "observability", "contracts", "eve", "db", "live", "temporal", "worker_main", "api"},
    "sandbox": {"settings", "observability", "operations", "db", "live", "temporal", "contracts"},
}


def files_of(room: str) -> Iterator[Path]:
    if (ROOT / f"{room}.py").exists():
        yield ROOT / f"{room}.py"
    yield from (path for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts)


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ([f"workflows.{a.name}" for a in node.names] if node.module == "workflows" else [node.module])


@pytest.mark.parametrize("room", sorted(ALLOWED))
def test_imports_point_down_only(room: str) -> None:
    wrong = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in files_of(room)
        for module in imported_modules(path)
        if (top := module.partition(".")[0]) in {*ALLOWED, "cli", "tests"} and top not in ALLOWED[room] | {room}
    }
    assert not wrong


def test_only_one_module_speaks_to_python_jose() -> None:
    importers = {
        str(path.relative_to(ROOT))
        for room in ALLOWED
        for path in files_of(room)
        if room != "sandbox" and any(module.partition(".")[0] == "jose" for module in imported_modules(path))
    }
    assert importers == {"eve/sso/access_token.py"}


def test_no_file_is_two_rooms() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for room in [*ALLOWED, "cli", "tests"]
        for path in files_of(room)
        if (lines := len(path.read_text().splitlines())) > 350
    }
    assert not long


def test_every_lesson_names_tests_that_exist() -> None:
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", (ROOT / "docs/lessons.md").read_text())
    missing = [f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / "tests" / path).read_text()]
    assert len(named) > 20
    assert not missing
