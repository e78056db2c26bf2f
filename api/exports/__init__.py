"""Killmails and accounts on their way out: CSV, lines of JSON, EFT."""
