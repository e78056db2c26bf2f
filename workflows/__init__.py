"""Decide: the durable workflows. Deterministic; they know no HTTP, no SQL and no token."""
