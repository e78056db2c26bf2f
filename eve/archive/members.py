"""A day of the archive, read as a stream: a tar packed by bzip2, one killmail a member.

Everything here is somebody else's word. Nothing is written to a disk, no member is trusted for its path, its size or
its content, and memory does not grow with what comes: a member at a time, a batch of those that are wanted.
"""

from __future__ import annotations

import bz2
import io
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

import msgspec

from eve.answer import MAX_BODY_BYTES
from eve.errors import MalformedBody, Unavailable
from eve.killmail import KillmailRef, is_killmail_hash, validate_killmail
from eve.wanted import Wanted, WantedKillmail

MOST_MEMBERS = 1_000_000
"""Of one day; the fullest one had below a tenth of it."""
MOST_UNPACKED = 16 * 1024**3
"""Bytes of one day; a usual one has 0.1 GB."""
MOST_HEADER = 64 * 1024
"""Bytes of a header that describes the next member: tarfile reads such a one whole."""
BATCH = 500
"""Killmails of a batch, at most: what is done once for each costs little then."""
LOOKED_AT = 5_000
"""Members that a batch has looked at, at most, however few are wanted."""
BATCH_BYTES = 8 * 1024 * 1024
"""A batch that has grown beyond this is complete."""
_NAME = re.compile(r"(?:\./)?(?:killmails/)?(?P<killmail_id>[1-9][0-9]{0,18})\.json")
_ADDED = ("killmail_hash", "http_last_modified")
"""What the archive adds to ESI's body."""
_BROKEN = (tarfile.TarError, OSError, ValueError, OverflowError)


class Refusal(StrEnum):
    """Why a member, or the rest of a day, was not taken."""

    NOT_A_FILE = "not_a_file"  # a link, a device
    PATH = "path"  # not `killmails/<id>.json`
    TOO_LARGE = "too_large"
    HASH = "hash"  # none, no hash, or another than ESI told us
    BODY = "body"  # not ESI's body of that id
    NOT_STORED = "not_stored"  # Postgres does not take it
    TRUNCATED = "truncated"  # the day ends in the middle: once, for all that is missing
    BROKEN = "broken"  # the same for what is no archive from here on
    TOO_MUCH = "too_much"  # the same for more than a day can hold


class _Header(tarfile.TarInfo):
    """A header that cannot make tarfile read without end, nor end an archive in silence."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        try:
            header = super().frombuf(buf, encoding, errors)
        except (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError) as error:  # type: ignore[attr-defined]
            raise tarfile.ReadError(str(error)) from None
        describes = header.type not in tarfile.SUPPORTED_TYPES or header.type in _DESCRIBES
        if header.size < 0 or (describes and header.size > MOST_HEADER):
            raise tarfile.ReadError("a header of an impossible size")
        return header


_DESCRIBES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.GNUTYPE_SPARSE,
)


class _Refused(Exception):
    def __init__(self, why: Refusal) -> None:
        super().__init__(str(why))
        self.why = why


class Members:
    """The members of one day, in its order. All of it blocks: to be used from a thread.

    `refused`: how many were not taken, by `Refusal`. `taken`: how many are ESI's bodies, wanted or not.
    """

    def __init__(self, packed: io.RawIOBase | io.BufferedIOBase, wanted: Wanted) -> None:
        self._packed = packed
        self._wanted = wanted
        self._found: Iterator[WantedKillmail | None] = self._read()
        self.taken = 0
        self.refused: Counter[str] = Counter()

    def batch(self) -> list[WantedKillmail] | None:
        """The next of those that are wanted; may be empty. None: there are no more.

        Raises:
            EveError: as the source does. What is wrong with the archive is counted instead.
        """
        batch: list[WantedKillmail] = []
        size = 0
        for looked_at, found in enumerate(self._found, start=1):
            if found is not None:
                batch.append(found)
                size += len(found.body)
            if len(batch) == BATCH or size > BATCH_BYTES or looked_at == LOOKED_AT:
                return batch
        return batch or None

    def _read(self) -> Iterator[WantedKillmail | None]:
        """Every member; None for one that is not wanted or was refused."""
        try:
            unpacked = bz2.BZ2File(self._packed)
            with tarfile.open(fileobj=unpacked, mode="r|", tarinfo=_Header) as archive:
                for _ in range(MOST_MEMBERS):
                    if (member := archive.next()) is None:
                        return
                    if archive.offset + member.size > MOST_UNPACKED:
                        break
                    archive.members.clear()  # type: ignore[attr-defined] # it would keep the headers of all
                    yield self._killmail_or_none(archive, member)
            self.refused[Refusal.TOO_MUCH] += 1
        except EOFError:
            self.refused[Refusal.TRUNCATED] += 1
        except _BROKEN:
            self.refused[Refusal.BROKEN] += 1

    def _killmail_or_none(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> WantedKillmail | None:
        try:
            return self._killmail(archive, member)
        except _Refused as refused:
            self.refused[refused.why] += 1
            return None

    def _killmail(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> WantedKillmail | None:
        if member.isdir():
            return None
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise _Refused(Refusal.NOT_A_FILE)
        name = _NAME.fullmatch(member.name)
        if name is None:
            raise _Refused(Refusal.PATH)
        if member.size > MAX_BODY_BYTES:
            raise _Refused(Refusal.TOO_LARGE)
        file = archive.extractfile(member)
        return self._checked(file.read() if file is not None else b"", int(name["killmail_id"]))

    def _checked(self, raw: bytes, killmail_id: int) -> WantedKillmail | None:
        try:
            members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
            added = {name: members.pop(name, None) for name in _ADDED}
            body = msgspec.json.encode(members)  # each member as it came: no number is read and written anew
            validate_killmail(body, killmail_id, "The archive")
            named = self._wanted.named_in(body)
        except (MalformedBody, Unavailable, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _Refused(Refusal.BODY) from None
        if (killmail_hash := _hash(added["killmail_hash"])) is None:
            raise _Refused(Refusal.HASH)
        self.taken += 1
        return WantedKillmail(KillmailRef(killmail_id, killmail_hash), named, body) if named else None


def _hash(raw: msgspec.Raw | None) -> str | None:
    try:
        found = msgspec.json.decode(raw) if raw is not None else None
    except msgspec.DecodeError:
        return None
    return found.lower() if isinstance(found, str) and is_killmail_hash(found) else None
