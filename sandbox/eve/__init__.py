"""An EVE to develop against: ESI, SSO, zKillboard and the image server over HTTP, with faults to switch on.

It keeps the contract that CCP and zKillboard document (rate limits, caching, paging, error texts, tokens);
its universe is made up from a seed. `python -m sandbox.eve` runs it; tests run it in-process (`server.py`).
"""
