"""The commands `killreport import-zkillboard` and `import-legacy`: definition and printing."""

from __future__ import annotations

import asyncio
import sys

import click

from operations.say import as_json, say
from settings import load_settings


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
    from operations import zkillboard
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


@click.command("import-legacy")
@click.argument("url", metavar="POSTGRES_URL", envvar="LEGACY_DATABASE_URL")
@as_json
def import_legacy(url: str, as_json: bool) -> None:
    """Import users and killmails of the system before this one. Reads its database and changes nothing in it; safe to
    stop and repeat.

    Others on this machine can see a command's arguments: give the URL in LEGACY_DATABASE_URL, or `-` and write it on
    standard input, if there is a password in it.
    """
    from operations.legacy import import_legacy as take
    from operations.legacy import told
    from operations.show import count_progress

    if url == "-":
        url = sys.stdin.readline().strip()
    with count_progress("Reading the old system's tables.", shown=not as_json) as on_progress:
        report = asyncio.run(take(load_settings(), url, on_progress))
    say(report, told(report), as_json)
