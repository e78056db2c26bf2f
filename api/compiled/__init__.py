"""Killmails straight from rows to JSON, by a plan made once per selection.

graphql-core resolves and completes every field of every row in Python: ten milliseconds for a page of fifty killmails
and everyone on them. Here the same page takes less than one. How:

1. `selection`: what the client selected below a field, collected by graphql-core itself, so that fragments, aliases,
   merged fields, type conditions, @skip and @include mean here what they mean there.
2. `killmails`: the table of the fields that are compiled. It turns a selection into a `Plan`: which columns to read,
   and a writer. Rows hold ids; columns are written as columns (`columns`), a row's text is one `%` of a template.
3. `facts`: names and the like by id, from this process's memory, each with its JSON per selection.
4. `plans`: plans by the document's own nodes, so that a document that is remembered (`api/graphql/documents.py`)
   keeps its plans, and the reads that the resolvers call.
5. `executor`: lets graphql-core take a field that is JSON already (`Rendered`) as completed.

A resolver asks for the compiled read and, on `NotCompiled`, goes on as if there were none: so whatever is not in the
table (other types, fields with arguments or resolvers of their own, a null where there must be none) gets the same
answer from graphql-core, and arguments, permissions, limits, time and errors are decided in one place for both.
`tests/api/compiled/test_compiled.py` compares both on random documents.
"""
