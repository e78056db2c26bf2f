"""`killreport init` writes what the other commands start with, and nothing that it should not."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from click.testing import CliRunner, Result

import cli
from operations.environment.file import read_variables
from settings import settings_from
from tests.paths import ROOT

SECRET = "eat_a-client-secret"
ANSWERS = ("--public-url", "killreport.example.org", "--eve-client-id", "an-application", "--contact", "me@example.org")


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}


def killreport(*words: str, env: dict[str, str], stdin: str = "") -> Result:
    with patch.dict(os.environ, env, clear=True):
        done = CliRunner().invoke(cli.main, words, input=stdin)
    assert SECRET not in done.output
    return done


def sentence(*words: str, env: dict[str, str], stdin: str = "") -> str:
    done = killreport(*words, env=env, stdin=stdin)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    return done.stderr.strip().removeprefix("Error: ")


def test_options_and_standard_input_answer_everything(env: dict[str, str], tmp_path: Path) -> None:
    written = killreport("init", *ANSWERS, "--eve-client-secret-file", "-", env=env, stdin=f"{SECRET}\n")
    assert written.exit_code == 0, written.stderr
    assert "https://killreport.example.org/auth/callback" in written.stdout
    assert "esi-killmails.read_killmails.v1" in written.stdout
    file = tmp_path / "killreport.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["killreport.env"]
    first = read_variables(file)
    settings = settings_from(first)
    assert settings.eve_client_secret.get_secret_value() == SECRET
    assert settings.site_url == "https://killreport.example.org"
    assert settings.temporal_address == "127.0.0.1:7233"
    (key,) = settings.token_encryption_keys
    assert key.get_secret_value() not in written.stdout
    assert len(settings.metrics_token.get_secret_value()) == 64

    assert sentence("init", *ANSWERS, env=env).startswith("killreport.env exists already: name another with --output")
    assert read_variables(file) == first

    with file.open("a") as lines:
        lines.write("ADMIN_CHARACTER_IDS=90000001\n")
    changed = killreport("init", *ANSWERS, "--force", "--redis-url", "rediss://cache:6380/0", env=env)
    assert changed.exit_code == 0, changed.stderr
    assert read_variables(file) == {
        **first,
        "ADMIN_CHARACTER_IDS": "90000001",
        "REDIS_URL": "rediss://cache:6380/0",
    }, "what was not asked for stays, and every pilot's token can still be read"

    other = killreport("init", *ANSWERS, "--output", "other.env", "--compose", env={**env, "EVE_CLIENT_SECRET": SECRET})
    assert other.exit_code == 0, other.stderr
    for_compose = read_variables(tmp_path / "other.env")
    assert for_compose["EVE_CLIENT_SECRET"] == SECRET
    assert len(for_compose["POSTGRES_PASSWORD"]) == 48
    assert "DATABASE_URL" not in for_compose
    assert for_compose["TOKEN_ENCRYPTION_KEYS"] != first["TOKEN_ENCRYPTION_KEYS"]


def test_an_answer_that_cannot_be_used_writes_nothing(env: dict[str, str], tmp_path: Path) -> None:
    wrong = {
        "--public-url": ("http://killreport.example.org", "PUBLIC_URL cannot be used: it must begin with https://"),
        "--eve-client-id": ("two words", "EVE_CLIENT_ID cannot be used: it has a space"),
        "--contact": (" ", "CONTACT is needed: Your e-mail address"),
        "--database-url": ("mysql://killreport", "DATABASE_URL does not begin with postgresql://"),
        "--redis-url": ("localhost", "REDIS_URL is not redis://"),
        "--temporal-address": ("http://temporal:7233", "TEMPORAL_ADDRESS cannot be used: must be host:port"),
    }
    for option, (answer, said) in wrong.items():
        assert sentence("init", *ANSWERS, option, answer, env=env).startswith(said)
    assert sentence("init", "--yes", env=env).startswith("PUBLIC_URL is needed: ")
    assert list(tmp_path.iterdir()) == []


def test_in_a_terminal_it_asks_again_until_an_answer_is_good(env: dict[str, str], tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "init"], cwd=tmp_path, env=env, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    seen = ""

    def answer(question: str, words: str) -> None:
        nonlocal seen
        shown = ""
        while not shown.endswith(": ") or question not in shown:
            shown += os.read(ours, 4096).decode()
        seen += shown
        os.write(ours, f"{words}\n".encode())

    answer("Address of the site", "http://killreport.example.org")
    answer("must begin with https://", "killreport.example.org")
    answer("Client id", "an-application")
    answer("Its secret", SECRET)
    answer("Your e-mail address", "me@example.org")
    answer("Postgres [postgresql:///killreport?host=/run/postgresql]", "postgresql://pilot@db.example.org/killreport")
    answer("Its password", "p@ss word")
    answer("Redis or Valkey [redis://127.0.0.1:6379/0]", "")
    answer("Temporal, as host:port [127.0.0.1:7233]", "temporal.example.org:7233")
    assert process.wait(30) == 0
    seen += os.read(ours, 65_536).decode()
    assert "Wrote killreport.env" in seen
    assert SECRET not in seen
    assert "p@ss" not in seen
    values = read_variables(tmp_path / "killreport.env")
    assert values["EVE_CLIENT_SECRET"] == SECRET
    assert values["DATABASE_URL"] == "postgresql://pilot:p%40ss%20word@db.example.org/killreport"
    assert values["TEMPORAL_ADDRESS"] == "temporal.example.org:7233"


def test_every_command_takes_the_file(env: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "given.env"
    file.write_text("# ours\n\nREDIS_URL=redis://127.0.0.1:6379/0\nDATABASE_URL=postgresql://127.0.0.1:1/killreport\n")
    assert sentence("--env-file", "given.env", "status", env=env).startswith("EVE_CLIENT_ID is not set")
    named = sentence("--env-file", "given.env", "status", env={**env, "REDIS_URL": "", "DATABASE_URL": "mysql://"})
    assert named.startswith("EVE_CLIENT_ID is not set")
    file.write_text('CONTACT="me"\n')
    assert sentence("--env-file", "given.env", "status", env=env).endswith(
        "line 1 has quotes; values stand there without."
    )
    assert (
        sentence("--env-file", "none.env", "status", env=env) == "none.env cannot be read: No such file or directory."
    )
