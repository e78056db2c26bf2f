"""zKillboard: one character's history, a page a second."""
