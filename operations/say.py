"""What a command prints: a sentence for people, JSON for scripts."""

from __future__ import annotations

import click
import orjson

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for a script.")


def say(value: object, words: str, as_json: bool) -> None:
    """Print the words, or the value."""
    if as_json:
        print_json(value)
    else:
        click.echo(words)


def print_json(value: object) -> None:
    """Print the value, indented."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
