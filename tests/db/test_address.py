"""What DATABASE_URL may say, and the one sentence on what it may not."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from db.address import BadDatabaseUrl, database_address
from db.migrate import pending_revisions
from db.pool import open_pool

PARAMETERS = ("sslmode", "connect_timeout", "pgbouncer", "port", "host", "channel_binding", "sslrootcert", "options")
HOSTERS = (
    "sslmode=prefer&channel_binding=prefer",
    "connect_timeout=7&application_name=my%20board",
    "keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=5&tcp_user_timeout=30000",
    "target_session_attrs=read-write",
    "target_session_attrs=any&gssencmode=disable&sslcompression=0&client_encoding=utf8",
    "options=-c%20search_path%3Dpublic%20-c%20geqo%3Doff",
    "pgbouncer=true&connection_limit=5",
    "fallback_application_name=elsewhere",
)


@pytest.mark.parametrize("parameters", HOSTERS)
async def test_what_hosters_print_works_for_the_pool_and_for_migrations(database_url: str, parameters: str) -> None:
    url = f"{database_url}?{parameters}"
    async with await open_pool(url) as pool:
        assert await pool.fetchval("SELECT count(*) FROM users") == 0
        if "options" in parameters:
            assert await pool.fetchval("SHOW geqo") == "off"
        if "my%20board" in parameters:
            assert await pool.fetchval("SHOW application_name") == "my board"
    assert await pending_revisions(url.replace("postgresql://", "postgresql+asyncpg://")) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://u:a-secret@h/d", "does not begin with postgresql://"),
        ("postgresql://u:a-secret/more@h/d", "host or port that cannot be read"),
        ("postgresql://u:a-secret@more@h:port/d", "host or port that cannot be read"),
        ("postgresql://u:a-secret@[::1/d", "host cannot be read"),
        ("postgresql://u:a-secret@h:99999/d", "host or port that cannot be read"),
        ("postgresql://u:a-secret@h/d?sslmode", "a parameter without a value"),
        ("postgresql://u:a-secret@h/d?connect_timeout=soon", "connect_timeout that is not a number"),
        ("postgresql://u:a-secret@h/d?requirepeer=postgres", "requirepeer: it cannot be enforced"),
        ("postgresql://u:a-secret@h/d?pgbouncer=maybe", "neither true nor false"),
        ("postgresql://u:a-secret@h/d?sslmode=verify-full&sslrootcert=/no/ca.pem", "as sslrootcert that is not there"),
        ("postgresql://u:a-secret@h/d?sslmode=__dict__", "an sslmode that is none of disable, allow, prefer"),
        ("postgresql://u:a-secret@h/d?sslmode=require&sslrootcert=system", "goes with sslmode=verify-full alone"),
        ("postgresql://u:a-secret@h/d?sslmode=disable&channel_binding=require", "must not be disable"),
    ],
)
def test_what_cannot_be_used_is_named_without_the_password(url: str, said: str) -> None:
    with pytest.raises(BadDatabaseUrl) as refused:
        database_address(url)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


@given(
    st.one_of(
        st.text(),
        st.builds(
            "postgresql://{}:{}@{}/{}?{}={}".format,
            *(st.text(max_size=10) for _ in range(4)),
            st.sampled_from(
                ["sslmode", "connect_timeout", "pgbouncer", "port", "host", "channel_binding", "sslrootcert"]
            ),
            st.text(max_size=10),
        ),
    )
)
@example("postgresql://h/d?sslrootcert=\0")
@example("postgresql://h/d?host=\ud800&options=\udc80")
def test_any_text_is_an_address_or_is_refused(text: str) -> None:
    with contextlib.suppress(BadDatabaseUrl):
        assert database_address(text).place


def test_the_place_names_no_secret() -> None:
    assert database_address("postgresql://u:p%40ss@one:1,two:2/d").place == "one:1,two:2"
    assert database_address("postgres://u:pass@/d?host=/run/postgresql&port=6432").place == "/run/postgresql:6432"
    assert database_address("postgresql:///d").place == "localhost"
