"""The commands `killreport refresh-names`, `load-sde`, `revalue` and `rebuild-sums`: definition and printing."""

from __future__ import annotations

import asyncio
from datetime import datetime

import click

from operations.say import as_json, say
from settings import load_settings


@click.command("refresh-names")
@click.option("--timeout", "timeout_seconds", default=900.0, show_default=True, help="Seconds to wait.")
@as_json
def refresh_names(timeout_seconds: float, as_json: bool) -> None:
    """Ask EVE again for old names. This also happens every night."""
    from operations.universe.names import refresh_names as refresh

    found = asyncio.run(refresh(load_settings(), timeout_seconds))
    rest = "" if found.complete else " ESI did not answer for the rest; they are asked for tomorrow night."
    say(
        found,
        f"Asked again for {found.asked:,} names: {found.changed:,} changed, {found.unknown:,} not known to EVE.{rest}",
        as_json,
    )
    if not found.complete:
        raise SystemExit(1)


@click.command("load-sde")
@click.argument("where", metavar="PATH_OR_URL")
@as_json
def load_sde(where: str, as_json: bool) -> None:
    """Load CCP's static data export. Types, groups, systems and regions from its JSON Lines: a zip, its URL or a
    directory. Safe to repeat; asks ESI for nothing."""
    from operations.show import bytes_progress
    from operations.universe.static_data import load_export

    with bytes_progress(shown=not as_json) as on_progress:
        loaded = asyncio.run(load_export(load_settings(), where, on_progress))
    build = f" of build {loaded.build_number:,}" if loaded.build_number is not None else ""
    read = ", ".join(f"{rows:,} {title}" for title, rows in loaded.read.items())
    differed = f"{sum(loaded.changed.values()):,} rows and {loaded.names_changed:,} names"
    say(loaded, f"Read the static data{build}: {read}. {differed} were new or had changed.", as_json)


@click.command()
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Only killmails of this day (EVE time) or later; otherwise all."
)
@click.option("--timeout", "timeout_seconds", default=3600.0, show_default=True, help="Seconds to wait.")
@as_json
def revalue(since: datetime | None, timeout_seconds: float, as_json: bool) -> None:
    """Calculate values and flags again. Works on stored killmails in batches; Ctrl-C only stops the waiting."""
    from operations.show import sync_progress
    from operations.universe.values import revalue as revalue_all

    day = since.date() if since else None
    with sync_progress(shown=not as_json) as on_progress:
        found = asyncio.run(
            revalue_all(load_settings(), since=day, timeout_seconds=timeout_seconds, on_progress=on_progress)
        )
    of = f" since {found.since}" if found.since else ""
    words = f"{found.looked_at:,} killmails{of} checked, {found.changed:,} changed ({found.seconds:.1f} s)."
    say(found, words, as_json)


@click.command("rebuild-sums")
@click.option("--resume", is_flag=True, help="Only those that are not whole, for example after Ctrl-C.")
@as_json
def rebuild_sums(resume: bool, as_json: bool) -> None:
    """Count the sums of busy pilots and corporations again. Runs beside API and workers; statistics stay right."""
    from operations.show import count_progress
    from operations.universe.sums import rebuild_sums as rebuild

    with count_progress("Counting sums again.", shown=not as_json) as on_progress:
        found = asyncio.run(rebuild(load_settings(), resume=resume, on_progress=on_progress))
    say(found, f"The sums of {found.finished:,} of {found.subjects:,} busy pilots and corporations are whole.", as_json)
    if found.finished < found.subjects:
        raise SystemExit(1)
