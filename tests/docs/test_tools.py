"""The files that other tools read: hosted CI, pre-commit, Renovate, editors, the licence."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from typing import Any

import yaml

from tests.paths import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()


def test_hosted_ci_runs_what_ci_runs_and_may_do_little() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert {"push", "pull_request"} <= set(workflow[True])  # YAML reads the key `on` as a boolean
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert ".ci/run" in [step.get("run") for step in steps]
    assert all(job["timeout-minutes"] <= 60 and "permissions" not in job for job in workflow["jobs"].values())
    assert all(re.fullmatch(r"[\w./-]+@v\d+(\.\d+)*", step["uses"]) for step in steps if "uses" in step)
    commands = "\n".join(step.get("run", "") for step in steps)
    assert re.search(r"pipx run pip-audit==[\d.]+ ", commands)
    assert re.search(r"pipx run --spec detect-secrets==[\d.]+ ", commands)
    assert "${{" not in commands, "nothing that a pull request may choose is put into a shell"


def test_pre_commit_checks_with_the_locked_versions_what_make_lint_checks() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert {repository["repo"] for repository in config["repos"]} == {"local"}
    checked = [hook["entry"].replace(" --force-exclude", "") for hook in hooks]
    lint = re.findall(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[0]
    linted = [line.replace("\t$(BIN)", ".venv/bin") for line in lint.splitlines()]
    assert checked == [re.sub(r"(ruff \w+)( --check)? \.$", r"\1", command) for command in linted]


def test_renovate_finds_the_command_at_the_head_of_each_lock() -> None:
    renovate = json.loads((ROOT / "renovate.json").read_text())
    patterns = [pattern.strip("/") for pattern in renovate["pip-compile"]["managerFilePatterns"]]
    locks = [*ROOT.glob("requirements*.lock"), *ROOT.glob("deploy/*.lock")]
    found = [lock for lock in locks if any(re.search(pattern, str(lock.relative_to(ROOT))) for pattern in patterns)]
    assert found == locks, "Renovate knows each of them"
    assert len(locks) == 3
    for lock in found:
        command = lock.read_text().splitlines()[1].removeprefix("#").split()
        assert command[:3] == ["uv", "pip", "compile"]
        assert command[-1] == "pyproject.toml"
        assert f"--output-file={lock.relative_to(ROOT)}" in command
        assert "--generate-hashes" in command
    (custom,) = renovate["customManagers"]
    assert re.findall(custom["matchStrings"][0].replace("?<", "?P<"), (ROOT / ".github/workflows/ci.yml").read_text())


def test_editors_use_the_line_length_of_the_linter() -> None:
    editors = configparser.ConfigParser()
    editors.read_string("[DEFAULT]\n" + (ROOT / ".editorconfig").read_text())
    assert editors["*"].getint("max_line_length") == PROJECT["tool"]["ruff"]["line-length"]
    assert editors["Makefile"]["indent_style"] == "tab"


def test_the_licence_is_the_one_that_the_package_names() -> None:
    assert PROJECT["project"]["license"] == "MIT"
    assert [(ROOT / name).read_text()[:3] for name in PROJECT["project"]["license-files"]] == ["MIT"]
