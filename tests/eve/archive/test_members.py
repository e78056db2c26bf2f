"""A day of the archive, whatever somebody put into it."""

from __future__ import annotations

import bz2
import io
import tarfile
import tracemalloc

import orjson

from eve.archive.members import MOST_HEADER, Members, Refusal
from eve.wanted import Wanted
from sandbox.eve.archive import pack_day
from tests.db.bodies import body

PILOT = 2_119_000_001
OURS = Wanted(frozenset({PILOT}), frozenset())


def member(killmail_id: int, victim: int = PILOT) -> tuple[str, bytes]:
    killmail = {**body(killmail_id, victim=victim), "killmail_hash": "A" * 40, "http_last_modified": "yesterday"}
    return f"killmails/{killmail_id}.json", orjson.dumps(killmail)


def read(packed: bytes) -> tuple[list[int], dict[str, int]]:
    members, found = Members(io.BytesIO(packed), OURS), list[int]()
    while (batch := members.batch()) is not None:
        found += [one.ref.killmail_id for one in batch]
        assert all(one.ref.killmail_hash == "a" * 40 and b"killmail_hash" not in one.body for one in batch)
    return found, dict(members.refused)


def header(**fields: object) -> bytes:
    told = tarfile.TarInfo("killmails/9.json")
    for name, value in fields.items():
        setattr(told, name, value)
    return told.tobuf()


def test_what_is_no_killmail_is_counted_and_the_rest_is_read() -> None:
    plain = bz2.decompress(pack_day([member(1), ("killmails/../../2.json", b""), member(3, victim=5), member(4)]))
    end = plain.index(b"killmails/4.json")
    link = header(type=tarfile.SYMTYPE, linkname="/etc/passwd")
    huge = header(size=20 * 1024**2) + bytes(20 * 1024**2)
    packed = bz2.compress(plain[:end] + link) + bz2.compress(huge + plain[end:])  # packed in parts, side by side
    assert read(packed) == ([1, 4], {Refusal.PATH: 1, Refusal.NOT_A_FILE: 1, Refusal.TOO_LARGE: 1})
    assert read(packed[:-20])[1][Refusal.TRUNCATED] == 1
    assert read(bz2.compress(plain[:end] + b"nonsense" * 64)) == ([1], {Refusal.PATH: 1, Refusal.BROKEN: 1})
    assert read(b"<html>") == ([], {Refusal.BROKEN: 1})


def test_memory_stays_flat_however_much_there_is() -> None:
    few, many = pack_day(map(member, range(1, 301))), pack_day(map(member, range(1, 6001)))
    named_without_end = header(type=tarfile.GNUTYPE_LONGNAME, size=1024**3) + bytes(64 * 1024**2)
    endless = bz2.compress(named_without_end)
    tracemalloc.start()
    peaks = []
    for packed in (few, many, endless):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        _, refused = read(packed)
        peaks.append(tracemalloc.get_traced_memory()[1] - before)
    tracemalloc.stop()
    assert refused == {Refusal.BROKEN: 1}, f"a header of more than {MOST_HEADER} bytes is not read"
    assert max(peaks[1:]) < peaks[0] + 1024**2
