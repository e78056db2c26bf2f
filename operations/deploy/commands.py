"""The commands `killreport deploy …`: definition and printing."""

from __future__ import annotations

import asyncio

import click

from operations.say import as_json, print_json, say
from settings import load_settings

build = click.argument("build_id")


@click.group()
def deploy() -> None:
    """Direct the work to a version of the workers. For workers that run with WORKER_VERSIONING."""


@deploy.command()
@as_json
def status(as_json: bool) -> None:
    """Show which versions there are, and which one gets the work."""
    from operations.deploy.versions import deployment_status
    from operations.show import deployment_table

    found = asyncio.run(deployment_status(load_settings()))
    if as_json:
        print_json(found)
    else:
        deployment_table(found)


@deploy.command("set-current")
@build
@click.option("--lazily", is_flag=True, help="Let syncs move when they wake up by themselves, and paused ones later.")
@as_json
def set_current(build_id: str, lazily: bool, as_json: bool) -> None:
    """Direct all work to version BUILD_ID. Its workers must be running; to go back, name the version before."""
    from operations.deploy.versions import make_current

    moved = asyncio.run(make_current(load_settings(), build_id, move_now=not lazily))
    how = f"{moved.told:,} syncs move to it now" if moved.told else "syncs move to it when they wake up"
    say(moved, f"Version {build_id} gets the work; {how}.", as_json)


@deploy.command()
@build
@click.argument("percent", type=click.FloatRange(0, 100))
@as_json
def ramp(build_id: str, percent: float, as_json: bool) -> None:
    """Direct PERCENT of the work to version BUILD_ID, the same pilots each time; 0 ends the trial."""
    from operations.deploy.versions import try_out

    found = asyncio.run(try_out(load_settings(), build_id, percent))
    said = f"Version {build_id} gets {percent:g} % of the work." if percent else f"The trial of {build_id} has ended."
    say(found, said, as_json)
