"""Run one operation, the same way over HTTP and over a socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    execute,
    get_argument_values,
    get_operation_ast,
    get_variable_values,
)
from graphql.execution.values import VariableValues

from api.caller import Credentials, viewer_or_stranger
from api.compiled.executor import RenderedAware
from api.errors import Code, Refused, plain_error
from api.graphql import permissions
from api.graphql.cost import MAX_COST
from api.graphql.documents import Documents, InvalidDocument
from api.graphql.errors import shown_error
from api.graphql.measured import count_errors, measured
from api.graphql.persisted import BadPersistedQuery, persisted_hash
from api.services import Services
from db.accounts.sessions import Caller
from db.killmails.filter import Viewer

Answer = dict[str, Any]
OPERATION_SECONDS = 20.0
"""A query or mutation that takes longer is given up."""


class MalformedRequest(Exception):
    """The request is not a GraphQL request; the message is for the client."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What the client sent (GraphQL over HTTP, request parameters)."""

    query: str | None
    """None: only its hash was sent."""
    variables: dict[str, Any] | None
    operation_name: str | None
    sha256: str | None = None
    """Of a persisted query."""

    @classmethod
    def from_json(cls, body: object) -> Operation:
        """Check types and shape.

        Raises:
            MalformedRequest
        """
        if not isinstance(body, dict):
            raise MalformedRequest("The request must be one JSON object; batching is not supported.")
        query, variables, name = body.get("query"), body.get("variables"), body.get("operationName")
        extensions = body.get("extensions")
        if not isinstance(extensions, dict | None):
            raise MalformedRequest("`extensions` must be an object or null.")
        if query is not None and (not isinstance(query, str) or not query):
            raise MalformedRequest("`query` must be a string with a GraphQL document.")
        try:
            sha256 = persisted_hash(extensions, query)
        except BadPersistedQuery as bad:
            raise MalformedRequest(str(bad)) from None
        if query is None and sha256 is None:
            raise MalformedRequest("`query` must be a string with a GraphQL document.")
        if not isinstance(variables, dict | None):
            raise MalformedRequest("`variables` must be an object or null.")
        if not isinstance(name, str | None):
            raise MalformedRequest("`operationName` must be a string or null.")
        return cls(query, variables, name, sha256)


@dataclass(frozen=True, slots=True)
class Planned:
    """An operation that may be executed: its document is valid and within the limits, and its cost is known."""

    operation: Operation
    document: DocumentNode
    kind: OperationType | None
    """None when the document has several and none was named."""
    cost: int


@dataclass(frozen=True, slots=True)
class Followed:
    """The field of a subscription and what is selected of it (`api.compiled.selection.SelectedField`), its arguments,
    and which of them are variables of what name."""

    schema: GraphQLSchema
    parent_type: GraphQLObjectType
    field_name: str
    return_type: GraphQLOutputType
    field_nodes: list[FieldNode]
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    variable_values: VariableValues
    arguments: dict[str, Any]
    variable_of: dict[str, str]


@dataclass(frozen=True, slots=True)
class Context:
    """What every resolver gets as `info.context`."""

    services: Services
    caller: Caller | None
    credentials: Credentials | None
    request_id: str

    async def viewer(self) -> Viewer | None:
        """What the caller may see; None: nobody is logged in, and nothing is public."""
        return await viewer_or_stranger(self.services, self.caller)


Info: TypeAlias = GraphQLResolveInfo[Context]


