"""Every variable of the environment with any text: it is taken, or one sentence names it and quotes no secret."""

from __future__ import annotations

import contextlib
from urllib.parse import urlencode

import asyncpg
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from db.address import BadDatabaseUrl, database_address
from db.pool import open_pool
from redis_client import BadRedisUrl, open_redis
from settings import Settings, SettingsError, settings_from
from tests.fuzz.doors import door
from tests.fuzz.odd_json import ODD_TEXTS

SECRET = "hunter2hunter2"
GOOD = {
    "DATABASE_URL": "postgresql://killreport:hunter2hunter2@localhost:5432/killreport?sslmode=prefer&connect_timeout=5",
    "REDIS_URL": "redis://:hunter2hunter2@localhost:6379/0?socket_timeout=5",
    "EVE_CLIENT_ID": "client",
    "EVE_CLIENT_SECRET": SECRET,
    "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "PUBLIC_URL": "https://killreport.example",
    "ESI_BASE_URL": "https://esi.evetech.net",
    "TEMPORAL_ADDRESS": "localhost:7233",
    "ADMIN_CHARACTER_IDS": "90000001, 90000002",
}
PARTS = (
    "://",
    "@",
    ":",
    "/",
    "?",
    "#",
    "&",
    "=",
    "%",
    "[",
    "]",
    ",",
    " ",
    "\0",
    "\n",
    "é",
    "%00",
    "%zz",
    "99999999",
    "[::1",
    SECRET,
)
URLS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(
        ["postgresql", "postgres", "redis", "rediss", "unix", "http", "https", "javascript", "postgresql+asyncpg", ""]
    ),
    st.sampled_from(["", f"u:{SECRET}@", f"u:{SECRET}/@", f"u:%{SECRET}@", f":{SECRET}@", f"u:{SECRET}@@"]),
    st.sampled_from(
        ["h", "h:1", "h:x", "[::1]", "[::1", "h:99999", "a:1,b:2", "", "é", "h:-1", "xn--", "a" * 300, "%2Frun"]
    ),
    st.one_of(
        st.sampled_from(["", "/d", "/0", "/-1", "/x", "?", "?x", "?db=x", "?ssl_ca_certs=/nowhere", "?sslmode=x"]),
        st.text(max_size=15),
    ),
)


@st.composite
def texts(draw: st.DrawFn, good: str) -> str:
    """A good value with something in it, a URL, or any text."""
    place = draw(st.integers(0, len(good)))
    part = draw(st.one_of(st.sampled_from(PARTS), st.text(max_size=6)))
    shortened = good[draw(st.integers(place, len(good))) :] if draw(st.booleans()) else good[place:]
    short = [text for text in ODD_TEXTS if len(text) < 9_000]
    return draw(
        st.one_of(
            st.just(good[:place] + part + shortened), URLS, st.sampled_from(short), st.text(), st.integers().map(str)
        )
    )


VARIABLES = st.sampled_from(sorted(name.upper() for name in Settings.model_fields))


@door("variables of the environment", short=250)
@given(VARIABLES.flatmap(lambda name: st.tuples(st.just(name), texts(GOOD.get(name, "5")))))
def test_any_text_is_a_setting_or_is_named(drawn: tuple[str, str]) -> None:
    name, text = drawn
    try:
        settings = settings_from({**GOOD, name: text})
    except SettingsError as error:
        assert_one_sentence(str(error), name)
        return
    assert SECRET not in repr(settings.eve_client_secret)
    settings.site_url, settings.callback_url, settings.user_agent  # noqa: B018 - they can be made
    assert all(isinstance(key, SecretStr) for key in settings.token_encryption_keys)


def assert_one_sentence(said: str, name: str) -> None:
    assert said.startswith(f"{name} ")
    assert said.isprintable()
    assert SECRET not in said
    assert len(said) < 500


@door("DATABASE_URL", short=200)
@given(st.one_of(texts(GOOD["DATABASE_URL"]), URLS))
def test_any_text_is_an_address_of_postgres_or_is_refused(text: str) -> None:
    try:
        address = database_address(text)
    except BadDatabaseUrl as error:
        assert_one_sentence(f"DATABASE_URL {error}", "DATABASE_URL")
        return
    assert SECRET not in address.place or f"@{SECRET}" in text or SECRET in text.rpartition("@")[2]


@door("REDIS_URL", short=200)
@given(st.one_of(texts(GOOD["REDIS_URL"]), URLS))
def test_any_text_is_an_address_of_redis_or_is_refused(text: str) -> None:
    try:
        open_redis(text)
    except BadRedisUrl as error:
        assert_one_sentence(f"REDIS_URL {error}", "REDIS_URL")


PARAMETERS = (
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl", "ssl_min_protocol_version", "passfile"),
    *(
        "host",
        "port",
        "user",
        "password",
        "dbname",
        "database",
        "options",
        "service",
        "target_session_attrs",
        "krbsrvname",
    ),
    *(
        "connect_timeout",
        "command_timeout",
        "application_name",
        "channel_binding",
        "pgbouncer",
        "gsslib",
        "loop",
        "timeout",
    ),
    *("statement_cache_size", "server_settings", "direct_tls", "record_class", "search_path", "sslnegotiation"),
)
PORT = 1  # where nobody listens


@door("parameters of DATABASE_URL, up to the connection", short=60)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from(PARAMETERS), st.text(min_size=1, max_size=8)),
            st.one_of(
                st.sampled_from(
                    ["", "0", "-1", "x", "require", "verify-full", "any", "127.0.0.1", "1,2", "a\0b", "/", "TLSv1.2"]
                ),
                st.text(max_size=8),
            ),
        ),
        max_size=4,
    )
)
async def test_no_parameter_is_a_traceback(parameters: list[tuple[str, str]]) -> None:
    elsewhere = [
        (name, value) for name, value in parameters if name not in ("host", "port") or value in ("127.0.0.1", "x")
    ]
    query = urlencode(elsewhere, errors="replace")
    with contextlib.suppress(BadDatabaseUrl, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await open_pool(f"postgresql://u:{SECRET}@127.0.0.1:{PORT}/d?{query}")
