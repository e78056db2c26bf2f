"""Which addresses a webhook may have, and where it is not connected to."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from activities.webhook_target import WebhookTargets
from contracts.webhooks import BadTarget, check_target, is_discord, is_public_address
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


def test_only_addresses_of_the_internet_are_public() -> None:
    for address in (
        "fec0::1", "::127.0.0.1", "::ffff:0:10.0.0.1", "64:ff9b:1::7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::",
        "4000::1", "fd00::1", "fe80::1", "ff0e::1", "::1", "::", "2001:db8::1", "100.64.0.1", "224.0.0.1",
    ):  # fmt: skip
        assert not is_public_address(ip_address(address)), address
    for address in ("8.8.8.8", "2001:4860:4860::8888", "2a00:1450:4001::8a", "64:ff9b::808:808"):
        assert is_public_address(ip_address(address)), address
