"""What is written about the project is true: links and paths lead somewhere, tables and pictures show what is there."""

from __future__ import annotations

import ast
import fnmatch
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from contracts.sync import SyncState
from tests.paths import ROOT

TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
TOP = {path.partition("/")[0] for path in TRACKED}
DOCUMENTS = [path for path in TRACKED if path.endswith(".md")]
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
PICTURES = sorted((ROOT / "docs/pictures").glob("*.svg"))
FILES = (".py", ".md", ".toml", ".lock", ".yaml", ".yml", ".graphql", ".example", ".svg", ".css", ".html")
SVG = "{http://www.w3.org/2000/svg}"


def prose(document: str) -> str:
    """The document without its blocks of code."""
    return re.sub(r"^```.*?^```|^    .*?$", "", (ROOT / document).read_text(), flags=re.DOTALL | re.MULTILINE)


def in_backticks(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def first_cells(document: str, header: str) -> set[str]:
    """What is in backticks in the first column of the table with this head."""
    (table,) = re.findall(rf"^\| {header} \|.*?\n\n", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)
    return in_backticks("\n".join(line.split("|")[1] for line in table.splitlines() if line))


def is_path(word: str) -> bool:
    """Of a file of ours, as far as one can tell: in a room of ours, or with a suffix that our files have."""
    if not re.fullmatch(r"[\w.*-]+(/[\w.*-]+)*/?", word) or word.startswith("*"):
        return False
    return word.endswith(FILES) or ("/" in word and word.partition("/")[0] in TOP)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_and_path_leads_somewhere(document: str) -> None:
    here = (ROOT / document).parent
    text = prose(document)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith("https://")]
    assert [link for link in links if not (here / link.partition("#")[0]).exists()] == []
    paths = [word for word in in_backticks(text) if is_path(word)]
    assert [path for path in paths if not any(any(base.glob(path.rstrip("/"))) for base in (ROOT, here))] == []


def test_code_refers_to_documents_that_exist() -> None:
    missing = [
        f"{path}: {document}"
        for path in TRACKED
        if path.endswith((".py", ".html", ".graphql", ".toml", ".yaml", ".yml", ".example"))
        for document in re.findall(r"\bdocs/(?:decisions/\d+[\w-]*|\w+\.md)", (ROOT / path).read_text())
        if not any(ROOT.glob(f"{document}*"))
    ]
    assert missing == []


def test_decisions_are_numbered_and_told_alike() -> None:
    assert [path.name[:5] for path in DECISIONS] == [f"{number:04}-" for number in range(1, len(DECISIONS) + 1)]
    for number, path in enumerate(DECISIONS, start=1):
        text = path.read_text()
        assert re.match(rf"# {number}\. \S", text), path.name
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Decided", "Why", "Price"], path.name


def test_the_readme_names_every_room() -> None:
    named = {name.rstrip("/") for name in first_cells("README.md", "room")}
    visible = {name for name in TOP if not name.startswith(".")}
    assert {name for name in visible if not any(fnmatch.fnmatch(name, pattern) for pattern in named)} == set()


def test_the_architecture_names_every_wing() -> None:
    wings = {
        f"{path.parent.relative_to(ROOT)}/"
        for room in ("db", "eve", "api")
        for path in (ROOT / room).glob("*/__init__.py")
        if path.parent.name != "migrations"
    }
    assert first_cells("docs/architecture.md", "wing") == wings


def test_every_attack_that_is_made_is_written_down() -> None:
    written = set(re.findall(r"`attacks/(\w+\.py)::(test_\w+)`", (ROOT / "docs/security.md").read_text()))
    made = {
        (path.name, name)
        for path in (ROOT / "tests/attacks").glob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    assert made <= written


def test_every_test_that_is_said_to_show_something_exists() -> None:
    said = re.findall(r"`([\w/]+\.py)(?:::(test_\w+))?`", (ROOT / "docs/security.md").read_text())
    assert said
    missing = [(path, name) for path, name in said if f"def {name}" not in (ROOT / "tests" / path).read_text()]
    assert missing == []


def test_operators_find_every_state() -> None:
    assert first_cells("docs/operating.md", "state") == set(SyncState)


def test_contributors_find_every_verb() -> None:
    verbs = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert first_cells("CONTRIBUTING.md", "verb") == {f"make {verb}" for verb in verbs if verb != "help"}


def test_every_door_is_in_the_table_of_fuzzing_with_its_inputs() -> None:
    modules = [path.read_text() for path in (ROOT / "tests/fuzz").glob("test_*.py")]
    doors = [name for module in modules for name in re.findall(r'^@door\("([^"]+)"', module, re.MULTILINE)]
    table = re.findall(r"^\| ([^|]+) \| `[^`]+` \| ([\d,]+) \|$", (ROOT / "docs/fuzzing.md").read_text(), re.MULTILINE)
    assert sorted(name for name, _ in table) == sorted(doors)
    assert all(int(inputs.replace(",", "")) > 100 for _, inputs in table)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_a_picture_can_be_read(picture: Path) -> None:
    """Anywhere: it has a size, text that is text, words for those who cannot see it, colours for both themes."""
    text = picture.read_text()
    root = ElementTree.fromstring(text)  # noqa: S314 - our own
    assert root.tag == f"{SVG}svg"
    assert root.get("viewBox")
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")
    assert len(list(root.iter(f"{SVG}text"))) > 10
    assert "prefers-color-scheme: dark" in text
    assert "href" not in text


def test_the_picture_of_the_house_shows_who_imports_whom() -> None:
    root = ElementTree.parse(ROOT / "docs/pictures/house.svg").getroot()  # noqa: S314 - our own
    shown = {
        room.get("id"): set((line.text or "").removeprefix("imports ").split())
        for room in root.iter(f"{SVG}g")
        for line in room.iter(f"{SVG}text")
        if line.get("class") == "imports"
    }
    rooms = {name.removesuffix(".py") for name in TOP if name.endswith(".py") or (ROOT / name / "__init__.py").exists()}
    assert set(shown) == rooms - {"tests"}
    for room, drawn in shown.items():
        assert drawn == (imported_rooms(str(room), rooms) or {"nothing"}), room


def imported_rooms(room: str, rooms: set[str]) -> set[str]:
    files = [path for path in TRACKED if path == f"{room}.py" or (path.startswith(f"{room}/") and path.endswith(".py"))]
    modules = {module.partition(".")[0] for path in files for module in imported_modules(ROOT / path)}
    return (modules & rooms) - {room}


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
