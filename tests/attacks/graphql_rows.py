"""The rows of GraphQL: each root field, asked for what is Ada's or a board's."""

from __future__ import annotations

from dataclasses import replace

from db.accounts.sessions import Scope
from db.killmails.cursors import position_cursor
from tests.attacks.belongings import (
    ME,
    all_private,
    battle_links_of_ada,
    claim_of_ada,
    claim_of_closed,
    feeds_of_ada,
    keys_of_ada,
    links_of_ada,
    no_webhooks,
    sessions_of_ada,
    webhooks_of_ada,
)
from tests.attacks.callers import ADA, BOARD, CLOSED, DIRECTORS, SIGNED_IN, THE_OPERATOR, Caller
from tests.attacks.rows import DONE, NOT_FOUND, OWN, SHOWN, UNAUTHENTICATED, Operation
from tests.attacks.world import (
    ADAS,
    ALLIANCE,
    ALT,
    CLOSED_CORPORATION,
    OF_CLOSED,
    OF_OPEN,
    OPEN,
    SHIP,
    SYSTEM,
    Secret,
    World,
)

READ, SYNC = Scope.READ, Scope.SYNC
ERRORS = "userErrors { code }"
START = position_cursor(0)


def reads(
    what: str, door: str, arguments: str, *, allowed: frozenset[Caller] = ADA, others: str = OWN, nobody: str = OWN,
    secret: Secret = ADAS, selection: str = "", tells: tuple[str, ...] = (), scope: Scope | None = READ,
) -> Operation:  # fmt: skip
    return Operation(
        what=what, door=f"Query.{door}", arguments=arguments, allowed=allowed, others=others, nobody=nobody,
        scope=scope, secret=secret, selection=selection, tells=tells,
    )  # fmt: skip


