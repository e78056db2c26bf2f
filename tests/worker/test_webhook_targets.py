"""Which addresses a webhook may have, and where it is not connected to."""

from __future__ import annotations

import pytest

from activities.webhook_target import WebhookTargets
from contracts.webhooks import BadTarget, check_target, is_discord
from sandbox.eve.server import SandboxEve
from settings import Settings


async def test_nothing_is_sent_into_this_network(settings: Settings, eve: SandboxEve) -> None:
    port = eve.url.rpartition(":")[2]
    async with WebhookTargets(settings) as targets:
        for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254"):
            answer = await targets.post(f"http://{host}:{port}/receiver/x", b"{}", {})
            assert (answer.status, answer.reason) == (None, "its address is not on the internet"), host
    assert not eve.receiver.received
    for wrong in (
        "http://example.com/x", "https://127.0.0.1/x", "https://[64:ff9b::a00:1]/x", "https://u:p@example.com/",
        "https:///x", "ftp://example.com/", "https://example.com/a b", "https://[fe80::1]/", "https://example.com:0/",
    ):  # fmt: skip
        with pytest.raises(BadTarget):
            check_target(wrong, private=False)
    assert check_target("https://example.com:8443/x?y=z", private=False) == "example.com"
    assert is_discord("https://discord.com/api/webhooks/1/a-b_c", stand_ins=False)
    assert not is_discord("https://discord.com.evil.invalid/api/webhooks/1/a", stand_ins=False)
