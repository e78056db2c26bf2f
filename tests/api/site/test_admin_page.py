"""The operators' page: what they see, what they order, and that it is written down; and that nobody else gets in."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect
from temporalio.client import Client

from contracts.sync import user_sync_id
from sandbox.installation import eventually
from temporal.connection import connect_temporal
from temporal.schedules import prepare_temporal
from tests.api.running_site import Browser as Visitor
from tests.api.site.furnished import ADMIN, FurnishedSite, signed_in_context
from tests.end_to_end.chromium import needs_chromium


@pytest.fixture
async def temporal(furnished: FurnishedSite) -> Client:
    """The site's Temporal, ready to take workflows; no worker serves it."""
    client = await connect_temporal(furnished.site.services.settings)
    await prepare_temporal(client)
    return client


async def signals_of(client: Client, character_id: int) -> list[str]:
    handle = client.get_workflow_handle(user_sync_id(character_id))
    return [
        event.workflow_execution_signaled_event_attributes.signal_name
        async for event in handle.fetch_history_events()
        if event.HasField("workflow_execution_signaled_event_attributes")
    ]


@pytest.mark.parametrize("path", ["/admin", "/metrics"])
async def test_it_is_for_operators(visitor: Visitor, stranger: Visitor, path: str) -> None:
    if path == "/admin":
        assert (await stranger.get(path))[0] == 401
        assert (await visitor.get(path))[0] == 403
    assert ">Admin</a>" not in (await visitor.get("/"))[1]
    status, page = await visitor.post("/admin/order", {"order": "pause", "whom": "all"})
    assert status == 403
    assert "for the operators" in page


async def test_an_operator_whose_permission_ended_is_none_any_more(operator: Visitor, furnished: FurnishedSite) -> None:
    assert (await operator.get("/admin"))[0] == 200
    await furnished.site.pool.execute("UPDATE users SET token_state = 'owner_changed' WHERE character_id = $1", ADMIN)
    try:
        assert (await operator.get("/admin"))[0] == 403
    finally:
        await furnished.site.pool.execute("UPDATE users SET token_state = 'valid' WHERE character_id = $1", ADMIN)


async def test_an_order_to_one_is_sent_and_written_down(
    operator: Visitor, furnished: FurnishedSite, temporal: Client
) -> None:
    pilot = furnished.there.pilot_id
    status, page = await operator.post("/admin/order", {"order": "force_full_resync", "whom": str(pilot)})
    assert status == 200
    assert "force_full_resync" in await signals_of(temporal, pilot)
    row = page.partition("Operator actions")[2]
    assert (
        row.index("Ops Lead") < row.index("force full resync") < row.index(user_sync_id(pilot)) < row.index("accepted")
    )
    status, page = await operator.post("/admin/order", {"order": "pause", "whom": "12345"})
    assert status == 409
    assert "has never logged in here" in page


async def test_an_order_to_all_becomes_a_batch(operator: Visitor, furnished: FurnishedSite, temporal: Client) -> None:
    pilot = furnished.there.second_id
    await operator.post("/admin/order", {"order": "sync_now", "whom": str(pilot)})

    async def counted() -> bool:
        found = await temporal.count_workflows(f"WorkflowId = '{user_sync_id(pilot)}' AND ExecutionStatus = 'Running'")
        return found.count == 1

    await eventually(counted, "Temporal to count the workflow")
    status, page = await operator.post("/admin/order", {"order": "resume", "whom": "all"})
    assert status == 200
    assert "accepted; batch killreport-resume-" in page

    async def resumed() -> bool:
        return "resume" in await signals_of(temporal, pilot)

    await eventually(resumed, "the batch to reach the pilot")


