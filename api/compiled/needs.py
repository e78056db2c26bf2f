"""What the writers of killmails need to be read, and how an object is written by a table of its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from api.compiled.columns import Writer, objects
from api.compiled.entities import EntityKind
from api.compiled.selection import Field, NotCompiled, Selection
from db.killmails.rows import Wanted


@dataclass(slots=True)
class Needs:
    """What the writers ask for while they are made: columns, and in which of them are ids of entities."""

    wanted: Wanted = field(default_factory=Wanted)
    total: bool = False
    entities_of_killmails: set[tuple[EntityKind, str]] = field(default_factory=set)
    entities_of_participants: set[tuple[EntityKind, str]] = field(default_factory=set)


Compile = Callable[[Field, Needs], Writer]
Table = Mapping[str, Compile]


def compiled(table: Table, selection: Selection, needs: Needs) -> Writer:
    """The writer of objects whose fields are in `table`.

    Raises:
        NotCompiled: one is not.
    """

    def writer_of(field: Field) -> Writer:
        if (compile_field := table.get(field.name)) is None:
            raise NotCompiled(f"{selection.type_name}.{field.name}")
        return compile_field(field, needs)

    return objects(selection, writer_of)
