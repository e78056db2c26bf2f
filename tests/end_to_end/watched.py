"""A Prometheus with our rules that watches an installation, and says how long a cause takes to make an alert fire."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from sandbox.process import Part, PartNotReady, RunningPart, free_port
from tests.deploy.watching import DEPLOYED, RULES

PATIENCE_SECONDS = 120
SOONER = {"KillReportBacklogGrows": ("> 300", "> 2")}
"""Numbers of rules that nobody can wait for, and those that stand in for them."""
log = logging.getLogger(__name__)


class Prometheus:
    """With our rules, which fire at once here: without the time that a condition must last, the `for`."""

    def __init__(self, directory: Path, targets: dict[str, str]) -> None:
        self._url = f"http://127.0.0.1:{free_port()}"
        self._directory = directory
        self._targets = targets

    async def start(self) -> RunningPart:
        configuration = yaml.safe_load((DEPLOYED / "prometheus.yaml").read_text())
        configuration["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        for job in configuration["scrape_configs"]:
            job.pop("scrape_timeout", None)
            job["static_configs"] = [{"targets": [self._targets[job["job_name"]]]}]
        rules = yaml.safe_load(RULES.read_text())
        for rule in (rule for group in rules["groups"] for rule in group["rules"]):
            rule.pop("for", None)
            if rule["alert"] in SOONER:
                real, here = SOONER[rule["alert"]]
                assert real in rule["expr"]
                rule["expr"] = rule["expr"].replace(real, here)
        self._directory.mkdir()
        (self._directory / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
        (self._directory / RULES.name).write_text(yaml.safe_dump(rules))
        argv = [
            "prometheus",
            f"--config.file={self._directory}/prometheus.yaml",
            f"--storage.tsdb.path={self._directory}/data",
            f"--web.listen-address={self._url.removeprefix('http://')}",
        ]
        return await RunningPart.start(Part("Prometheus", argv, self._answers, self._directory / "prometheus.log"))

    @asynccontextmanager
    async def hears_of(self, *alerts: str) -> AsyncIterator[None]:
        """None of these fires before what is done within, and all of them do after it."""
        wanted = set(alerts)
        too_early = wanted & await self._firing()
        assert not too_early, f"{sorted(too_early)} fire before their cause"
        began = time.monotonic()
        yield
        done = time.monotonic()
        while wanted:
            fired = wanted & await self._firing()
            for name in sorted(fired):
                log.info("%s fired %.1f s after its cause began", name, time.monotonic() - began)
            wanted -= fired
            assert time.monotonic() - done < PATIENCE_SECONDS, f"{sorted(wanted)} did not fire"
            await asyncio.sleep(0.2)

    async def is_quiet_about(self, *alerts: str) -> None:
        """Wait until none of these fires."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while set(alerts) & await self._firing():  # noqa: ASYNC110 - Prometheus's own state
                await asyncio.sleep(0.2)

    async def _firing(self) -> set[str]:
        async with aiohttp.ClientSession() as session, session.get(f"{self._url}/api/v1/alerts") as answer:
            told: dict[str, Any] = await answer.json()
        return {one["labels"]["alertname"] for one in told["data"]["alerts"] if one["state"] == "firing"}

    async def _answers(self) -> None:
        async with aiohttp.ClientSession() as session, session.get(f"{self._url}/-/ready") as answer:
            if answer.status != 200:
                raise PartNotReady(str(answer.status))
