"""What goes through Temporal comes out as it went in, and the SDK's own conversion reads and writes the same JSON."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter

from contracts.activities import POLICIES
from contracts.corporations import CorporationSyncState
from contracts.imports import ImportRunState
from contracts.sync import SyncStatus, UserSyncState
from temporal.payload_converter import PayloadConverter

STATES = {UserSyncState, CorporationSyncState, ImportRunState, SyncStatus}
THROUGH_TEMPORAL = sorted(
    {kind for policy in POLICIES.values() for kind in (policy.takes, policy.answers) if dataclasses.is_dataclass(kind)}
    | STATES,
    key=lambda kind: kind.__name__,
)
OURS, SDKS = PayloadConverter(), DataConverter.default.payload_converter

st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@pytest.mark.parametrize("kind", THROUGH_TEMPORAL, ids=lambda kind: kind.__name__)
@settings(max_examples=10, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_either_conversion_reads_what_the_other_wrote(kind: type, data: st.DataObject) -> None:
    value = data.draw(st.from_type(kind))
    ours, sdks = OURS.to_payloads([value]), SDKS.to_payloads([value])
    assert ours[0].metadata == sdks[0].metadata
    assert json.loads(ours[0].data).keys() == json.loads(sdks[0].data).keys()
    for written in (ours, sdks):
        assert OURS.from_payloads(written, [kind]) == SDKS.from_payloads(written, [kind]) == [value]


def test_fields_that_a_newer_or_older_version_has_are_no_obstacle() -> None:
    written = Payload(metadata={"encoding": b"json/plain"}, data=b'{"character_id": 5, "of_tomorrow": [1]}')
    assert OURS.from_payloads([written], [UserSyncState]) == [UserSyncState(5)]


@pytest.mark.parametrize("data", [b'{"character_id": "five"}', b'{"character_id": null}', b"{}", b"5", b"{"])
def test_what_is_no_such_thing_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        OURS.from_payloads([Payload(metadata={"encoding": b"json/plain"}, data=data)], [UserSyncState])


def test_nothing_bytes_and_what_has_no_type_are_the_sdks() -> None:
    values = [None, b"\x00", {"a": [1, 2.5, "b", None]}, "text", 7]
    assert OURS.from_payloads(SDKS.to_payloads(values)) == SDKS.from_payloads(OURS.to_payloads(values)) == values
