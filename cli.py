"""`killreport …`: what operators type. Definitions and printing only; the work is in `operations/` and `sandbox/up.py`.

Each command says what it did and exits with 0 only if it succeeded. A failure is one sentence on standard
error. A command imports its work when it is called, so that `killreport --help` loads no service's client.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from contracts.task_queues import TASK_QUEUES
from operations.deploy.commands import deploy
from operations.doctor.commands import doctor, rotate_keys
from operations.environment.commands import init
from operations.failure import OperationFailed, without_sandbox
from operations.imports.commands import import_archive, import_legacy, import_zkillboard
from operations.say import as_json, print_json, say
from operations.universe.commands import load_sde, rebuild_sums, refresh_names, revalue
from settings import VERSION, SettingsError, load_settings

COLLECTED_AFTER = (20_000, 20, 100)
"""New objects, and collections of the young and of the older, after which the next are looked through for garbage.
With Python's own, a fifth of the time of a start goes into looking through what was just imported, and a worker walks
too often through the thousands of workflows that it keeps."""


class Commands(click.Group):
    """The group; turns our failures into one sentence and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SettingsError, OperationFailed) as error:
            from observability import redact

            raise click.ClickException(redact(str(error))) from error
        except ModuleNotFoundError as error:
            raise click.ClickException(without_sandbox(error)) from error


reason = click.option("--reason", default="", help="Why you do this; kept in the workflow's history.")
everyone = click.option("--all", "everyone", is_flag=True, help="Every pilot whose workflow is running.")
pilot = click.argument("character_id", type=click.IntRange(min=1), required=False)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="killreport")
@click.option(
    "--env-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Variables, as `killreport init` writes them; those of the environment win.",
)
def main(env_file: Path | None) -> None:
    """KillReport: a killboard for EVE Online, kept up to date by a durable workflow per pilot."""
    if env_file:
        from operations.environment.file import read_variables

        for name, value in read_variables(env_file).items():
            # Set and empty counts as not set, as everywhere.
            os.environ[name] = os.environ.get(name) or value


@main.command()
def up() -> None:
    """Start KillReport and all it needs. Configured services are used, not started; Ctrl-C stops the rest."""
    from sandbox.up import run

    status = run()
    if status:
        raise SystemExit(status)


@main.command()
def api() -> None:
    """Serve the site and GraphQL (HOST, PORT)."""
    from operations.processes import serve_api

    serve_api(load_settings())


@main.command()
@click.option(
    "--queue", "queues", multiple=True, type=click.Choice(TASK_QUEUES), help="Only this one; may be repeated."
)
def worker(queues: tuple[str, ...]) -> None:
    """Run the workflows and activities of all queues."""
    import uvloop

    from operations.processes import work

    uvloop.run(work(load_settings(), queues or TASK_QUEUES))


@main.command()
@as_json
def migrate(as_json: bool) -> None:
    """Migrate the database and prepare Temporal. Registers search attributes and schedules; safe to repeat."""
    from operations.migrate import migrate_everything

    changes = asyncio.run(migrate_everything(load_settings()))
    if as_json:
        print_json({"changes": changes})
    for change in [] if as_json else changes or ["Everything was up to date already."]:
        click.echo(change)


@main.command()
@as_json
def status(as_json: bool) -> None:
    """Show syncs, queues, ESI's budget and the database."""
    from operations.show import status_tables
    from operations.status import installation_status

    found = asyncio.run(installation_status(load_settings()))
    if as_json:
        print_json(found)
    else:
        status_tables(found)


@main.command()
@pilot
@everyone
@click.option("--full", is_flag=True, help="Read every page again, even if EVE says that nothing has changed.")
@click.option("--wait", is_flag=True, help="Wait for the result, with a progress bar.")
@click.option("--timeout", "timeout_seconds", default=900.0, show_default=True, help="Seconds to --wait.")
@reason
@as_json
def sync(
    character_id: int | None,
    everyone: bool,
    full: bool,
    wait: bool,
    timeout_seconds: float,
    reason: str,
    as_json: bool,
) -> None:
    """Look for new killmails now, for one pilot or for all."""
    from operations.sync import FULL, INCREMENTAL

    if not wait:
        asked = "asked for a full resync" if full else "asked for a sync"
        _signal(FULL if full else INCREMENTAL, asked, character_id, everyone, reason, as_json)
        return
    if character_id is None or everyone:
        raise click.UsageError("--wait follows one pilot: give a CHARACTER_ID, without --all.")
    from operations.show import sync_progress
    from operations.sync import sync_and_wait

    with sync_progress(shown=not as_json) as on_progress:
        found = asyncio.run(
            sync_and_wait(
                load_settings(),
                character_id,
                full=full,
                reason=reason,
                timeout_seconds=timeout_seconds,
                on_progress=on_progress,
            )
        )
    if as_json:
        print_json(found)
    else:
        reasons = "".join(f", {count:,} {reason}" for reason, count in sorted(found.failures.items()))
        click.echo(
            f"{found.name}: {found.listed:,} listed = {found.stored:,} stored + {found.pending:,} pending"
            f" + {found.failed:,} failed{reasons}; {found.new:,} new ({found.kind}, {found.seconds:.1f} s)."
        )
    if found.failed:
        raise SystemExit(1)


@main.command()
@pilot
@everyone
@reason
@as_json
def pause(character_id: int | None, everyone: bool, reason: str, as_json: bool) -> None:
    """Pause the sync of one pilot or of all. Nothing is fetched until `resume`."""
    _signal("pause", "paused", character_id, everyone, reason, as_json)


@main.command()
@pilot
@everyone
@reason
@as_json
def resume(character_id: int | None, everyone: bool, reason: str, as_json: bool) -> None:
    """End a pause, for one pilot or for all."""
    _signal("resume", "resumed", character_id, everyone, reason, as_json)


