"""Logs: one format for every library, and nothing secret in them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

from observability import REQUEST_ID, JsonFormatter, TextFormatter, configure_logging, redact
from settings import settings_from

JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IkpXVC1TaWduYXR1cmUtS2V5In0.eyJzdWIiOiJDSEFSQUNURVI6RVZFOjEifQ.c2lnbmF0dXJl"
HASH = "0123456789abcdef0123456789abcdef01234567"
CIPHERTEXT = Fernet(Fernet.generate_key()).encrypt(b"a refresh token").decode()


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        (f"token {JWT}", JWT),
        (f"Authorization: Bearer {JWT}", JWT),
        ("{'Authorization': 'Bearer opaque-access-token'}", "opaque-access-token"),
        ("authorization: basic YW4tYXBwbGljYXRpb246c2VjcmV0", "YW4tYXBwbGljYXRpb246c2VjcmV0"),
        ("grant_type=refresh_token&refresh_token=Zm9vYmFy%2Bx==", "Zm9vYmFy"),
        ('{"refresh_token": "Zm9vYmFy", "expires_in": 1199}', "Zm9vYmFy"),
        ("{'access_token': b'opaque', 'refresh_token': 'Zm9vYmFy'}", "Zm9vYmFy"),
        ("client_secret=hunter2 code_verifier=abcdef", "hunter2"),
        ("GET /auth/callback?code=abc-DEF&state=xyz HTTP/1.1", "abc-DEF"),
        ("GET /auth/callback?code=abc-DEF&state=xyz HTTP/1.1", "xyz"),
        (f"https://esi.example/killmails/1/{HASH}", HASH),
        (f"KillmailRef(killmail_hash='{HASH.upper()}')", HASH.upper()),
        ("postgresql://pilot:hunter2@db.example:5432/killreport", "hunter2"),
        ("redis://:hunter2@127.0.0.1/0", "hunter2"),
        ("secret whsec_c2VjcmV0c2VjcmV0", "c2VjcmV0c2VjcmV0"),
        ("POST https://discord.com/api/webhooks/123/Zm9v-YmFy", "Zm9v-YmFy"),
        pytest.param(f"stored {CIPHERTEXT}", CIPHERTEXT, id="a ciphertext"),
    ],
)
def test_a_secret_does_not_get_through(line: str, secret: str) -> None:
    assert secret not in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "The state is ok; code 200",
        "Postgres at db.example:5432 (DATABASE_URL) cannot be used",
        "postgresql://user:password@host:port/database",  # how a message explains what such a URL is
        "user-sync-90000001 stored 50 of 150 killmails",
        "http://127.0.0.1:4000/auth/callback",
        "0123456789abcdef0123456789abcdef0123456789abcdef",  # a SHA-256 prefix is not a killmail's hash
    ],
)
def test_what_is_not_secret_stays(line: str) -> None:
    assert redact(line) == line


@given(st.text(alphabet="0123456789abcdef", min_size=40, max_size=40), st.text(max_size=30), st.text(max_size=30))
def test_no_hash_gets_through_wherever_it_stands(killmail_hash: str, before: str, after: str) -> None:
    assert killmail_hash not in redact(f"{before} {killmail_hash}/{after}")


@pytest.fixture
def root_logging() -> Iterator[None]:
    """Put back what `configure_logging` changes."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def logged(monkeypatch: pytest.MonkeyPatch, log_format: str) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr("sys.stderr", written)
    needed = {"database_url": "x", "redis_url": "x", "eve_client_id": "x"}
    keys = {"token_encryption_keys": Fernet.generate_key().decode()}
    configure_logging(settings_from({**needed, **keys, "log_format": log_format}))
    return written


@pytest.mark.usefixtures("root_logging")
def test_every_library_logs_one_json_object_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    written = logged(monkeypatch, "json")
    logging.getLogger("aiohttp.client").warning("retrying %s", f"/killmails/1/{HASH}")
    try:
        raise ValueError(f"bad token {JWT}")
    except ValueError:
        logging.getLogger("temporalio.activity").exception("failed")
    first, second = [json.loads(line) for line in written.getvalue().splitlines()]
    assert first == {
        "time": first["time"],
        "level": "WARNING",
        "logger": "aiohttp.client",
        "message": "retrying /killmails/1/[hash]",
    }
    assert first["time"].endswith("Z")
    assert "ValueError: bad token [token]" in second["exception"]


@activity.defn
async def tell() -> None:
    logging.getLogger("db.intake").warning("told by a library")
    activity.logger.warning("told by the activity")


@workflow.defn(sandboxed=False)
class Tells:
    @workflow.run
    async def run(self) -> None:
        workflow.logger.warning("told by the workflow")
        await workflow.execute_activity(tell, start_to_close_timeout=timedelta(seconds=10))


@pytest.mark.usefixtures("root_logging")
async def test_a_line_says_whose_work_it_is_in_fields(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    written = logged(monkeypatch, "json")
    async with Worker(client, task_queue="tells", workflows=[Tells], activities=[tell]):
        handle = await client.start_workflow(Tells.run, id="tells-1", task_queue="tells")
        await handle.result()
    lines = {line["message"]: line for line in map(json.loads, written.getvalue().splitlines())}
    run = {"workflow_id": "tells-1", "run_id": handle.first_execution_run_id}
    for message in ("told by the workflow", "told by a library", "told by the activity"):
        line = lines[message]
        assert {name: line[name] for name in run} == run
    assert (lines["told by a library"]["activity"], lines["told by a library"]["attempt"]) == ("tell", 1)


@pytest.mark.usefixtures("root_logging")
def test_a_person_reads_the_work_at_the_end_of_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    written = logged(monkeypatch, "text")
    token = REQUEST_ID.set("0123456789abcdef")
    try:
        logging.getLogger("api").warning("slow")
    finally:
        REQUEST_ID.reset(token)
    assert written.getvalue().endswith("api: slow [request_id=0123456789abcdef]\n")


def test_times_are_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    record = logging.makeLogRecord({"msg": "x", "name": "x", "levelname": "INFO", "created": 0.0, "msecs": 0.0})
    assert TextFormatter().format(record).startswith("1970-01-01T00:00:00.000Z INFO")
    assert json.loads(JsonFormatter().format(record))["time"] == "1970-01-01T00:00:00.000Z"
