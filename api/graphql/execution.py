"""Run one operation, the same way over HTTP and over a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationType,
    execute,
    get_operation_ast,
    subscribe,
)

from api.authentication import Credentials
from api.compiled.executor import RenderedAware
from api.graphql import permissions
from api.graphql.documents import Documents, InvalidDocument
from api.graphql.errors import Code, plain_error, shown_error
from api.services import Services
from db.sessions import Caller

Answer = dict[str, Any]
OPERATION_SECONDS = 20.0
"""A query or mutation that takes longer is given up."""


class MalformedRequest(Exception):
    """The request is not a GraphQL request; the message is for the client."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What the client sent (GraphQL over HTTP, request parameters)."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None

    @classmethod
    def from_json(cls, body: object) -> Operation:
        """Check types and shape.

        Raises:
            MalformedRequest
        """
        if not isinstance(body, dict):
            raise MalformedRequest("The request must be one JSON object; batches are not taken.")
        query, variables, name = body.get("query"), body.get("variables"), body.get("operationName")
        if not isinstance(query, str) or not query:
            raise MalformedRequest("`query` must be a string with a GraphQL document.")
        if not isinstance(variables, dict | None):
            raise MalformedRequest("`variables` must be an object or null.")
        if not isinstance(name, str | None):
            raise MalformedRequest("`operationName` must be a string or null.")
        if not isinstance(body.get("extensions"), dict | None):
            raise MalformedRequest("`extensions` must be an object or null.")
        return cls(query, variables, name)


@dataclass(frozen=True, slots=True)
class Context:
    """What every resolver gets as `info.context`."""

    services: Services
    caller: Caller | None
    credentials: Credentials | None
    request_id: str

    async def caller_now(self) -> Caller | None:
        """Who that is by now: a subscription outlives a log-out and an added character."""
        return None if self.credentials is None else await self.credentials.caller(self.services.pool)


Info: TypeAlias = GraphQLResolveInfo[Context]


class Executor:
    """Executes operations against the schema. Answers are ready for JSON; errors in them are masked."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool = True) -> None:
        self._schema = schema
        self._documents = Documents(schema, introspection=introspection)

    def is_mutation(self, operation: Operation) -> bool:
        """Whether this asks for a change; False also for what cannot be executed at all."""
        try:
            return _kind(self._documents.prepare(operation.query), operation) == OperationType.MUTATION
        except InvalidDocument:
            return False

    async def answer(self, operation: Operation, context: Context) -> Answer:
        """The result of a query or mutation; without `data` if it was never executed."""
        try:
            document = self._documents.prepare(operation.query)
        except InvalidDocument as invalid:
            return _refusal(invalid, context)
        if (refused := _permission(document, operation, context)) is not None:
            return refused
        if _kind(document, operation) == OperationType.SUBSCRIPTION:
            message = "Subscriptions are served over graphql-transport-ws on this address."
            return {"errors": [plain_error(Code.BAD_REQUEST, message)]}
        try:
            async with asyncio.timeout(OPERATION_SECONDS):
                running = execute(
                    self._schema,
                    document,
                    context_value=context,
                    variable_values=operation.variables,
                    operation_name=operation.operation_name,
                    executor_class=RenderedAware,
                )
                result = await running if isawaitable(running) else running
        except TimeoutError:
            return {"errors": [plain_error(Code.TIMEOUT, f"Given up after {OPERATION_SECONDS:.0f} s.")]}
        return result_answer(result, context)

    async def stream(self, operation: Operation, context: Context) -> Answer | AsyncIterator[ExecutionResult]:
        """The results of a subscription as they come, or one answer for anything else or a refusal."""
        try:
            document = self._documents.prepare(operation.query)
        except InvalidDocument as invalid:
            return _refusal(invalid, context)
        if _kind(document, operation) != OperationType.SUBSCRIPTION:
            return await self.answer(operation, context)
        if (refused := _permission(document, operation, context)) is not None:
            return refused
        started: Any = subscribe(
            self._schema,
            document,
            context_value=context,
            variable_values=operation.variables,
            operation_name=operation.operation_name,
        )
        if isinstance(started, Awaitable):
            started = await started
        if isinstance(started, ExecutionResult):
            return {"errors": [shown_error(error, context.request_id) for error in started.errors or []]}
        stream: AsyncIterator[ExecutionResult] = started
        return stream


def result_answer(result: ExecutionResult, context: Context) -> Answer:
    """A result as JSON. One whose errors have no path was never executed and has no `data`."""
    errors: list[GraphQLError] = result.errors or []
    answer: Answer = {}
    if errors:
        answer["errors"] = [shown_error(error, context.request_id) for error in errors]
    if result.data is not None or any(error.path for error in errors):
        answer["data"] = result.data
    return answer


def _kind(document: DocumentNode, operation: Operation) -> OperationType | None:
    found = get_operation_ast(document, operation.operation_name)
    return found.operation if found else None


def _permission(document: DocumentNode, operation: Operation, context: Context) -> Answer | None:
    found = get_operation_ast(document, operation.operation_name)
    refused = None if found is None else permissions.refusal(document, found, context.caller)
    return None if refused is None else {"errors": [shown_error(refused, context.request_id)]}


def _refusal(invalid: InvalidDocument, context: Context) -> Answer:
    return {"errors": [shown_error(error, context.request_id, invalid.code) for error in invalid.errors]}