QUERIES = [
    reads("the account", "me", "", nobody=NOT_FOUND),
    reads("its sessions", "me", "", selection="{ sessions { id client } }", nobody=NOT_FOUND, scope=None),
    replace(
        reads("its links", "me", "", selection="{ shareLinks { id subjectId } }", nobody=NOT_FOUND, scope=None),
        target=links_of_ada,
    ),
    replace(
        reads("its webhooks", "me", "", selection="{ webhooks { id name subjectId } }", nobody=NOT_FOUND, scope=None),
        target=webhooks_of_ada,
    ),
    replace(
        reads("its feeds", "me", "", selection="{ feeds { id name subjectId } }", nobody=NOT_FOUND, scope=None),
        target=feeds_of_ada,
    ),
    reads(
        "where its killmails came from", "me", "",
        selection="{ characters { id name killmailAccount { total sources { source } missing { message } } } }",
        nobody=NOT_FOUND,
    ),
    reads("its keys", "me", "", selection="{ apiKeys { id name hint } }", nobody=NOT_FOUND, scope=None),
    reads("Ada's killmail", "killmail", f'(id: "{ADAS.killmail_id}")', others=NOT_FOUND, nobody=NOT_FOUND),
    reads(
        "a killmail of a published board", "killmail", f'(id: "{OF_OPEN.killmail_id}")',
        allowed=BOARD, secret=OF_OPEN, others=NOT_FOUND, nobody=NOT_FOUND,
    ),
    reads(
        "a killmail of a closed board", "killmail", f'(id: "{OF_CLOSED.killmail_id}")',
        allowed=CLOSED, secret=OF_CLOSED, others=NOT_FOUND, nobody=NOT_FOUND,
    ),
    reads("all killmails", "killmails", "(filter: {scope: VISIBLE})"),
    reads("Ada's killmails", "killmails", f'(filter: {{characterId: "{ME}"}})'),
    reads("by who was there", "killmails", f'(filter: {{scope: VISIBLE, participant: {{characterId: "{ME}"}}}})'),
    reads("by value", "killmails", '(orderBy: VALUE, filter: {scope: VISIBLE, minValue: "111171111.17"})'),
    reads(
        "a published board", "killmails", f'(filter: {{corporationId: "{OPEN}"}})', allowed=BOARD, secret=OF_OPEN
    ),
    reads(
        "a closed board", "killmails", f'(filter: {{corporationId: "{CLOSED_CORPORATION}"}})',
        allowed=CLOSED, secret=OF_CLOSED,
    ),
    replace(
        reads("Ada's claim", "reimbursement", '(killmailId: "{target}")', others=NOT_FOUND, nobody=NOT_FOUND),
        target=claim_of_ada,
    ),
    replace(reads("Ada's claims", "reimbursements", "(first: 100)"), target=claim_of_ada),
    replace(
        reads(
            "a member's claim", "reimbursement", '(killmailId: "{target}")', allowed=CLOSED, secret=OF_CLOSED,
            others=NOT_FOUND, nobody=NOT_FOUND,
        ),
        target=claim_of_closed,
    ),
    replace(
        reads(
            "a corporation's claims", "reimbursements", f'(corporationId: "{CLOSED_CORPORATION}")', allowed=CLOSED,
            secret=OF_CLOSED,
        ),
        target=claim_of_closed,
    ),
    reads("Ada's battle", "battle", f'(id: "{ADAS.killmail_id}")', others=NOT_FOUND, nobody=NOT_FOUND),
    reads("battles", "battles", ""),
    reads("Ada's page", "character", f'(id: "{ME}")', nobody=NOT_FOUND),
    reads(
        "a closed board's page", "corporation", f'(id: "{CLOSED_CORPORATION}")',
        allowed=CLOSED, secret=OF_CLOSED, nobody=NOT_FOUND,
    ),
    reads("her alliance's page", "alliance", f'(id: "{ALLIANCE}")', nobody=NOT_FOUND),
    reads("her system's page", "solarSystem", f'(id: "{SYSTEM}")', nobody=NOT_FOUND),
    reads("her ship's page", "type", f'(id: "{SHIP}")', nobody=NOT_FOUND),
    reads("names", "search", '(name: "Pilot")', allowed=frozenset()),
    reads(
        "health", "syncHealth", "", selection="{ users late details { latePilots { character { id name } } } }",
        allowed=THE_OPERATOR, tells=(str(ALT), "Adas Other Face"),
    ),
    reads("where the stream is", "liveCursor", "", allowed=frozenset()),
    reads(
        "the queues", "workerStatus", "", allowed=frozenset(), others="SERVICE_UNAVAILABLE", nobody=UNAUTHENTICATED
    ),
    reads(
        "Ada's import", "zkillboardImport", f'(characterId: "{ME}")', others="forbidden", nobody=NOT_FOUND
    ),
]  # fmt: skip


def orders(what: str, door: str, arguments: str, **more: object) -> Operation:
    return Operation(
        what=what, door=f"Mutation.{door}", arguments=arguments,
        **{"allowed": ADA, "success": DONE, "selection": f"{{ {ERRORS} }}", **more},  # type: ignore[arg-type]
    )  # fmt: skip


def of_her_sync(door: str) -> Operation:
    return orders("Ada's sync", door, f'(characterId: "{ME}")', scope=SYNC, others="NOT_YOUR_CHARACTER")


async def import_again(world: World) -> None:
    await world.restore_import()


def of_her_import(door: str) -> Operation:
    arguments = f'(characterId: "{ME}")'
    return orders("Ada's import", door, arguments, scope=SYNC, others="NOT_YOUR_CHARACTER", restore=import_again)


async def boards_again(world: World) -> None:
    await world.restore_boards()


def of_a_board(
    what: str, door: str, corporation_id: int, flag: str, allowed: frozenset[Caller], **more: object
) -> Operation:
    arguments = f'(corporationId: "{corporation_id}", {flag})'
    return orders(what, door, arguments, allowed=allowed, restore=boards_again, **more)


