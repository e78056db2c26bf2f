"""The permissions a pilot can give us, by EVE's names for them."""

KILLMAIL_SCOPE = "esi-killmails.read_killmails.v1"
"""Read the character's own recent killmails."""
CORPORATION_KILLMAIL_SCOPE = "esi-killmails.read_corporation_killmails.v1"
"""Read the killmails of the character's corporation; ESI also wants the Director role."""
CORPORATION_ROLES_SCOPE = "esi-characters.read_corporation_roles.v1"
"""Read the character's roles, to know whether it is a director."""
CORPORATION_SCOPES = frozenset({CORPORATION_KILLMAIL_SCOPE, CORPORATION_ROLES_SCOPE})
"""What it takes to follow a corporation."""
FITTINGS_SCOPE = "esi-fittings.write_fittings.v1"
"""Save fittings in the game: asked for only when a pilot first wants to, and nothing else depends on it."""
DIRECTOR_ROLE = "Director"
"""The role, as ESI names it, whose holders may read the corporation's killmails."""
