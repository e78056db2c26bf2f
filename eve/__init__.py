"""Speak to EVE's services: ESI, SSO and zKillboard. Knows nothing of Temporal or SQL."""
