"""What a revision does to a table that is in use, without stopping its writers: CONTRIBUTING.md, "Add a migration"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from alembic import op

PATIENCE_SECONDS = 600
"""How long building an index waits for transactions that are older than it. Nobody waits for it meanwhile."""
_INVALID = """
SELECT NOT pg_index.indisvalid
FROM pg_index
WHERE pg_index.indexrelid = to_regclass(quote_ident(:name))
"""


def create_index(name: str, table: str, columns: Sequence[str | sa.ColumnClause[Any]], **options: Any) -> None:
    """CREATE INDEX CONCURRENTLY. Must be all that its revision does, because it ends the revision's transaction.

    What an interrupted attempt left behind is invalid: it slows writers down and serves nobody. It is dropped, and the
    index made again. `options` are those of Alembic's `op.create_index`.
    """
    with _outside_a_transaction():
        if not op.get_context().as_sql and op.get_bind().scalar(sa.text(_INVALID), {"name": name}):
            op.drop_index(name, postgresql_concurrently=True)
        op.create_index(name, table, columns, postgresql_concurrently=True, if_not_exists=True, **options)


def drop_index(name: str, table: str) -> None:
    """DROP INDEX CONCURRENTLY. Must be all that its revision does."""
    with _outside_a_transaction():
        op.drop_index(name, table_name=table, postgresql_concurrently=True, if_exists=True)


@contextmanager
def _outside_a_transaction() -> Iterator[None]:
    context = op.get_context()
    with context.autocommit_block():
        # Behind a pooler the next statement may be on another connection of it: there the server's time-outs hold.
        if not context.opts.get("is_pooled"):
            op.execute(f"SET lock_timeout = '{PATIENCE_SECONDS}s'")
            op.execute("SET statement_timeout = 0")
        yield
