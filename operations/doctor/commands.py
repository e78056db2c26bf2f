"""The commands `killreport doctor` and `rotate-keys`: definition and printing."""

from __future__ import annotations

import asyncio

import click

from operations.say import as_json, print_json, say
from settings import load_settings


@click.command()
@click.option("--new-key", is_flag=True, help="Only print a new key for TOKEN_ENCRYPTION_KEYS.")
@click.option("--gaps", is_flag=True, help="List missing killmails that EVE has listed; exit 1 if there are any.")
@click.option("--redrive", is_flag=True, help="With --gaps: try them again now, including those that were given up.")
@click.option("--reconcile", is_flag=True, help="Compare Postgres with Temporal and itself, for after a restore.")
@click.option("--mend", is_flag=True, help="With --reconcile: mend what can be mended safely.")
@as_json
def doctor(new_key: bool, gaps: bool, redrive: bool, reconcile: bool, mend: bool, as_json: bool) -> None:
    """Check settings and dependencies. Says how to fix what fails."""
    if redrive and not gaps:
        raise click.UsageError("--redrive needs --gaps.")
    if mend and not reconcile:
        raise click.UsageError("--mend needs --reconcile.")
    if new_key:
        from cryptography.fernet import Fernet

        click.echo(Fernet.generate_key().decode())
        return
    if gaps:
        from operations.doctor.gaps import look_for_gaps
        from operations.show import gaps_table

        missing = asyncio.run(look_for_gaps(load_settings(), redrive_them=redrive))
        if as_json:
            print_json(missing)
        else:
            gaps_table(missing)
        if missing.missing > missing.redriven:
            raise SystemExit(1)
        return
    from operations.doctor.checks import examine
    from operations.doctor.finding import Verdict
    from operations.doctor.reconcile import reconcile as compare
    from operations.show import findings_table

    findings = asyncio.run(compare(load_settings(), mend=mend) if reconcile else examine(load_settings()))
    if as_json:
        print_json(findings)
    else:
        findings_table(findings)
    if any(finding.verdict is Verdict.FAILS for finding in findings):
        raise SystemExit(1)


@click.command("rotate-keys")
@click.option("--forget-unreadable", is_flag=True, help="Keys are lost: ask the pilots they were for to log in again.")
@click.option("--yes", is_flag=True, help="With --forget-unreadable: do not ask.")
@as_json
def rotate_keys(forget_unreadable: bool, yes: bool, as_json: bool) -> None:
    """Encrypt stored tokens again with the newest key. Runs beside API and workers; safe to stop and repeat. Exits 1
    while something still needs an older key."""
    from operations.doctor.keys import forget, told, told_forgotten
    from operations.doctor.keys import rotate_keys as rotate
    from operations.show import count_progress

    if forget_unreadable:
        if not yes:
            click.confirm("What none of TOKEN_ENCRYPTION_KEYS opens is deleted for good. Continue?", abort=True)
        done = asyncio.run(forget(load_settings()))
        say(done, told_forgotten(done), as_json)
        return
    with count_progress("Encrypting again.", shown=not as_json) as on_progress:
        found = asyncio.run(rotate(load_settings(), on_progress))
    say(found, told(found), as_json)
    if found.older or found.unreadable:
        raise SystemExit(1)
