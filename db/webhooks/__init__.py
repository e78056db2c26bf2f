"""Webhooks: whose killmails are told to which address, what waits to be told, and what became of it."""
