"""What an API key may not do. Everything that is not named here needs a session: a new mutation is closed to keys."""

from __future__ import annotations

from collections.abc import Iterator

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
)

from api.errors import Code, Refused
from db.accounts.sessions import Caller, Scope

SCOPE_OF_MUTATION = {
    "syncNow": Scope.SYNC,
    "forceFullResync": Scope.SYNC,
    "pauseSync": Scope.SYNC,
    "resumeSync": Scope.SYNC,
    "estimateZkillboardImport": Scope.SYNC,
    "startZkillboardImport": Scope.SYNC,
    "cancelZkillboardImport": Scope.SYNC,
}
"""Mutations that a key of this scope may run."""
NEEDS_A_SESSION = "API keys cannot do this; log in on the site."


def refusal(document: DocumentNode, operation: OperationDefinitionNode, caller: Caller | None) -> Refused | None:
    """Why the caller's API key may not run this operation; None for all others."""
    if caller is None or caller.api_key_id is None:
        return None
    if operation.operation != OperationType.MUTATION:
        return None if Scope.READ in caller.scopes else _without(Scope.READ)
    for field in root_fields(document, operation.selection_set):
        scope = SCOPE_OF_MUTATION.get(field.name.value)
        if scope is None and field.name.value != "__typename":
            return Refused(Code.FORBIDDEN, NEEDS_A_SESSION)
        if scope is not None and scope not in caller.scopes:
            return _without(scope)
    return None


def session_only(caller: Caller) -> None:
    """For fields that tell of sessions and keys.

    Raises:
        Refused: an API key asks.
    """
    if caller.api_key_id is not None:
        raise Refused(Code.FORBIDDEN, NEEDS_A_SESSION)


def root_fields(document: DocumentNode, selection_set: SelectionSetNode) -> Iterator[FieldNode]:
    """The fields of a selection set of a valid document, fragments followed; `@skip` is not looked at."""
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, FragmentSpreadNode):
            yield from root_fields(document, _fragment(document, node.name.value).selection_set)
        elif isinstance(node, InlineFragmentNode):
            yield from root_fields(document, node.selection_set)


def _fragment(document: DocumentNode, name: str) -> FragmentDefinitionNode:
    return next(
        node for node in document.definitions if isinstance(node, FragmentDefinitionNode) and node.name.value == name
    )


def _without(scope: Scope) -> Refused:
    return Refused(Code.FORBIDDEN, f"This API key lacks the {scope.name} scope.")
