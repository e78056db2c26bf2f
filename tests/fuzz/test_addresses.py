"""Every route there is, with odd paths, parameters, forms, cookies and headers: an answer, never an error of ours."""

from __future__ import annotations

import inspect
import logging
import re
import sys
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Mount, Route

from api.app import ROUTES
from db.accounts.sessions import start_session
from tests.api.running_site import Site
from tests.fuzz.doors import door
from tests.fuzz.odd_json import damaged, mutated
from tests.fuzz.raw_http import ask, parts, request

AWAY = {502, 503}
"""What a route answers that needs EVE or Temporal, which are away here."""
NEEDS_OTHERS = re.compile(r"/auth/|/settings|/sync|/admin|/readyz|/status|/graphql")
ADDRESSES = (b"http://[", b"[::1", b"http://[::1]:99999", b"//a:b@c:d/", b"null", b"https://\xc2\xb9\xe2\x84\x80")
HEADERS: dict[bytes, tuple[bytes, ...]] = {
    b"Accept": (b"text/html", b"*/*;q=nan,text/html;q=inf", b"application/json;q=1e999,;;;,"),
    b"Accept-Encoding": (b"gzip;q=nan", b"identity;q=0, *;q=0"),
    b"Authorization": (b"Bearer", b"Bearer kr_" + b"a" * 43, b"Basic \xff"),
    b"Content-Encoding": (b"gzip",),
    b"Content-Length": (b"-1", b"9" * 30, b"1, 1"),
    b"Content-Type": (
        b"application/json",
        b"multipart/form-data",
        b"multipart/form-data; boundary=x",
        b"a/b; charset=x",
    ),
    b"Cookie": (b"killreport=" + b"A" * 43, b"theme=\xff; theme", b"a=" + b"x" * 9_000, b'theme="\\999"'),
    b"Expect": (b"100-continue", b"x"),
    b"Host": (b"", b"[", b"a" * 900, b"evil.example:x"),
    b"If-Modified-Since": (b"Sun, 06 Nov 99999 08:49:37 GMT", b"Sun, 06 Nov 1994 08:49:37 +9999", b"9" * 99),
    b"If-None-Match": (b'W/"' + b"x" * 900, b"*, *"),
    b"Origin": ADDRESSES,
    b"Range": (b"bytes=0-0,1-", b"bytes=" + b"9" * 5_000 + b"-", b"bytes=-", b"bytes=5-1", b"bytes=" + b"0-1," * 999),
    b"Referer": ADDRESSES,
    b"Sec-Fetch-Site": (b"same-origin", b"cross-site", b"none", b"\xff"),
    b"Transfer-Encoding": (b"chunked", b"gzip, chunked"),
    b"Upgrade": (b"websocket", b"h2c"),
    b"User-Agent": (b"\xff" * 20, b"x" * 9_000, b"Mozilla/5.0 (\xe2\x80\xae) Chrome/" + b"9" * 999),
    b"X-Forwarded-For": (b"1.2.3.4, ::1", b"%eth0", b"fe80::1%x" * 99, b",,,", b"\xd9\xa3.1.1.1"),
    b"X-Forwarded-Proto": (b"wss", b"javascript"),
    b"X-Request-Id": (b"x" * 999, b"\xff"),
}
Request: TypeAlias = tuple[str, bytes, list[tuple[bytes, bytes]], bytes]
"""Method, target, headers, body."""
ROUTED = [route for route in ROUTES if isinstance(route, Route)]
STATIC = [route.path for route in ROUTES if isinstance(route, Mount)]


def words(route: Route) -> list[str]:
    """What a route's module may look for by name."""
    module = sys.modules[route.endpoint.__module__]
    return sorted(
        set(re.findall(r'"([a-zA-Z_]{1,20})"', inspect.getsource(module)))
        | {"after", "character", "q", "code", "state"}
    )


@st.composite
def pairs(draw: st.DrawFn, names: list[str]) -> bytes:
    """A query string or a form."""
    name = st.one_of(st.sampled_from(names).map(str.encode), parts)
    value = st.one_of(parts, st.sampled_from(names).map(str.encode))
    listed = draw(st.lists(st.tuples(name, value), max_size=5))
    return b"&".join(name + b"=" + value for name, value in listed)


@st.composite
def header(draw: st.DrawFn) -> tuple[bytes, bytes]:
    name = draw(st.sampled_from(sorted(HEADERS)))
    return name, draw(st.one_of(*[st.sampled_from(HEADERS[name])] * 3, st.binary(max_size=30)))


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A request to one of the routes."""
    if draw(st.integers(0, 9)) == 0:
        prefix = draw(st.sampled_from([*STATIC, "", "/export", "/auth"])).encode()
        target = prefix + b"/" + b"/".join(draw(st.lists(parts, max_size=3)))
        names, method = ["q"], draw(st.sampled_from(["GET", "HEAD", "POST", "OPTIONS"]))
    else:
        route = draw(st.sampled_from(ROUTED))
        names = words(route)
        target = re.sub(rb"\{[^}]*\}", lambda _: draw(parts), route.path.encode())
        method = draw(st.sampled_from([*sorted(route.methods or ()) * 9, "PUT"]))
    if draw(st.booleans()):
        target += b"?" + draw(pairs(names))
    said = draw(st.one_of(st.just([]), st.lists(header(), min_size=1, max_size=3)))
    body = b""
    if method in ("POST", "PUT"):
        body = draw(
            st.one_of(pairs(names), damaged(mutated(st.just({"query": "{ me { id } }"}))), st.binary(max_size=99))
        )
        said.append(
            (
                b"Content-Type",
                draw(
                    st.sampled_from(
                        [b"application/x-www-form-urlencoded"] * 4
                        + [b"application/json", b"multipart/form-data; boundary=x"]
                    )
                ),
            )
        )
    return method, target, said, body


@door("routes: paths, parameters, forms, cookies, headers", short=120, seconds=60)
@given(sent=requests(), signed_in=st.booleans(), from_us=st.booleans())
async def test_no_request_gets_an_error_of_ours(
    filled_site: Site, caplog: pytest.LogCaptureFixture, sent: Request, signed_in: bool, from_us: bool
) -> None:
    method, target, said, body = sent
    said = list(said)
    if signed_in:
        account_id = (
            await filled_site.pool.fetchval("SELECT min(account_id) FROM accounts") or await filled_site.add_account()
        )
        said.append((b"Cookie", f"killreport={await start_session(filled_site.pool, account_id, client='')}".encode()))
    if from_us:
        said.append((b"Origin", filled_site.address.encode()))
    with caplog.at_level(logging.ERROR):
        status, answer = await ask(filled_site, request(method, target, said, body))
    path = target.decode("latin-1")
    # oEmbed's word for a format that there is not.
    expected = status < 500 or (status in AWAY and NEEDS_OTHERS.match(path)) or (status, path[:7]) == (501, "/oembed")
    failures = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    caplog.clear()
    assert expected and not failures, (status, answer[:300], failures)  # noqa: PT018 - one tells the other
