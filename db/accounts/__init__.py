"""People: their characters and grants, sessions, keys, and leaving."""
