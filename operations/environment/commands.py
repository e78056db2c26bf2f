"""The command `killreport init`: definition, asking and printing; `new_environment.py` knows what is a good answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from operations.failure import OperationFailed
from operations.say import as_json, say
from settings import SettingsError, settings_from

if TYPE_CHECKING:
    from operations.environment.new import Question


@click.command("init")
@click.option("--public-url", envvar="PUBLIC_URL", help="Where browsers reach the site.")
@click.option("--eve-client-id", envvar="EVE_CLIENT_ID", help="Of the application registered with EVE.")
@click.option(
    "--eve-client-secret-file",
    type=click.File(),
    help="Its secret, in a file; - is standard input. EVE_CLIENT_SECRET in the environment does as well.",
)
@click.option("--contact", envvar="CONTACT", help="Your e-mail address or a URL of yours.")
@click.option("--database-url", envvar="DATABASE_URL", help="Postgres. One with a password: better in the environment.")
@click.option("--redis-url", envvar="REDIS_URL", help="Redis or Valkey.")
@click.option("--temporal-address", envvar="TEMPORAL_ADDRESS", help="Temporal, as host:port.")
@click.option("--compose", is_flag=True, help="For deploy/compose.yaml, which brings Postgres, Valkey and Temporal.")
@click.option("--yes", "ask_nothing", is_flag=True, help="Ask nothing; the default counts where nothing is given.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("killreport.env"),
    show_default=True,
    help="The file to write.",
)
@click.option("--force", is_flag=True, help="Change a file that exists. What is not asked for stays, keys included.")
@as_json
def init(
    eve_client_secret_file: IO[str] | None,
    compose: bool,
    ask_nothing: bool,
    output: Path,
    force: bool,
    as_json: bool,
    **given: str | None,
) -> None:
    """Write a file of variables with new keys. Asks a few questions, or takes options or variables as answers."""
    from operations.environment.file import exists_already, read_variables, write_variables
    from operations.environment.new import CLIENT_SECRET, new_variables

    exists = output.exists()
    if exists and not force:
        raise OperationFailed(exists_already(output))
    before = read_variables(output) if exists else {}
    answers = {name.upper(): value for name, value in given.items() if value}
    secret = eve_client_secret_file.readline() if eve_client_secret_file else os.environ.get("EVE_CLIENT_SECRET")
    if secret:
        answers[CLIENT_SECRET.variable] = secret
    asking = not (ask_nothing or as_json) and eve_client_secret_file is None and sys.stdin.isatty()
    values = new_variables(_answers(answers, before, compose=compose, asking=asking), before, compose=compose)
    write_variables(output, values, replace=exists)
    _tell(output, values, compose=compose, as_json=as_json)


def _answers(given: Mapping[str, str], before: Mapping[str, str], *, compose: bool, asking: bool) -> dict[str, str]:
    """One answer for each question, checked.

    Raises:
        SettingsError: one of those given cannot be used, or one is missing and nobody can be asked.
    """
    from operations.environment.new import accepted, questions

    found = {}
    for question in questions(compose=compose):
        name = question.variable
        default = before.get(name) or question.default
        if name in given or not asking:
            found[name] = accepted(question, given.get(name) or default or "")
        else:
            found[name] = _ask(question, default)
    return found


def _ask(question: Question, default: str | None) -> str:
    """Ask until there is an answer that can be used; what is secret is not shown."""
    from operations.environment.new import CLIENT_SECRET, DATABASE, accepted, wants_password, with_password

    def checked(answer: str) -> str:
        try:
            return accepted(question, answer)
        except SettingsError as error:
            raise click.UsageError(str(error)) from error

    is_secret = question is CLIENT_SECRET
    # An address from the file before may have a password in it.
    shown = bool(default) and not is_secret and not ("://" in str(default) and "@" in str(default))
    answer: str = click.prompt(
        question.words, default, hide_input=is_secret, show_default=shown, value_proc=checked, err=True
    )
    if question is DATABASE and wants_password(answer):
        password = click.prompt(
            "Its password (not shown; empty: none)", "", hide_input=True, show_default=False, err=True
        )
        return with_password(answer, password) if password else answer
    return answer


def _tell(file: Path, values: Mapping[str, str], *, compose: bool, as_json: bool) -> None:
    from operations.environment.new import SCOPES

    callback = settings_from({"DATABASE_URL": "postgresql:", "REDIS_URL": "redis:", **values}).callback_url
    then = (
        ["docker compose -f deploy/compose.yaml up --build --detach"]
        if compose
        else [f"killreport --env-file {file} {command}" for command in ("migrate", "api", "worker", "doctor")]
    )
    words = f"""\
Wrote {file}; only you can read it. Keep a copy of its TOKEN_ENCRYPTION_KEYS apart from the database's backups.

The application registered with EVE has this callback URL and these scopes (a pilot is asked for the first alone):
  {callback}
  {" ".join(SCOPES)}

Then run:
""" + "\n".join(f"  {command}" for command in then)
    say({"file": str(file), "callback_url": callback, "scopes": SCOPES, "next": then}, words, as_json)
