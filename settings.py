"""One Settings object: every environment variable, its default and what it is for.

Values come from the environment, then from `.killreport/environment` (written by a running
`killreport up`, so that `killreport status` in a second terminal finds its services), then from the
defaults here. A missing or malformed one raises `SettingsError` with one sentence that names it.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

STATE_DIRECTORY = Path(".killreport")
"""Where an embedded installation keeps its data; relative to the project's root."""


def _version() -> str:
    try:
        # A checkout: its own word, whatever was installed of an earlier one.
        project = Path(__file__).with_name("pyproject.toml").read_text(encoding="utf-8")
    except FileNotFoundError:
        return metadata.version("killreport")
    version: str = tomllib.loads(project)["project"]["version"]
    return version


VERSION = _version()
"""Of this program. It is written in `pyproject.toml` alone."""


_MAIL_SCHEMES = frozenset({"smtp", "smtp+starttls", "smtps"})


class SettingsError(Exception):
    """The environment cannot be used. The message is one sentence for the operator."""


def _base_url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must be a URL that begins with http:// or https://")
    return value.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_base_url)]
BaseUrlOrOff = Annotated[str, AfterValidator(lambda value: "" if value in ("", "off") else _base_url(value))]
"""Empty: switched off. In the environment an empty variable is an unset one, so there the word `off` says it."""


def _host_and_port(value: str) -> str:
    if not re.fullmatch(r"[^\s/@]+:\d{1,5}", value):
        raise ValueError("must be host:port, without http://")
    return value


HostAndPort = Annotated[str, AfterValidator(_host_and_port)]


