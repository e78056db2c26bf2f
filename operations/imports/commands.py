"""The commands `killreport import-zkillboard`, `import-archive` and `import-legacy`: definition and printing."""

from __future__ import annotations

import asyncio
import re
import sys
from datetime import UTC, datetime, timedelta

import click
from click.core import ParameterSource

from operations.say import as_json, say
from settings import load_settings

AN_ARGUMENT_IS_SEEN = (
    "Everybody on this machine can read the password in this command: rather set LEGACY_DATABASE_URL, or give `-` and"
    " the URL on standard input."
)


@click.command("import-zkillboard")
@click.argument("character_id", type=click.IntRange(min=1))
@click.option("--estimate", "estimate_only", is_flag=True, help="Only show how much there is and how long it takes.")
@click.option("--cancel", "cancelled", is_flag=True, help="Stop the running import; what it has stored stays.")
@click.option("--timeout", "timeout_seconds", default=86400.0, show_default=True, help="Seconds to wait.")
@as_json
def import_zkillboard(
    character_id: int, estimate_only: bool, cancelled: bool, timeout_seconds: float, as_json: bool
) -> None:
    """Import a pilot's whole history from zKillboard. Ctrl-C only stops the waiting."""
    from operations.imports import zkillboard
    from operations.show import sync_progress

    if estimate_only and cancelled:
        raise click.UsageError("--estimate and --cancel cannot be combined.")
    settings = load_settings()
    if cancelled:
        name = asyncio.run(zkillboard.cancel(settings, character_id))
        say({"character_id": character_id, "cancelled": True}, f"{name}: the import is being cancelled.", as_json)
        return
    if estimate_only:
        estimate = asyncio.run(zkillboard.estimate_import(settings, character_id, timeout_seconds=timeout_seconds))
        say(estimate, f"{estimate.name}: {estimate.message}", as_json)
        return
    with sync_progress(shown=not as_json) as on_progress:
        work = zkillboard.import_history(
            settings, character_id, timeout_seconds=timeout_seconds, on_progress=on_progress
        )
        found = asyncio.run(work)
    say(found, f"{found.name}: {found.message} ({found.seconds:.1f} s)", as_json)
    if found.account.state != "done":
        raise SystemExit(1)


@click.command("import-archive")
@click.argument("paths", nargs=-1, metavar="[PATH_OR_URL]...")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="Oldest day (UTC); the archive's first.")
@click.option("--to", "last", type=click.DateTime(["%Y-%m-%d"]), help="Newest day (UTC); yesterday.")
@as_json
def import_archive(paths: tuple[str, ...], first: datetime | None, last: datetime | None, as_json: bool) -> None:
    """Read the past of all pilots and followed corporations from the public archive, newest day first.

    Days that were read before for everybody who is here are skipped: to go on after Ctrl-C, run it again. With PATHs,
    files of the archive (or directories of them) are read from this machine, or from the URLs of such files.
    """
    from contracts.archive import FIRST_DAY
    from operations.imports.archive import import_days, import_files

    if paths and (first or last):
        raise click.UsageError(
            "--from and --to choose days to ask the archive for; they cannot be given with PATHs or URLs."
        )

    def on_day(sentence: str, done: int, total: int) -> None:
        if not as_json:
            click.echo(f"[{done:,}/{total:,}] {sentence}")

    oldest = first.date() if first else FIRST_DAY
    newest = last.date() if last else datetime.now(UTC).date() - timedelta(days=1)
    if oldest > newest:
        raise click.UsageError(
            f"There is no day from {oldest} to {newest}: unless you say otherwise, --from is the archive's first day,"
            f" {FIRST_DAY}, and --to is yesterday."
        )
    settings = load_settings()
    if paths:
        imported = asyncio.run(import_files(settings, paths, on_day))
    else:
        imported = asyncio.run(import_days(settings, oldest, newest, on_day))
    skipped = f", {imported.skipped:,} had been read before" if imported.skipped else ""
    told = f"{sum(imported.days.values()):,} days looked at{skipped}: {imported.wanted:,} killmails that"
    refused = f"; refused: {sum(imported.refused.values()):,}" if imported.refused else ""
    say(imported, f"{told} involve our pilots or corporations, {imported.new:,} of them new{refused}.", as_json)


@click.command("import-legacy")
@click.argument("url", metavar="POSTGRES_URL", envvar="LEGACY_DATABASE_URL")
@as_json
@click.pass_context
def import_legacy(context: click.Context, url: str, as_json: bool) -> None:
    """Import users and killmails of the system before this one. Reads its database and changes nothing in it; safe to
    stop and repeat.

    Others on this machine can see a command's arguments: give the URL in LEGACY_DATABASE_URL, or `-` and write it on
    standard input, if there is a password in it.
    """
    from operations.imports.legacy import import_legacy as take
    from operations.imports.legacy import told
    from operations.show import count_progress

    if url == "-":
        url = sys.stdin.readline().strip()
    elif context.get_parameter_source("url") is ParameterSource.COMMANDLINE and re.match(r"\w+://[^/@]*:[^/]*@", url):
        click.echo(AN_ARGUMENT_IS_SEEN, err=True)
    with count_progress("Reading the old system's tables.", shown=not as_json) as on_progress:
        report = asyncio.run(take(load_settings(), url, on_progress))
    say(report, told(report), as_json)
