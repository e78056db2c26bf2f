"""`KillmailConnection`: a page of killmails with its cursors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from api.compiled import columns
from api.compiled.columns import Batch, Writer
from api.compiled.killmails import KILLMAIL
from api.compiled.needs import Compile, Needs, Table, compiled
from api.compiled.nodes import write_node
from api.compiled.page import Page
from api.compiled.selection import Field
from db.killmails.pages import COUNTED


class Connection(Batch):
    """One row: the page."""

    def __init__(self, page: Page, total: int | None) -> None:
        super().__init__(1, {}, page.entities)
        self.page = page
        self.page_info = {"hasNextPage": page.has_more, "endCursor": page["cursor"][-1] if page.size else None}
        if total is not None:
            self.columns = {"total": [min(total, COUNTED)], "total_is_exact": [total <= COUNTED]}


def _list_of(table: Table, field: Field, needs: Needs) -> Writer:
    write = compiled(table, field.selection, needs)

    def write_list(connection: Batch) -> Sequence[str]:
        return ["[" + ",".join(write(cast(Connection, connection).page)) + "]"]

    return write_list


def _page_info(field: Field, _: Needs) -> Writer:
    return lambda connection: [write_node(field.selection, cast(Connection, connection).page_info)]


def _total(make: Callable[[str, Field], Writer], column: str) -> Compile:
    def compile_field(field: Field, needs: Needs) -> Writer:
        needs.total = True
        return make(column, field)

    return compile_field


EDGE: Table = {
    "cursor": lambda field, _: columns.plain_text("cursor", field),
    "node": lambda field, needs: compiled(KILLMAIL, field.selection, needs),
}
CONNECTION: Table = {
    "nodes": lambda field, needs: _list_of(KILLMAIL, field, needs),
    "edges": lambda field, needs: _list_of(EDGE, field, needs),
    "pageInfo": _page_info,
    "totalCount": _total(columns.small_integer, "total"),
    "totalCountIsExact": _total(columns.flag, "total_is_exact"),
}
