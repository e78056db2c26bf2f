"""Battles: killmails that belong together, and who fought on whose side. Rules: docs/battles.md."""