@needs_chromium
@pytest.mark.browser
@pytest.mark.parametrize(("width", "script"), [(1280, True), (390, False)], ids=["desk", "phone without script"])
async def test_every_order_is_a_button(
    engine: Browser, furnished: FurnishedSite, temporal: Client, width: int, script: bool
) -> None:
    pilot = next(one for one in furnished.eve.pilots if one.character_id == furnished.there.pilot_id)
    options = {"viewport": {"width": width, "height": 900}, "java_script_enabled": script}
    context = await signed_in_context(engine, furnished.site, furnished.admin_id, **options)
    page = await context.new_page()
    newest = page.get_by_role("region", name="Operator actions").locator("tbody tr").first
    for button, order in (
        (f"Sync {pilot.name}", "sync_now"),
        (f"Full resync of {pilot.name}", "force_full_resync"),
        (f"Pause {pilot.name}", "pause"),
    ):
        await page.goto(f"{furnished.site.address}/admin")
        await page.get_by_role("button", name=button).click()
        await expect(newest).to_contain_text(f"{order.replace('_', ' ')}{user_sync_id(pilot.character_id)}accepted")
        assert order in await signals_of(temporal, pilot.character_id)
    for button, order in (
        ("Sync all now", "sync_now"),
        ("Fully resync all", "force_full_resync"),
        ("Pause all", "pause"),
        ("Resume all", "resume"),
    ):
        await page.goto(f"{furnished.site.address}/admin")
        await page.get_by_text("Sync, resync, pause or resume everyone").click()
        await page.get_by_role("button", name=button).click()
        await expect(newest).to_contain_text(order.replace("_", " "))
        await expect(newest).to_contain_text("accepted; batch")
    await context.close()


@pytest.mark.parametrize("form", [{"order": "terminate", "whom": "all"}, {"order": "pause", "whom": "x"}, {}])
async def test_nonsense_orders_are_refused_and_leave_no_trace(
    operator: Visitor, furnished: FurnishedSite, form: dict[str, str]
) -> None:
    before = await furnished.site.pool.fetchval("SELECT count(*) FROM admin_actions")
    assert (await operator.post("/admin/order", form))[0] == 400
    assert (await operator.post("/admin/order", form, {"Origin": "https://evil.invalid"}))[0] == 403
    assert await furnished.site.pool.fetchval("SELECT count(*) FROM admin_actions") == before


async def test_missing_killmails_are_shown_by_reason_with_their_workflow(
    operator: Visitor, furnished: FurnishedSite
) -> None:
    pool = furnished.site.pool
    await pool.execute(
        "INSERT INTO killmail_refs (killmail_id, killmail_hash, first_seen_by, last_error)"
        " VALUES (7, 'h', $1, 'a test')",
        furnished.there.pilot_id,
    )
    try:
        _, page = await operator.get("/admin")
    finally:
        await pool.execute("DELETE FROM killmail_refs WHERE killmail_id = 7")
    workflow = user_sync_id(furnished.there.pilot_id)
    assert "a test" in page
    namespace = furnished.site.services.settings.temporal_namespace
    assert f'href="http://temporal-ui.invalid/namespaces/{namespace}/workflows/{workflow}"' in page


async def test_odd_logins_are_pointed_out(operator: Visitor, furnished: FurnishedSite) -> None:
    pool = furnished.site.pool
    assert "Nothing unusual in the last hour." in (await operator.get("/admin"))[1]
    await pool.execute(
        "INSERT INTO login_events (outcome, network) SELECT 'denied', '203.0.113.0/24' FROM generate_series(1, 12)"
    )
    await pool.executemany(
        "INSERT INTO login_events (outcome, character_id, network) VALUES ('logged_in', $1, $2)",
        [(furnished.there.pilot_id, f"198.51.{third}.0/24") for third in range(3)],
    )
    try:
        _, page = await operator.get("/admin")
    finally:
        await pool.execute("DELETE FROM login_events")
    assert "12 failed logins from 203.0.113.0/24 in an hour" in page
    assert f"The account of {furnished.eve.pilots[0].name} logged in from 3 networks in an hour" in page
