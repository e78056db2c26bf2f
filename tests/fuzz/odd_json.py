"""JSON as nobody agreed on it: good documents with something wrong in them, down to what is no JSON at all."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st

DEEP = 3_000
TIMES = (
    *("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z"),
    *("2020-02-30T00:00:00Z", "2016-12-31T23:59:60Z", "2020-01-01T24:00:00Z", "2020-01-01", "2020-01-01T00:00:00"),
    *("2020-01-01T00:00:00+99:99", "2020-01-01T00:00:00.123456789Z", "0001-01-01T00:00:00Z", "infinity", "-infinity"),
    *("9999-12-31T23:59:59.999999999Z", "now", "2020-01-01 00:00:00 Europe/Paris"),
)


class Written(str):
    """What stands in the JSON as it is."""


ODD_NUMBERS = tuple(
    Written(text)
    for text in (
        *("0", "-0", "-1", "1", "0.5", "1.0", "1e3", "1E400", "-1e400", "1e308", "5e-324", "1e-400", "00", "1.", "+1"),
        *("2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808"),
        *("-9223372036854775808", "-9223372036854775809", "18446744073709551616", "9" * 30, "9" * 5_000),
        *("0." + "1" * 400, "NaN", "Infinity", "-Infinity", "9007199254740993"),
    )
)
ODD_TEXTS = (
    *(
        "",
        " ",
        "0",
        "-1",
        "null",
        "9" * 5_000,
        "x" * 70_000,
        "\0",
        "\ud800",
        "\udfff\ud800",
        "\ufeff",
        "\u202e",
        "\ufffe",
    ),
    *("<script>", "=1+1", "' OR 1=1 --", "%00", "../../x", "{}", "\x7f\x1b[31m", "a\r\nb", "𐀀" * 300, "é" * 9, "٣"),
    *TIMES,
)
ODD_VALUES: tuple[Any, ...] = (
    *ODD_NUMBERS,
    *ODD_TEXTS,
    *(None, True, False, [], {}, [[]], [None], {"": None}, [{}], {"id": {}}),
    Written("[" * DEEP + "]" * DEEP),
    Written('{"items":[' * DEEP + "]}" * DEEP),
    Written('{"a":1,"a":2}'),
    Written("tru"),
    Written(""),
    Written('"\\u0000"'),
    Written('"\\ud800"'),
    Written('"\\x"'),
    Written('"a\tb"'),
)

leaves = st.one_of(
    st.sampled_from(ODD_VALUES),
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.integers(min_value=-(2**70), max_value=2**70),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
).map(copy.deepcopy)  # the next mutation may be in it
"""Any JSON, and a little more."""


def written(value: Any) -> str:
    """As JSON; `Written` stands as it is, a name that a mutation doubled stands twice."""
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(f"{json.dumps(str(name).rstrip(_TWICE))}:{written(one)}" for name, one in value.items())
            + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value)


_TWICE = "\N{ZERO WIDTH JOINER}"


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container of a document with each of its keys."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        for key, one in list(value.items() if isinstance(value, dict) else enumerate(value)):
            found.append((value, key))
            found += _places(one)
    return found


@st.composite
def mutated(draw: st.DrawFn, documents: st.SearchStrategy[Any], most: int = 3) -> str:
    """JSON of one of these documents with up to `most` things wrong in it."""
    document = copy.deepcopy(draw(documents))
    for _ in range(draw(st.integers(0, most))):
        places = _places(document)
        if not places:
            break
        container, key = places[draw(st.integers(0, len(places) - 1))]
        match draw(st.integers(0, 6)):
            case 0:
                del container[key]
            case 1 if isinstance(container, dict):
                container[f"{key}{_TWICE}"] = draw(values)
            case 1 | 2 if isinstance(container, list):
                container.insert(key, draw(st.one_of(values, st.just(copy.deepcopy(container[key])))))
            case 2:
                container[draw(st.one_of(st.text(max_size=8), st.just("x" * 5_000)))] = draw(values)
            case 3 if isinstance(container[key], int | float):
                container[key] = draw(st.sampled_from(ODD_NUMBERS))
            case 3 if isinstance(container[key], str):
                container[key] = draw(st.sampled_from(ODD_TEXTS))
            case _:
                container[key] = draw(values)
    return written(document)


@st.composite
def stretched(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> str:
    """JSON of one of these documents with values that are unusual, but of the kind that was there."""
    document = copy.deepcopy(draw(documents))
    for _ in range(draw(st.integers(1, 8))):
        places = _places(document)
        container, key = places[draw(st.integers(0, len(places) - 1))]
        match container[key]:
            case bool(was):
                container[key] = not was
            case int():
                container[key] = draw(st.sampled_from([0, 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, -1, 500_001]))
            case float():
                container[key] = draw(st.one_of(st.sampled_from([1e308, -1e308, 5e-324, -0.0, 10**30]), st.integers()))
            case str():
                container[key] = draw(st.sampled_from(TIMES))
            case list(many) if many:
                container[key] = draw(st.sampled_from([many * 2, many[:1], many[::-1], many + many[:1] * 9]))
            case dict(members):
                more: Any = draw(st.sampled_from([None, "", "x" * 9_000, [[]], 1.5, 10**40, "\ue000"]))
                members[f"more{len(members)}"] = copy.deepcopy(more)
    return written(document)


@st.composite
def damaged(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> bytes:
    """The bytes of one of these texts, one in four of them damaged on the way."""
    raw = draw(texts).encode("utf-8", "surrogatepass")
    place = draw(st.integers(0, len(raw)))
    match draw(st.integers(0, 15)):
        case 0:
            return raw[:place]
        case 1:
            return raw[:place] + draw(st.binary(min_size=1, max_size=8)) + raw[place:]
        case 2:
            return draw(
                st.sampled_from(
                    [b"\xef\xbb\xbf" + raw, raw + raw, raw + b"\0", raw.decode("utf-8", "replace").encode("utf-16")]
                )
            )
        case 3:
            return draw(
                st.one_of(st.binary(max_size=200), st.sampled_from([b"<html>down</html>", b'{"error":"no"}', b""]))
            )
    return raw
