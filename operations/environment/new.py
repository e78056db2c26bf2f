"""The questions of `killreport init`, what is a good answer, and the variables that follow from the answers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from cryptography.fernet import Fernet

from db.address import BadDatabaseUrl, database_address
from eve.sso.scopes import CORPORATION_SCOPES, FITTINGS_SCOPE, KILLMAIL_SCOPE
from operations.environment.file import readable_alike
from redis_client import BadRedisUrl, open_redis
from settings import Settings, SettingsError, settings_from

LOOPBACK = ("localhost", "127.0.0.1", "::1")
SCOPES = (KILLMAIL_SCOPE, *sorted(CORPORATION_SCOPES), FITTINGS_SCOPE)
"""What to tick when the application is registered with EVE; pilots need only the first, the last saves fittings."""
COMPOSE_PASSWORD = "POSTGRES_PASSWORD"  # noqa: S105 - the variable's name
"""Read by deploy/compose.yaml, not by us."""
_COMPLETE = {
    "DATABASE_URL": "postgresql://localhost/killreport",
    "REDIS_URL": "redis://localhost:6379/0",
    "EVE_CLIENT_ID": "an-application",
    "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
}
"""Beside it, one answer can be checked alone."""


@dataclass(frozen=True, slots=True)
class Question:
    """One variable to ask for. `default` None: there must be an answer."""

    variable: str
    words: str
    default: str | None = None
    is_of_services: bool = False
    """Compose knows the answer."""


SITE = Question("PUBLIC_URL", "Address of the site, such as https://killreport.example.org")
CLIENT_SECRET = Question("EVE_CLIENT_SECRET", "Its secret (not shown; empty for a public client)", "")
DATABASE = Question("DATABASE_URL", "Postgres", "postgresql:///killreport?host=/run/postgresql", is_of_services=True)
QUESTIONS = (
    SITE,
    Question("EVE_CLIENT_ID", "Client id of the application registered with EVE"),
    CLIENT_SECRET,
    Question("CONTACT", "Your e-mail address or a URL of yours, for ESI's operators"),
    DATABASE,
    Question("REDIS_URL", "Redis or Valkey", "redis://127.0.0.1:6379/0", is_of_services=True),
    Question("TEMPORAL_ADDRESS", "Temporal, as host:port", "127.0.0.1:7233", is_of_services=True),
)


def questions(*, compose: bool) -> tuple[Question, ...]:
    """Those that are to be answered."""
    return tuple(question for question in QUESTIONS if not (compose and question.is_of_services))


def accepted(question: Question, answer: str) -> str:
    """The answer as it is to be written.

    Raises:
        SettingsError: it cannot be used; one sentence that names the variable and quotes nothing secret.
    """
    answer = answer.strip()
    if question is SITE and answer and "://" not in answer:
        answer = f"https://{answer}"
    if not answer:
        if question.default is None:
            raise SettingsError(f"{question.variable} is needed: {question.words}.")
        return answer
    if not readable_alike(answer):
        raise SettingsError(
            f"{question.variable} cannot be used: it has a space, a quote, $, # or \\."
            " In a URL they are written %20, %27, %24, %23 and %5C."
        )
    settings = settings_from({**_COMPLETE, question.variable: answer})
    _look_closer(question, answer)
    if question is SITE:
        return _site(settings)
    return answer


def with_password(database_url: str, password: str) -> str:
    """The address with this password in it."""
    parts = urlsplit(database_url)
    user, _, hosts = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{hosts}"))


def wants_password(database_url: str) -> bool:
    """Whether it names a user on another machine, and no password."""
    parts = urlsplit(database_url)
    return bool(parts.username and parts.hostname and parts.password is None)


def new_variables(answers: Mapping[str, str], before: Mapping[str, str], *, compose: bool) -> dict[str, str]:
    """What to write: the answers, new keys, and what was set `before`, keys included, where nothing replaces it."""
    made = {"TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(), "METRICS_TOKEN": secrets.token_hex(32)}
    if compose:
        made[COMPOSE_PASSWORD] = secrets.token_hex(24)
    values = {**made, **before, **answers}
    known = [name.upper() for name in Settings.model_fields]
    order = {name: position for position, name in enumerate([COMPOSE_PASSWORD, *known])}
    named = sorted(values, key=lambda name: order.get(name, len(order)))
    return {name: values[name] for name in named if values[name]}


def _look_closer(question: Question, answer: str) -> None:
    """What settings.py leaves to those who connect."""
    try:
        if question is DATABASE:
            database_address(answer)
        elif question.variable == "REDIS_URL":
            open_redis(answer)
    except (BadDatabaseUrl, BadRedisUrl) as error:
        raise SettingsError(f"{question.variable} {error}.") from None


def _site(settings: Settings) -> str:
    parts = urlsplit(settings.site_url)
    if not parts.hostname or parts.path or parts.query or parts.fragment or parts.username:
        raise SettingsError(
            "PUBLIC_URL cannot be used: it is a scheme and a host, such as https://killreport.example.org."
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise SettingsError(
            "PUBLIC_URL cannot be used: it must begin with https://, as session cookies travel over it."
        )
    return settings.site_url
