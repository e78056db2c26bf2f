"""`make release` in a clone: what it refuses, and the tag it makes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from settings import VERSION
from tests.paths import ROOT

SECTION = f"## [{VERSION}] - 2026-12-24"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    made = tmp_path / "a clone"
    subprocess.run(["git", "clone", "-q", "--no-tags", str(ROOT), str(made)], check=True)
    for name in ("name", "email"):
        git(made, "config", f"user.{name}", "releaser@killreport.invalid")
    (made / ".venv").symlink_to(sys.prefix)
    (made / ".git" / "info" / "exclude").write_text(".venv\n")
    return made


def git(clone: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=clone, check=True, capture_output=True, text=True).stdout.strip()


def release(clone: Path) -> subprocess.CompletedProcess[str]:
    # -o: all that developing needs is installed by whoever runs the tests.
    command = ["make", "-o", ".venv/.ready-to-develop", "release"]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)


def test_a_release_is_dated_committed_and_made_once(clone: Path) -> None:
    changelog = clone / "CHANGELOG.md"
    changelog.write_text(re.sub(rf"^## \[{re.escape(VERSION)}\] .*$", "", changelog.read_text(), flags=re.MULTILINE))
    git(clone, "commit", "-q", "--allow-empty", "-am", "Not released yet")
    undated = release(clone)
    assert undated.returncode != 0
    assert f'no section "## [{VERSION}] - YYYY-MM-DD"' in undated.stdout

    changelog.write_text(changelog.read_text().replace("## [Unreleased]", f"## [Unreleased]\n\n{SECTION}"))
    uncommitted = release(clone)
    assert uncommitted.returncode != 0
    assert "CHANGELOG.md" in uncommitted.stdout
    assert git(clone, "tag") == ""

    git(clone, "commit", "-qam", "Release")
    program = Path(sys.executable).with_name("killreport")
    installed_before = program.read_bytes()
    released = release(clone)
    assert program.read_bytes() == installed_before, "what was installed to develop stays"
    assert released.returncode == 0, released.stdout + released.stderr
    assert git(clone, "describe") == f"v{VERSION}"
    assert {path.name for path in (clone / "dist").iterdir()} >= {
        f"killreport-{VERSION}-py3-none-any.whl",
        f"killreport-{VERSION}.tar.gz",
        f"killreport-{VERSION}.cdx.json",
    }
    assert "already exists" in release(clone).stdout
