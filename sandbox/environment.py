"""The variables `killreport up` runs its parts with: the operator's own, and what it chose where they said nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.fernet import Fernet

from sandbox.process import PartFailed, free_port
from settings import Settings, settings_from

HIDDEN = frozenset({"EVE_CLIENT_SECRET"})
"""Not written for other terminals: none of their commands needs it."""


@dataclass
class Environment:
    """`given` wins over `chosen`; an empty variable counts as not given, as it does for `load_settings`."""

    directory: Path
    given: Mapping[str, str]
    chosen: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_this_process(cls, directory: Path) -> Environment:
        """What the operator set, and `directory` to keep ours in."""
        return cls(directory, {name: value for name, value in os.environ.items() if value})

    def __getitem__(self, name: str) -> str:
        return self.given.get(name) or self.chosen[name]

    def is_given(self, name: str) -> bool:
        return name in self.given

    def choose(self, name: str, value: str) -> None:
        """Use `value` unless the operator said otherwise."""
        if name not in self.given:
            self.chosen[name] = value

    def settings(self, **pending: str) -> Settings:
        """The settings these variables make; `pending` stands in for what is not started yet.

        Raises:
            SettingsError: a variable is malformed.
        """
        return settings_from({**pending, **self.chosen, **self.given})

    @property
    def file(self) -> Path:
        """What `settings.running_environment` reads in a second terminal."""
        return self.directory / "environment"

    def publish(self) -> None:
        """Let `killreport status` in a second terminal find what runs here."""
        variables = {name.upper() for name in Settings.model_fields} - HIDDEN
        values = {name: value for name, value in {**self.chosen, **self.given}.items() if name in variables}
        values["KILLREPORT_UP_PID"] = str(os.getpid())
        self.file.unlink(missing_ok=True)
        with open(os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.writelines(f"{name}={value}\n" for name, value in sorted(values.items()) if "\n" not in value)

    def withdraw(self) -> None:
        """Undo `publish`."""
        self.file.unlink(missing_ok=True)


def token_encryption_key(directory: Path) -> str:
    """The key that encrypts tokens here; made once, and kept: without it every pilot must log in again."""
    file = directory / "token-encryption-keys"
    if not file.exists():
        made = directory / "token-encryption-keys.new"
        made.unlink(missing_ok=True)
        with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(Fernet.generate_key().decode())
        made.rename(file)  # there whole or not at all, even if we are killed here
    return file.read_text().strip()


def site_port(environment: Environment) -> tuple[int, str]:
    """The port of the site, and what to tell the operator when it is not the usual one.

    Raises:
        PartFailed: the operator's own PORT is taken.
    """
    settings = environment.settings(**PENDING)
    port = free_port(settings.host, settings.port)
    if port == settings.port:
        return port, ""
    if environment.is_given("PORT"):
        raise PartFailed(
            f"PORT {settings.port} on {settings.host} is taken: stop what listens there, or set PORT to another."
        )
    return port, f"Port {settings.port} is taken, so the site is on {port}."


PENDING = {
    "DATABASE_URL": "postgresql://pending",
    "REDIS_URL": "redis://pending",
    "EVE_CLIENT_ID": "pending",
    "TOKEN_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
}
"""Stand-ins for what `up` provides itself, so that the operator's variables are checked before anything starts."""
