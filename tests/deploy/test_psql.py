"""deploy/psql.sh, and that nothing we write tells how to put the database's password where everybody reads it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.deploy.program import said
from tests.paths import ROOT

SCRIPT = ROOT / "deploy" / "psql.sh"
ON_A_COMMAND_LINE = re.compile(r"\b(?:psql|pg_dump|pg_restore|createdb)\b.*\$\{?DATABASE_URL")
KINDS = {".md", ".sql", ".sh", ".yaml", ".service", ".py"}


def test_no_page_and_no_script_puts_the_url_on_a_command_line() -> None:
    assert ON_A_COMMAND_LINE.search('psql -c "SELECT 1" "$DATABASE_URL"')
    files = [ROOT / "README.md", *(ROOT / "docs").rglob("*"), *(ROOT / "deploy").rglob("*")]
    read = {path: path.read_text().replace("\\\n", " ") for path in files if path.suffix in KINDS}
    assert SCRIPT in read
    assert [str(path) for path, text in read.items() if ON_A_COMMAND_LINE.search(text)] == []


def test_psql_is_told_the_url_of_a_file_and_the_password_apart(tmp_path: Path) -> None:
    psql = tmp_path / "psql"
    psql.write_text('#!/bin/sh\nprintf "%s\\n" "$@" "password $PGPASSWORD"\n')
    psql.chmod(0o755)
    file = tmp_path / "killreport.env"
    file.write_text("PORT=4000\nDATABASE_URL=postgresql://pilot:a%2Fsecret@localhost/killreport?pgbouncer=true\n")
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    called = ("bash", SCRIPT, "--env-file", file, "-X", "-c", "SELECT 1")
    heard = "-X\n-c\nSELECT 1\npassword "
    assert said(*called, **path) == f"--dbname=postgresql://pilot@localhost/killreport\n{heard}a/secret\n"
    elsewhere = "postgresql:///other?host=/run/postgresql"
    assert said(*called, **path, DATABASE_URL=elsewhere) == f"--dbname={elsewhere}\n{heard}\n", "the environment wins"

    missing = ["bash", str(SCRIPT), "--env-file", str(tmp_path / "nothing")]
    refused = subprocess.run(missing, env=path, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stderr.endswith("/nothing cannot be read: say --env-file FILE, as the user who may read it.\n")
