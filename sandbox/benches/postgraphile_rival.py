"""PostGraphile 5 on the war's database: what a generic server makes of the same tables and the same question."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import orjson

from sandbox.benches.load import Ask
from sandbox.benches.served import POSTGRAPHILE, Served
from sandbox.benches.war_sql import FIRST_PILOT, VIEWERS
from sandbox.process import PartFailed, free_port

SOURCE = Path(__file__).with_name("postgraphile")
FILES = ("package.json", "package-lock.json", "graphile.config.mjs")
INSTALL_SECONDS = 300.0

# Names have no foreign keys of ours; these comments tell PostGraphile where they are.
_TAGS = (
    (
        "participants",
        "\n".join(
            f"@foreignKey ({column}) references entities (entity_id)|@fieldName {field}"
            for column, field in (
                ("character_id", "character"),
                ("corporation_id", "corporation"),
                ("ship_type_id", "ship"),
                ("weapon_type_id", "weapon"),
            )
        ),
    ),
    (
        "killmails",
        "@foreignKey (solar_system_id) references solar_systems (solar_system_id)|@fieldName solarSystem\n"
        "@foreignKey (solar_system_id) references entities (entity_id)|@fieldName systemName",
    ),
)
QUERY = """
query Feed($id: BigInt!) {
  allParticipants(first: 50, condition: {characterId: $id}, orderBy: [KILLMAIL_TIME_DESC, KILLMAIL_ID_DESC]) {
    nodes {
      killmailByKillmailId {
        killmailId killmailTime attackerCount destroyedValue droppedValue totalValue
        systemName { entityId name } solarSystem { securityStatus }
        victim: participantsByKillmailId(condition: {isVictim: true}) { nodes { ...Who damage } }
        finalBlow: participantsByKillmailId(condition: {finalBlow: true}) {
          nodes { ...Who weapon { entityId name } }
        }
        attackers: participantsByKillmailId(condition: {isVictim: false}, orderBy: ORDINAL_ASC) {
          nodes { ...Who damage finalBlow }
        }
      }
    }
  }
}
fragment Who on Participant { character { entityId name } corporation { entityId name } ship { entityId name } }
"""


async def postgraphile(on: Served, processes: int) -> tuple[list[int], list[Ask]] | None:
    """Install it the first time, start it; its ports, and the feed of each viewer's pilot to ask.

    None without Node.js and npm.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    home = on.war.directory / "postgraphile"
    await _install(npm, home)
    for table, tags in _TAGS:
        await on.pool.execute(f"COMMENT ON TABLE {table} IS '{tags}'")
    argv = [node, str(home / "node_modules/.bin/postgraphile"), "-C", str(home / "graphile.config.mjs")]
    ports = []
    for _ in range(processes):
        port = free_port()
        environment = {"PORT": str(port), "NODE_ENV": "production", "GRAPHILE_ENV": "production"}
        await on.start(POSTGRAPHILE, argv, port, environment, "/graphql?query={__typename}")
        ports.append(port)
    asks = [
        Ask("/graphql", orjson.dumps({"query": QUERY, "variables": {"id": str(FIRST_PILOT + n)}}).decode(), {})
        for n in range(VIEWERS)
    ]
    return ports, asks


def _is_installed(home: Path) -> bool:
    """Whether it is there as locked; its files are brought up to date."""
    home.mkdir(parents=True, exist_ok=True)
    unchanged = (home / "node_modules" / ".package-lock.json").exists() and all(
        (home / name).exists() and (home / name).read_bytes() == (SOURCE / name).read_bytes() for name in FILES[:2]
    )
    for name in FILES:
        shutil.copyfile(SOURCE / name, home / name)
    return unchanged


async def _install(npm: str, home: Path) -> None:
    if _is_installed(home):
        return
    process = await asyncio.create_subprocess_exec(
        *(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"),
        cwd=home,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), INSTALL_SECONDS)
    except TimeoutError:
        process.kill()
        raise PartFailed(f"npm did not install PostGraphile within {INSTALL_SECONDS:.0f} s.") from None
    if process.returncode != 0:
        raise PartFailed(f"npm could not install PostGraphile: {output.decode().strip()[-500:]}")