@main.command()
@click.argument("character_id", type=click.IntRange(min=1))
@click.option("--format", "form", type=click.Choice(["csv", "ndjson"]), default="csv", show_default=True)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only killmails of this day (EVE time) or later.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Only killmails before this day.")
@click.option("--after", metavar="CURSOR", help="Continue after the line with this cursor; appends to --output.")
@click.option("--output", type=click.Path(dir_okay=False), help="Write a new file instead of standard output.")
def export(output: str | None, **wanted: Any) -> None:
    """Write a pilot's killmails as CSV or NDJSON. Newest first."""
    from operations.export import Wanted, export_to

    click.echo(f"{asyncio.run(export_to(load_settings(), Wanted(**wanted), output)):,} killmails.", err=True)


@main.command()
@click.argument("names", nargs=-1)
@click.option("--seed", "killmails", type=click.IntRange(min=1_000), default=1_000_000, help="Killmails in the war.")
@click.option("--pilots", type=click.IntRange(min=100), default=20_000, show_default=True, help="Pilots of `rebirth`.")
@click.option("--write", is_flag=True, help="Write what was measured into docs/benchmarks.md; the rest of it stays.")
@click.option("--seconds", type=click.FloatRange(min=10), default=300, show_default=True, help="Time of the long ones.")
@click.option("--beside", type=click.Path(exists=True, file_okay=False), help="Measure NAMES in this checkout too.")
def bench(names: tuple[str, ...], killmails: int, pilots: int, write: bool, seconds: float, beside: str | None) -> None:
    """Measure claims of speed, all or NAMES. Each is compared with a named alternative on this machine."""
    from sandbox.benches.beside import compare
    from sandbox.benches.catalogue import BENCHES, Sizes, run
    from sandbox.benches.page import keep, renew

    if unknown := set(names) - BENCHES.keys():
        raise click.UsageError(f"There is no bench {', '.join(sorted(unknown))}. There are: {', '.join(BENCHES)}.")
    if beside:
        compare(names or tuple(BENCHES), killmails, Path(beside), click.echo)
        renew()
        return
    if missed := run(names, Sizes(killmails, pilots, seconds), click.echo, keep if write else lambda _, __: None):
        raise click.ClickException("; ".join(missed))


@main.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another order of faults.")
@click.option("--faults", type=click.IntRange(min=1), default=300, show_default=True, help="How many.")
@click.option("--minutes", type=float, default=60.0, show_default=True, help="No new fault begins after them.")
@click.option("--pilots", type=click.IntRange(2, 200), default=50, show_default=True, help="Pilots who log in.")
@click.option("--interval", type=click.IntRange(2, 900), default=20, show_default=True, help="SYNC_INTERVAL_SECONDS.")
@click.option("--short", is_flag=True, help="Only kinds that are over soon; how soon is not judged.")
@click.option("--write", type=click.Path(dir_okay=False), help="Write the table to this file too.")
@click.option("--logs", type=click.Path(file_okay=False), help="Keep the logs of all programs here.")
def chaos(short: bool, write: str | None, logs: str | None, **wanted: Any) -> None:
    """Run an installation of its own under every fault there is. Then hold its data against the truth."""
    from sandbox.chaos.campaign import Order, run
    from sandbox.chaos.plan import KINDS, SHORT

    kept = Path(logs) if logs else None
    campaign = run(Order(**wanted, kinds=SHORT if short else KINDS, longest=5 if short else 30, logs=kept), click.echo)
    for line in (*campaign.table(), campaign.summary()):
        click.echo(line)
    if write:
        campaign.write(Path(write))
    if broken := [*campaign.broken, *(f"later than it may be: {kind}" for kind in campaign.late() if not short)]:
        raise click.ClickException("; ".join(broken))


def _signal(signal: str, done: str, character_id: int | None, everyone: bool, reason: str, as_json: bool) -> None:
    from operations.signals import signal_all, signal_one

    if everyone == (character_id is not None):
        raise click.UsageError("Give a CHARACTER_ID, or --all.")
    settings = load_settings()
    if character_id is not None:
        name, found = asyncio.run(signal_one(settings, character_id, signal, reason))
        unanswered = "the order was accepted. No worker answers at the moment: it takes effect when one runs."
        words = f"{done}. {found.message}" if found else unanswered
        say({"character_id": character_id, "status": found}, f"{name}: {words}", as_json)
        return
    batch = asyncio.run(signal_all(settings, signal, reason))
    people = f"{done[0].upper()}{done[1:]}: {batch.signalled:,} pilot{'' if batch.signalled == 1 else 's'}"
    details = f" (temporal batch describe --job-id {batch.job_id})" if batch.job_id else "; no workflow is running"
    failed = f", {batch.failed:,} could not be signalled" if batch.failed else ""
    say(batch, f"{people}{failed}{details}.", as_json)
    if batch.failed:
        raise SystemExit(1)


def entry() -> NoReturn:
    """Run a command and end the process at once, without taking the interpreter down.

    The threads of Temporal's client outlive it, and now and then abort an interpreter that is being torn
    down: a command that succeeded would exit with SIGABRT (temporalio/sdk-python issue 300, open).
    """
    gc.set_threshold(*COLLECTED_AFTER)
    status = 0
    try:
        main(prog_name="killreport")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            click.echo(end.code, err=True)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


for command in (
    deploy,
    doctor,
    rotate_keys,
    init,
    import_archive,
    import_legacy,
    import_zkillboard,
    refresh_names,
    load_sde,
    revalue,
    rebuild_sums,
):
    main.add_command(command)

if __name__ == "__main__":
    entry()