class Executor:
    """Executes operations against the schema. Answers are ready for JSON; errors in them are masked."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool = True) -> None:
        self._schema = schema
        self._documents = Documents(schema, introspection=introspection)

    async def plan(self, operation: Operation, context: Context) -> Planned:
        """Find, parse, validate and measure the document, and see whether the caller may run it.

        Raises:
            InvalidDocument
        """
        text = operation.query
        persisted = context.services.persisted_queries
        if text is None and operation.sha256 is not None:
            text = await persisted.find(operation.sha256)
        if text is None:
            # The words that clients of the protocol look for.
            refused = Refused(Code.PERSISTED_QUERY_NOT_FOUND, "PersistedQueryNotFound")
            raise InvalidDocument(Code.PERSISTED_QUERY_NOT_FOUND, [refused])
        prepared = self._documents.prepare(text)
        found = get_operation_ast(prepared.document, operation.operation_name)
        plan = prepared.plans.get(operation.operation_name)
        cost = 1 if plan is None else max(1, plan.cost(operation.variables or {}))
        if cost > MAX_COST:
            sentence = f"This operation costs {cost:,}; the limit is {MAX_COST:,}. Use smaller pages or fewer fields."
            raise InvalidDocument(Code.TOO_COMPLEX, [Refused(Code.TOO_COMPLEX, sentence)])
        if found is not None and (refusal := permissions.refusal(prepared.document, found, context.caller)):
            raise InvalidDocument(Code.FORBIDDEN, [refusal])
        if operation.sha256 is not None and context.caller is not None:
            await persisted.keep(operation.sha256, text)
        return Planned(operation, prepared.document, None if found is None else found.operation, cost)

    async def answer(self, planned: Planned, context: Context) -> Answer:
        """The result of a query or mutation; without `data` if it was never executed."""
        with measured(planned.document, planned.operation.operation_name, planned.cost):
            answer = await self._executed(planned, context)
        count_errors(answer)
        return answer

    async def _executed(self, planned: Planned, context: Context) -> Answer:
        if planned.kind == OperationType.SUBSCRIPTION:
            message = "Subscriptions are available over graphql-transport-ws at this address."
            return {"errors": [plain_error(Code.BAD_REQUEST, message)]}
        try:
            async with asyncio.timeout(OPERATION_SECONDS):
                running = execute(
                    self._schema,
                    planned.document,
                    context_value=context,
                    variable_values=planned.operation.variables,
                    operation_name=planned.operation.operation_name,
                    executor_class=RenderedAware,
                )
                result = await running if isawaitable(running) else running
        except TimeoutError:
            return {"errors": [plain_error(Code.TIMEOUT, f"The operation timed out after {OPERATION_SECONDS:.0f} s.")]}
        return result_answer(result, context)

    def followed(self, planned: Planned) -> Followed:
        """The field that a subscription follows.

        Raises:
            InvalidDocument: the variables do not fit.
        """
        definition = get_operation_ast(planned.document, planned.operation.operation_name)
        root = self._schema.subscription_type
        assert definition is not None and root is not None  # noqa: PT018, S101 - it was planned
        values = get_variable_values(
            self._schema, definition.variable_definitions or (), planned.operation.variables or {}
        )
        if isinstance(values, list):
            raise InvalidDocument(Code.BAD_USER_INPUT, values)
        # The specification allows one field, which may be written several times, and no condition on it.
        field, *again = permissions.root_fields(planned.document, definition.selection_set)
        known = root.fields[field.name.value]
        try:
            arguments = get_argument_values(known, field, values)
        except GraphQLError as error:
            raise InvalidDocument(Code.BAD_USER_INPUT, [error]) from None
        return Followed(
            schema=self._schema,
            parent_type=root,
            field_name=field.name.value,
            return_type=known.type,
            field_nodes=[field, *again],
            operation=definition,
            fragments={
                one.name.value: one for one in planned.document.definitions if isinstance(one, FragmentDefinitionNode)
            },
            variable_values=values,
            arguments=arguments,
            variable_of={
                argument.name.value: argument.value.name.value
                for argument in field.arguments or ()
                if isinstance(argument.value, VariableNode)
            },
        )

    async def event(self, planned: Planned, root: dict[str, Any], context: Context) -> Answer:
        """What the subscription says of something that happened."""
        async with asyncio.timeout(OPERATION_SECONDS):
            running = execute(
                self._schema,
                planned.document,
                root,
                context_value=context,
                variable_values=planned.operation.variables,
                operation_name=planned.operation.operation_name,
                executor_class=RenderedAware,
            )
            return result_answer(await running if isawaitable(running) else running, context)


def result_answer(result: ExecutionResult, context: Context) -> Answer:
    """A result as JSON. One whose errors have no path was never executed and has no `data`."""
    errors: list[GraphQLError] = result.errors or []
    answer: Answer = {}
    if errors:
        answer["errors"] = [shown_error(error, context.request_id) for error in errors]
    if result.data is not None or any(error.path for error in errors):
        answer["data"] = result.data
    return answer


def refusal_answer(invalid: InvalidDocument, context: Context) -> Answer:
    """Why nothing was executed."""
    answer: Answer = {"errors": [shown_error(error, context.request_id, invalid.code) for error in invalid.errors]}
    count_errors(answer)
    return answer
