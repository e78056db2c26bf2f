"""How the commands' results look on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from operations.doctor.finding import Finding, Verdict
from operations.doctor.gaps import GapsFound
from operations.status import Status
from operations.sync import SyncSeen
from temporal.deployments import Deployment

STYLES = {Verdict.GOOD: "green", Verdict.MENDED: "green", Verdict.DOUBTFUL: "yellow", Verdict.FAILS: "bold red"}


def deployment_table(found: Deployment) -> None:
    """Print what `killreport deploy status` found."""
    console = Console()
    if not found.versions:
        console.print("No worker has run with WORKER_VERSIONING=true; every worker takes any work.")
        return
    table = Table("Version", "State", "Since (UTC)", title="Versions of the workers", title_justify="left")
    for version in found.versions:
        part = f" ({found.ramping_percent:g} %)" if version.build_id == found.ramping else ""
        since = f"{version.since:%Y-%m-%d %H:%M:%S}" if version.since else ""
        table.add_row(escape(version.build_id), f"{version.status}{part}", since)
    console.print(table)
    if not found.current:
        console.print("[yellow]No version gets the work yet:[/] killreport deploy set-current VERSION")


def status_tables(status: Status) -> None:
    """Print what `killreport status` found."""
    console = Console()
    users = Table("State", "Pilots", "Meaning", "What helps", title="Pilots' syncs", title_justify="left")
    for state in status.users:
        users.add_row(state.state, f"{state.users:,}", state.meaning, state.action)
    if status.users:
        console.print(users)
    else:
        console.print("Nobody has logged in yet.")
    queues = Table("Queue", "Waiting", "Workers", title="Task queues", title_justify="left")
    for queue in status.queues:
        workers = f"{queue.pollers}" if queue.pollers else "[red]none[/]"
        queues.add_row(queue.name, f"{queue.backlog:,}", workers)
    console.print(queues)
    if status.esi_buckets:
        buckets = Table("Group", "Whose", "Left", "Window", "Spent by", title="ESI budget", title_justify="left")
        for bucket in status.esi_buckets:
            left = f"{bucket.remaining:,} of {bucket.limit:,}"
            spent_by = ", ".join(f"{one.replace('_', ' ')} {spent:,}" for one, spent in bucket.spent_by.items())
            buckets.add_row(bucket.group, escape(bucket.key), left, f"{bucket.window_seconds:,} s", spent_by)
        console.print(buckets)
    for pause in status.esi_pauses:
        console.print(f"[yellow]ESI calls are paused[/] ({escape(pause.scope)}) until {pause.until:%H:%M:%S} UTC.")
    last = f"{status.last_sync_at:%Y-%m-%d %H:%M:%S} UTC" if status.last_sync_at else "never"
    console.print(
        f"Killmails: {status.killmails:,} stored, {status.references_pending:,} pending,"
        f" {status.references_failed:,} given up."
    )
    if status.longest_since_sync_seconds is not None:
        last += f"; the longest time without a sync is {status.longest_since_sync_seconds:,.0f} s"
    console.print(f"Last sync: {last}; {status.late_users:,} pilots are late.")
    console.print(status.live_killmails)
    console.print(f"Database: {status.database_bytes / 2**20:,.1f} MiB.")


def findings_table(findings: Sequence[Finding]) -> None:
    """Print what `killreport doctor` found, and how to fix what fails."""
    console = Console()
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        mark = f"[{STYLES[finding.verdict]}]{finding.verdict:>7}[/]"
        console.print(f"{mark}  {finding.subject:<{width}}  {escape(finding.detail)}", soft_wrap=True, highlight=False)
        if finding.mend:
            console.print(f"{'':>9}{'':<{width}}  → {escape(finding.mend)}", soft_wrap=True, highlight=False)
    failing = sum(finding.verdict is Verdict.FAILS for finding in findings)
    console.print("Everything is fine." if not failing else f"[bold red]To fix: {failing}.[/]")


def gaps_table(found: GapsFound) -> None:
    """Print what `killreport doctor --gaps` found."""
    console = Console()
    if not found.missing:
        console.print("No gaps: every killmail that EVE listed is stored.")
        return
    table = Table("Reason", "Now", "Killmails", "First seen", "Next try", "For example")
    for gap in found.gaps:
        seen, again = (f"{at:%Y-%m-%d %H:%M}" if at else "" for at in (gap.oldest_seen_at, gap.next_attempt_at))
        examples = ", ".join(map(str, gap.killmail_ids[:3]))
        table.add_row(escape(gap.reason), gap.waiting, f"{gap.killmails:,}", seen, again, examples)
    console.print(table)
    if found.redriven:
        console.print(f"Trying again now: {found.redriven:,}. Syncs woken for it: {found.syncs_woken:,}.")


@contextmanager
def sync_progress(*, shown: bool) -> Iterator[Callable[[SyncSeen], None]]:
    """A progress bar on standard error, if that is a terminal; call what it yields with each look at the sync."""
    console = Console(stderr=True)
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )
    task = progress.add_task("Asking for the sync.", total=None)

    def seen(sync: SyncSeen) -> None:
        total = sync.total or None
        progress.update(task, description=escape(sync.message), completed=sync.done, total=total)

    with progress:
        yield seen


@contextmanager
def count_progress(what: str, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar of things done on standard error, if that is a terminal; call what it yields with: done, total."""
    console = Console(stderr=True)
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )
    task = progress.add_task(escape(what), total=None)

    def seen(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total or None)

    with progress:
        yield seen


@contextmanager
def bytes_progress(*, shown: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar of bytes on standard error, if that is a terminal; call what it yields with: what, done, total."""
    console = Console(stderr=True)
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not (shown and console.is_terminal),
    )
    task = progress.add_task("Opening the export.", total=None)

    def seen(what: str, done: int, total: int) -> None:
        progress.update(task, description=escape(what), completed=done, total=total or None)

    with progress:
        yield seen
