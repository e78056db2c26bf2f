"""The lock files say one thing, name no address and install what they are for."""

from __future__ import annotations

import json
import re
import tomllib

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
