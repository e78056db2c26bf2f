"""The short form of `make chaos`: one seed, each of its kinds once, and the same truth afterwards."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from tests.paths import ROOT

FAULTS = 8


async def test_nothing_is_lost_doubled_or_wedged_by_faults(tmp_path: Path) -> None:
    proof = tmp_path / "proof.md"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "chaos", "--short", "--seed", "3"),
        *("--faults", str(FAULTS), "--pilots", "6", "--interval", "5", "--write", str(proof)),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said = (await process.communicate())[0].decode()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()

    assert process.returncode == 0, said
    assert f"{FAULTS} faults of" in said
    assert re.search(rf"\| \*\*all\*\* \| {FAULTS} \| {FAULTS} \|", proof.read_text())
    assert "Broken" not in proof.read_text()
    assert [path.name for path in await asyncio.to_thread(lambda: list(tmp_path.iterdir()))] == ["proof.md"]
