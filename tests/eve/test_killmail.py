import orjson
import pytest

from eve.errors import MalformedBody, Unavailable
from eve.killmail import KillmailRef, validate_killmail
from tests.eve.smallest_killmail import SMALLEST
from tests.paths import SHARED_DATA

CORPUS = sorted((SHARED_DATA / "killmails").glob("[0-9]*.json"))


def changed(path: str, value: object) -> bytes:
    document = orjson.loads(orjson.dumps(SMALLEST))
    *parents, last = path.split(".")
    place = document
    for parent in parents:
        place = place[int(parent)] if isinstance(place, list) else place.setdefault(parent, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    return orjson.dumps(document)


@pytest.mark.skipif(not CORPUS, reason="the shared corpus is not here")
def test_every_real_killmail_is_accepted() -> None:
    for file in CORPUS:
        validate_killmail(file.read_bytes(), int(file.stem))
    assert len(CORPUS) > 20


def test_the_smallest_killmail_esi_may_send_is_accepted() -> None:
    validate_killmail(orjson.dumps(SMALLEST), 7)


def test_fields_nobody_knows_yet_are_ignored() -> None:
    validate_killmail(changed("victim.corporation_title", ["Boss"]), 7)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("killmail_time", None),
        ("killmail_time", "yesterday"),
        ("killmail_time", "2011-03-04T05:06:07"),
        ("killmail_time", 1299215167),
        ("killmail_time", "2011-02-31T05:06:07Z"),
        ("solar_system_id", "30000142"),
        ("solar_system_id", 2**63),
        ("victim", None),
        ("victim.ship_type_id", None),
        ("victim.damage_taken", "many"),
        ("victim.position", {"x": 1.0, "y": 2.0}),
        ("victim.items", [{"item_type_id": 34, "flag": 5}]),
        ("victim.items", [{"item_type_id": 34, "flag": 5, "singleton": 0, "items": [{"flag": 5}]}]),
        ("killmail_time", "9999-12-31T23:59:59-14:00"),  # in UTC beyond Python's calendar
        ("killmail_time", "0001-01-01T00:00:00+14:00"),
        ("attackers", None),
        ("attackers", {}),
        ("attackers.0.final_blow", 1),
        ("attackers.0.character_id", True),
        ("attackers.0.damage_done", None),
    ],
)
def test_what_breaks_the_contract_is_refused(path: str, value: object) -> None:
    with pytest.raises(MalformedBody):
        validate_killmail(changed(path, value), 7)


def test_damage_that_cannot_be_added_up_is_refused() -> None:
    shot = {"security_status": 0, "final_blow": False, "damage_done": 2**62}
    validate_killmail(changed("attackers", [shot]), 7)
    with pytest.raises(MalformedBody):
        validate_killmail(changed("attackers", [shot, {**shot, "damage_done": -(2**62)}]), 7)


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"null",
        orjson.dumps(SMALLEST).replace(b'"solar_system_id"', b'"note":"\\u0000","solar_system_id"'),
        orjson.dumps(SMALLEST).replace(b"05:06:07Z", b"\xff"),
        orjson.dumps({**SMALLEST, "killmail_id": 8}),
        orjson.dumps(SMALLEST).replace(b'"solar_system_id"', b'"note":1e999,"solar_system_id"'),
        orjson.dumps(SMALLEST).replace(b'"solar_system_id"', b'"note":-1' + b"0" * 400 + b',"solar_system_id"'),
    ],
)
def test_what_cannot_be_stored_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedBody):
        validate_killmail(raw, 7)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b'{"killmail_id": 7',
        orjson.dumps(SMALLEST).replace(b'"security_status":0', b'"security_status":NaN'),
        orjson.dumps(SMALLEST).replace(b'"victim"', b'"note":NaN,"victim"'),
        orjson.dumps(SMALLEST).replace(b'"victim"', b'"note":"\\ud800","victim"'),
        b'{"note":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"error":"ESI is currently in maintenance mode. Please try again later."}',
    ],
)
def test_what_is_no_killmail_at_all_says_nothing_of_the_killmail(raw: bytes) -> None:
    with pytest.raises(Unavailable):
        validate_killmail(raw, 7)


def test_a_refusal_quotes_nothing_of_the_body() -> None:
    with pytest.raises(MalformedBody) as refused:
        validate_killmail(changed("solar_system_id", "a-secret-in-a-body"), 7)
    assert "solar_system_id" in str(refused.value)
    assert "a-secret" not in str(refused.value)


def test_a_reference_does_not_show_its_hash() -> None:
    assert "ab" * 20 not in repr(KillmailRef(7, "ab" * 20))
