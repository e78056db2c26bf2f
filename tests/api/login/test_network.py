"""Of where a login came from, the network is kept and not the address."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from api.login.network import login_network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("unix socket", None),
    ],
)
def test_the_host_s_part_is_left_out(address: str, network: str | None) -> None:
    assert login_network(Request({"type": "http", "client": (address, 1234)})) == network


def test_a_server_that_does_not_know_says_nothing() -> None:
    assert login_network(Request({"type": "http", "client": None})) is None
