"""The lock files say one thing, name no address and install what they are for."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest

from tests.paths import ROOT

FILES = {
    "develop": "requirements-dev.lock",
    "run": "requirements.lock",
    "deploy": "deploy/requirements.lock",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pins(file: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / file).read_text(), re.MULTILINE))


def names(wanted: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~ ]", requirement)[0] for requirement in wanted}


LOCKED = {purpose: pins(file) for purpose, file in FILES.items()}
EMBEDDED = names(PROJECT["project"]["optional-dependencies"]["embedded"])
DEVELOPING = names(PROJECT["project"]["optional-dependencies"]["dev"])


@pytest.mark.parametrize("purpose", ["run", "deploy"])
def test_what_is_tested_is_what_is_installed(purpose: str) -> None:
    assert LOCKED[purpose].items() <= LOCKED["develop"].items()


def test_each_file_holds_what_it_is_for_and_no_more() -> None:
    needed = names(PROJECT["project"]["dependencies"])
    assert needed <= LOCKED["deploy"].keys()
    assert needed | EMBEDDED <= LOCKED["run"].keys()
    assert needed | EMBEDDED | DEVELOPING <= LOCKED["develop"].keys()
    assert not EMBEDDED & LOCKED["deploy"].keys()
    needed_by_embedded = {"psutil"}
    assert not DEVELOPING & LOCKED["run"].keys() - needed_by_embedded


def imported() -> Iterator[tuple[str, str]]:
    """Every top-level package that a module of ours imports, anywhere in it, with the module."""
    rooms = [pattern.rstrip("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]
    modules = [*ROOT.glob("*.py"), *(path for room in rooms for path in (ROOT / room).rglob("*.py"))]
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Import):
                yield from ((alias.name.partition(".")[0], str(module)) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0], str(module)


@pytest.mark.parametrize(("purpose", "may_be_missing"), [("run", {"opentelemetry", "sentry_sdk"}), ("deploy", set())])
def test_whatever_is_imported_is_installed(purpose: str, may_be_missing: set[str]) -> None:
    """Developing installs more, among it what lints and types need: `rich` was there, and nowhere else."""
    ours = {path.stem for path in ROOT.iterdir()}
    made_by = packages_distributions()
    found = dict(imported())
    assert {"rich", "temporalio", "asyncpg"} <= found.keys()
    missing = {
        package: module
        for package, module in found.items()
        if package not in ours | may_be_missing | sys.stdlib_module_names
        and not {re.sub(r"[-_.]+", "-", name).lower() for name in made_by.get(package, ())} & LOCKED[purpose].keys()
    }
    assert missing == {}


@pytest.mark.parametrize("file", ["deploy/graphiql", "tests/node", "sandbox/benches/postgraphile"])
def test_every_package_of_node_has_its_hash_and_no_address(file: str) -> None:
    packages = json.loads((ROOT / file / "package-lock.json").read_text())["packages"]
    wanted = json.loads((ROOT / file / "package.json").read_text())["dependencies"]
    assert packages.pop("")["dependencies"] == wanted
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert package.get("integrity", "").startswith("sha512-") or package.get("inBundle"), name


@pytest.mark.parametrize("file", FILES.values())
def test_every_package_has_its_hashes_and_nothing_an_address(file: str) -> None:
    text = (ROOT / file).read_text()
    assert "://" not in text
    for requirement in re.findall(r"^\w.*\n(?:    .*\n)*", text, re.MULTILINE):
        assert re.search(r"\\\n +--hash=sha256:[0-9a-f]{64}", requirement), requirement