_CLOSED_AGAIN = f"SELECT NOT published FROM corporations_followed WHERE corporation_id = {OPEN} AND $1::text IS NULL"  # noqa: S608
_OPENED = (
    f"SELECT published FROM corporations_followed WHERE corporation_id = {CLOSED_CORPORATION} AND $1::text IS NULL"  # noqa: S608
)
_UNFOLLOWED = (
    f"SELECT NOT EXISTS (SELECT FROM corporation_directors WHERE corporation_id = {OPEN}) AND $1::text IS NULL"  # noqa: S608
)
APPROVED = "SELECT state = 'approved' FROM reimbursements WHERE killmail_id = $1"
MOVED = "SELECT sides IS NOT NULL FROM share_links WHERE share_link_id = $1"
MUTATIONS = [
    *(of_her_sync(door) for door in ("syncNow", "forceFullResync", "pauseSync", "resumeSync")),
    of_a_board(
        "follow", "setCorporationSync", OPEN, "enabled: true", DIRECTORS, others="NOT_YOUR_CORPORATION",
        instead={Caller.MEMBER: "NEEDS_LOGIN"},
    ),
    of_a_board(
        "stop to follow", "setCorporationSync", OPEN, "enabled: false", DIRECTORS, others="NOT_SWITCHED_ON",
        gone=_UNFOLLOWED,
    ),
    of_a_board(
        "close a published board", "setCorporationPublishing", OPEN, "published: false", DIRECTORS,
        others="NOT_A_DIRECTOR", gone=_CLOSED_AGAIN,
    ),
    of_a_board(
        "publish a closed board", "setCorporationPublishing", CLOSED_CORPORATION, "published: true", CLOSED,
        others="NOT_A_DIRECTOR", gone=_OPENED,
    ),
    of_a_board(
        "open a closed board to all", "setCorporationVisibility", CLOSED_CORPORATION, "visibility: PUBLIC", CLOSED,
        others="NOT_A_DIRECTOR", gone=_OPENED,
    ),
    orders(
        "open Ada's board", "setCharacterVisibility", f'(characterId: "{ME}", visibility: PUBLIC)',
        others="NOT_YOUR_CHARACTER", restore=all_private,
    ),
    orders(
        "share Ada's killmail", "createShareLink", f'(subject: KILLMAIL, id: "{ADAS.killmail_id}")',
        others="NOT_YOURS_TO_SHARE",
    ),
    orders(
        "share Ada's battle", "createShareLink", f'(subject: BATTLE, id: "{ADAS.killmail_id}")',
        others="NOT_YOURS_TO_SHARE",
    ),
    orders(
        "the sides of Ada's battle", "moveBattleSide", f'(id: "{{target}}", partyId: "{ALLIANCE}", side: 1)',
        target=battle_links_of_ada, others="NOT_FOUND", gone=MOVED,
        selection=f"{{ battle {{ id sides {{ parties {{ id }} }} }} {ERRORS} }}",
    ),
    orders(
        "the sides of Ada's battle as inferred", "inferBattleSides", '(id: "{target}")', target=battle_links_of_ada,
        others="NOT_FOUND",
    ),
    orders(
        "Ada's link", "revokeShareLink", '(id: "{target}")', target=links_of_ada, others="NOT_FOUND",
        gone="SELECT NOT EXISTS (SELECT FROM share_links WHERE share_link_id = $1)",
    ),
    orders(
        "a member's claim", "changeReimbursement", '(killmailId: "{target}", state: APPROVED, seen: 1)',
        target=claim_of_closed, allowed=CLOSED, others="NOT_YOUR_LOSS", gone=APPROVED,
        selection=f"{{ reimbursement {{ killmailId value history {{ note }} }} {ERRORS} }}",
    ),
    orders(
        "Ada's own claim", "changeReimbursement", '(killmailId: "{target}", state: APPROVED, seen: 1)',
        target=claim_of_ada, allowed=frozenset(), others="NOT_YOUR_LOSS", instead={Caller.PILOT: "NOBODY_DECIDES"},
        gone=APPROVED,
    ),
    *(
        orders(
            f"a webhook of {subject}", "createWebhook",
            f'(input: {{name: "x", url: "https://example.com/x", subject: {subject}, subjectId: "{subject_id}"}})',
            allowed=allowed, others="NOT_YOURS", restore=no_webhooks,
        )
        for subject, subject_id, allowed in (
            ("CHARACTER", ME, ADA), ("CORPORATION", CLOSED_CORPORATION, CLOSED), ("INSTALLATION", 0, THE_OPERATOR)
        )
    ),
    orders(
        "Ada's webhook", "orderWebhook", '(id: "{target}", order: DELETE)', target=webhooks_of_ada, others="NOT_FOUND",
        gone="SELECT NOT EXISTS (SELECT FROM webhooks WHERE webhook_id = $1)",
    ),
    orders("the caller's history", "requestArchiveHistory", "", allowed=SIGNED_IN, throw_away=True),
    orders(
        "a feed of Ada's killmails", "createFeed", f'(name: "x", subject: CHARACTER, subjectId: "{ME}")',
        others="NOT_YOURS",
    ),
    orders(
        "Ada's feed", "revokeFeed", '(id: "{target}")', target=feeds_of_ada, others="NOT_FOUND",
        gone="SELECT NOT EXISTS (SELECT FROM killmail_feeds WHERE feed_id = $1)",
    ),
    *(of_her_import(f"{word}ZkillboardImport") for word in ("estimate", "start", "cancel")),
    orders(
        "a key", "createApiKey", '(name: "x", scopes: [READ])', allowed=SIGNED_IN, throw_away=True,
        selection=f"{{ key {ERRORS} }}",
    ),
    orders(
        "Ada's key", "revokeApiKey", '(id: "{target}")', target=keys_of_ada, others="UNKNOWN_KEY",
        gone="SELECT NOT EXISTS (SELECT FROM api_keys WHERE api_key_id = $1)",
    ),
    orders(
        "Ada's session", "endSession", '(id: "{target}")', target=sessions_of_ada, others="UNKNOWN_SESSION",
        gone="SELECT NOT EXISTS (SELECT FROM sessions WHERE session_id = $1)",
    ),
    orders(
        "the caller's other sessions", "endOtherSessions", "", target=sessions_of_ada, throw_away=True,
        allowed=SIGNED_IN, stays="SELECT EXISTS (SELECT FROM sessions WHERE session_id = $1)",
    ),
    orders("the export", "exportMyData", "", allowed=SIGNED_IN, selection=f"{{ url {ERRORS} }}"),
    orders(
        "Ada's character", "removeCharacter", '(characterId: "{target}")', target=World.spare_character,
        others="NOT_YOUR_CHARACTER", gone="SELECT NOT EXISTS (SELECT FROM users WHERE character_id = $1)",
    ),
    orders(
        "the caller's account", "deleteAccount", "(confirm: true)", allowed=SIGNED_IN, throw_away=True,
    ),
    orders(
        "Ada's killmail by its link", "addKillmail",
        f'(link: "https://esi.evetech.net/killmails/{ADAS.killmail_id}/{ADAS.killmail_hash}/")',
        selection=f"{{ killmail {{ id victim {{ character {{ id }} }} }} {ERRORS} }}", secret=ADAS, success=SHOWN,
        others="NOT_YOUR_KILLMAIL",
    ),
    orders(
        "Ada's killmail by its number", "addKillmail", f'(link: "https://zkillboard.com/kill/{ADAS.killmail_id}/")',
        selection=f"{{ killmail {{ id victim {{ character {{ id }} }} }} {ERRORS} }}", secret=ADAS, success=SHOWN,
        others="UNKNOWN_KILLMAIL",
    ),
]  # fmt: skip
