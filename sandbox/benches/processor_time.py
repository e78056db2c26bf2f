"""Processor time of processes and all they started (Linux, /proc): what a busy machine does not blur."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(roots: Collection[int]) -> float:
    """Of these processes and their descendants, in user and system mode; those that ended count for who reaped them."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    spent: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # After the name, which is in parentheses: state, parent, …, user and system ticks, and the same of the
            # children that were waited for (man proc_pid_stat).
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        children[int(fields[1])].append(int(entry.name))
        spent[int(entry.name)] = sum(map(int, fields[11:15]))
    waiting, total = [*roots], 0
    while waiting:
        process = waiting.pop()
        total += spent.get(process, 0)
        waiting += children[process]
    return total / _TICKS
