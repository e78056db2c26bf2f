"""Killmails straight from rows to JSON, by a plan made once per selection: every killmail that anybody is shown.

graphql-core resolves and completes every field of every row in Python: ten milliseconds for a page of fifty killmails
and everyone on them. Here the same page takes less than one. How:

1. `selection`: what is selected, as a tree. Of a client's document it is collected by graphql-core itself, so that
   fragments, aliases, merged fields, type conditions, @skip and @include mean here what they mean there. Pages and
   exports have constant selections of their own.
2. `killmails`, `connection`: the tables of the fields. They turn a selection into a `Plan` (`plans`): which columns to
   read, and a writer. Rows hold ids; columns are written as columns (`columns`), a row's text is one `%` of a template.
3. `entities`: names and the like by id, from this process's memory, each with its JSON per selection.
4. `reads`: what resolvers, subscriptions, pages and exports call.
5. `executor`: lets graphql-core take a field that is JSON already (`Rendered`) as completed.

What cannot be planned (a field that is in no table, one with arguments or a resolver of its own, a null where there
must be none) is read whole, and graphql-core completes it. `graphql_core` says what it completes by design, and counts
the killmails among it: there should be none. `tests/api/compiled` compares both on random documents.
"""