class Settings(BaseModel):
    """What an installation is configured with. Field names are the variables' names in lower case."""

    model_config = ConfigDict(frozen=True)

    # Backing services.
    database_url: str = Field(description="Postgres, as postgresql://user:password@host:port/database")
    redis_url: str = Field(description="Redis or Valkey, as redis://[:password@]host:port/0")
    temporal_address: HostAndPort = Field("localhost:7233", description="Temporal front end, as host:port")
    temporal_namespace: str = Field("default", description="Temporal namespace")
    temporal_retention_days: int = Field(
        3,
        ge=1,
        le=365,
        description="how long Temporal keeps a workflow that has ended; a namespace that keeps it longer is left so",
    )
    temporal_payloads: str = Field(
        "plain",
        pattern="^(plain|encrypted|decrypting)$",
        description="plain; encrypted: with keys made of TOKEN_ENCRYPTION_KEYS; decrypting: written plain, but those"
        " that were encrypted are read, on the way from one to the other",
    )
    worker_versioning: bool = Field(
        False, description="true: workers take work only of the version they are, as `killreport deploy` directs it"
    )
    build_id: str = Field(
        "",
        pattern=r"^[A-Za-z0-9_.+-]{0,128}$",  # with \w, every start would take 50 ms more
        description="the worker's version; empty: the version of the program",
    )
    temporal_ui_url: str = Field("", description="Temporal's UI, for the links operators get; empty: no links")

    # EVE Online.
    eve_client_id: str = Field(description="client id of the application registered with EVE's developers site")
    eve_client_secret: SecretStr = Field(
        SecretStr(""), description="its secret; empty for a public client, which uses PKCE alone"
    )
    eve_callback_url: str = Field("", description="callback registered for it; empty: PUBLIC_URL/auth/callback")
    esi_base_url: BaseUrl = Field("https://esi.evetech.net", description="ESI")
    esi_egress: str = Field(
        "",
        pattern="^[a-z0-9-]{0,32}$",
        description="name of the address from which this process reaches ESI; ESI's budgets are counted by it"
        " (docs/regions.md)",
    )
    esi_local_address: str = Field(
        "", description="address of this machine to reach EVE's services from; empty: as the system chooses"
    )
    eve_sso_url: BaseUrl = Field("https://login.eveonline.com", description="EVE SSO")
    zkillboard_url: BaseUrl = Field("https://zkillboard.com", description="zKillboard, for the one-time import")
    zkillboard_interval_seconds: float = Field(
        1.0,
        ge=0.01,
        le=60,
        description="from one request to zKillboard to the next, all workers together; less than 1 is not polite",
    )
    archive_url: BaseUrlOrOff = Field(
        "https://data.everef.net/killmails",
        description="EVE Ref's archive of all public killmails, by day; `off`: none is asked",
    )
    zkillboard_live: bool = Field(
        False,
        description="follow zKillboard's stream of new killmails, so that those of pilots and followed corporations are"
        " here within a minute, with all assists",
    )
    zkillboard_stream_url: BaseUrl = Field(
        "https://r2z2.zkillboard.com", description="zKillboard's stream, for ZKILLBOARD_LIVE"
    )
    market_history_url: BaseUrlOrOff = Field(
        "https://data.everef.net/market-history",
        description="EVE Ref's archive of what each market traded, by day, for killmails older than our own prices;"
        " `off`, or ARCHIVE_URL being off: none is asked",
    )
    static_data_url: BaseUrlOrOff = Field(
        "https://developers.eveonline.com/static-data/tranquility",
        description="where CCP publishes the static data export; `off`: only `killreport load-sde` loads one",
    )
    eve_images_url: BaseUrl = Field("https://images.evetech.net", description="EVE's image server")
    contact: str = Field("", description="an e-mail address or URL of the operator; goes into the User-Agent")

    # This installation.
    public_url: BaseUrl | None = Field(None, description="where browsers reach the site; default http://HOST:PORT")
    host: str = Field("127.0.0.1", description="address the API listens on")
    port: int = Field(4000, ge=1, le=65535, description="port the API listens on")
    token_encryption_keys: tuple[SecretStr, ...] = Field(
        description="Fernet keys separated by commas, newest first: the newest encrypts, all decrypt. If they are lost,"
        " every pilot must log in again; keep them apart from the database's backups"
    )
    admin_character_ids: frozenset[int] = Field(
        frozenset(), description="character ids of the operators, separated by commas"
    )
    sync_interval_seconds: int = Field(
        900, ge=1, description="from one look at ESI to the next; ESI caches a list for 300 s"
    )
    idle_pilots: bool = Field(
        False,
        description="true: pilots without a new killmail for a week, a month or a quarter get a look only every hour,"
        " six hours or day, where that is rarer than SYNC_INTERVAL_SECONDS",
    )
    runs_kept_days: int = Field(90, ge=1, description="how long the accounts of sync runs are kept")
    login_events_kept_days: int = Field(180, ge=1, description="how long it is kept who logged in or failed to")
    characters_at_once: int = Field(10, ge=1, le=40, description="lookups of characters' details under way together")
    corporations_at_once: int = Field(5, ge=1, le=40, description="lookups of corporations' tickers under way together")
    alliances_at_once: int = Field(3, ge=1, le=40, description="lookups of alliances' tickers under way together")
    types_at_once: int = Field(10, ge=1, le=40, description="lookups of types and places under way together")
    sso_calls_at_once: int = Field(
        5,
        ge=1,
        le=50,
        description="calls of EVE SSO under way together, of the whole installation: more than five have been seen to"
        " fail; five carry about 36,000 pilots at 15 minutes, each more another 7,000",
    )
    workers: int = Field(
        0,
        ge=0,
        le=16,
        description="worker processes of `killreport up`; 0: one, and one more for every four cores, up to four",
    )
    sync_activities_per_second: float = Field(
        0, ge=0, description="most activities of the task queue sync, all workers together; 0: as many as there are"
    )
    killmails_activities_per_second: float = Field(0, ge=0, description="the same of the queue killmails")
    enrichment_activities_per_second: float = Field(0, ge=0, description="the same of the queue enrichment")
    details_activities_per_second: float = Field(0, ge=0, description="the same of the queue details")
    backfill_activities_per_second: float = Field(0, ge=0, description="the same of the queue backfill")
    public_board: bool = Field(
        False, description="true: everybody sees every killmail here, logged in or not, as on a classic killboard"
    )
    webhook_private_targets: bool = Field(
        False, description="true: webhooks may go to addresses of this network, and over http; for trying them out"
    )
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="mail server for digests: smtps://user:password@host, smtp+starttls:// or smtp://; empty: no mail",
    )
    smtp_from: str = Field("", description="sender of mail; empty: killreport@ and the host of PUBLIC_URL")
    graphql_introspection: bool = Field(True, description="false: the API does not tell its schema")
    graphql_explorer: bool = Field(True, description="false: no page to try queries on at /graphql")
    graphql_requests_per_minute: int = Field(
        600, ge=1, description="GraphQL operations and pages of an account or an API key"
    )
    graphql_cost_per_minute: int = Field(600_000, ge=1, description="what these may cost together")
    graphql_anonymous_requests_per_minute: int = Field(120, ge=1, description="the same of an address not logged in")
    graphql_anonymous_cost_per_minute: int = Field(100_000, ge=1, description="what those may cost together")
    forwarded_allow_ips: str = Field(
        "127.0.0.1", description="addresses of reverse proxies whose X-Forwarded-For is believed, separated by commas"
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="least level logged")
    log_format: str = Field("text", pattern="^(text|json)$", description="text for people, json for machines")
    metrics_port: int = Field(
        0, ge=0, le=65535, description="port for the worker's metrics, liveness and readiness, on HOST; 0: none"
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="bearer token that opens /metrics from elsewhere; empty: from this machine only"
    )

    sentry_dsn: SecretStr = Field(
        SecretStr(""), description="where errors are reported, as Sentry and GlitchTip give it; empty: nowhere"
    )

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr) -> SecretStr:
        url = value.get_secret_value()
        try:
            parts = urlsplit(url)
            usable = not url or (parts.scheme in _MAIL_SCHEMES and bool(parts.hostname) and parts.port != 0)
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("must be smtps://host, smtp+starttls://host or smtp://host")
        if parts.password and parts.scheme == "smtp":
            raise ValueError("must be smtps:// or smtp+starttls://, for it holds a password")
        return value

    @field_validator("token_encryption_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        keys = [key.strip() for key in value.split(",") if key.strip()] if isinstance(value, str) else value
        if isinstance(keys, list):
            if not keys:
                raise ValueError("holds no key; make one with `killreport doctor --new-key`")
            for position, key in enumerate(keys, start=1):
                try:
                    Fernet(key)
                except ValueError as error:
                    raise ValueError(
                        f"key {position} is not a Fernet key (32 bytes, base64); make one with"
                        " `killreport doctor --new-key`"
                    ) from error
        return keys

    @field_validator("esi_local_address")
    @classmethod
    def _check_address(cls, value: str) -> str:
        if value:
            try:
                ipaddress.ip_address(value)
            except ValueError:
                # Not with the value: what stands here by mistake may be a secret.
                raise ValueError("it is no IP address") from None
        return value

    @field_validator("admin_character_ids", mode="before")
    @classmethod
    def _split_ids(cls, value: object) -> object:
        return [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @property
    def market_archive_url(self) -> str:
        """Where market history is asked for; "": nowhere."""
        return self.market_history_url if self.archive_url else ""

    @property
    def site_url(self) -> str:
        """Where browsers reach the site, without a trailing slash."""
        return self.public_url or f"http://{self.host}:{self.port}"

    @property
    def callback_url(self) -> str:
        """The `redirect_uri` of the login; must equal the one registered with EVE."""
        return self.eve_callback_url or f"{self.site_url}/auth/callback"

    @property
    def user_agent(self) -> str:
        """Who we are, as ESI's best practices ask (docs/services/esi/best-practices)."""
        return f"KillReport/{VERSION} ({self.contact})" if self.contact else f"KillReport/{VERSION}"


def load_settings() -> Settings:
    """Settings from the environment and a running `killreport up` of this directory.

    Raises:
        SettingsError: a variable is missing or malformed; names the first such one.
    """
    return settings_from({**running_environment(), **{name: value for name, value in os.environ.items() if value}})


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Settings from these variables alone.

    Raises:
        SettingsError: a variable is missing or malformed; names the first such one.
    """
    values = {name.lower(): value for name, value in environment.items()}
    try:
        return Settings.model_validate({name: value for name, value in values.items() if name in Settings.model_fields})
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


def running_environment(directory: Path = STATE_DIRECTORY) -> dict[str, str]:
    """The variables of the `killreport up` running from `directory`'s parent; empty without one that we may see."""
    try:
        lines = (directory / "environment").read_text().splitlines()
    except (FileNotFoundError, PermissionError):  # `sudo -u` leaves a command in a directory that may be root's alone
        return {}
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    pid = values.pop("KILLREPORT_UP_PID", "")
    return values if pid.isdigit() and Path(f"/proc/{pid}").exists() else {}


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_input=False)[0]
    name = str(first["loc"][0])
    variable = name.upper()
    what = Settings.model_fields[name].description
    if first["type"] == "missing":
        return f"{variable} is not set: it is {what}."
    reason = str(first["msg"]).removeprefix("Value error, ")
    return f"{variable} cannot be used: {reason}. It is {what}."
