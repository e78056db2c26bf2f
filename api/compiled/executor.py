"""What graphql-core must know of this room: an object that is JSON already is complete, and the others are counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLList, GraphQLObjectType, GraphQLOutputType, GraphQLResolveInfo
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental
from graphql.pyutils import AwaitableOrValue, Path

from api.compiled.graphql_core import note_completed


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a resolver returns instead of an object or a list of them: its JSON, with exactly the selected fields."""

    json: str


class RenderedAware(ExecutorThrowingOnIncremental):
    """graphql-core's executor; puts `Rendered` into the answer as `orjson.Fragment`, which only orjson can dump."""

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: None,
    ) -> AwaitableOrValue[dict[str, Any]]:
        if isinstance(result, Rendered):
            return orjson.Fragment(result.json)  # type: ignore[return-value]
        note_completed(info.parent_type.name, info.field_name, return_type.name)
        return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: None,
    ) -> AwaitableOrValue[list[Any]]:
        if isinstance(result, Rendered):
            return orjson.Fragment(result.json)  # type: ignore[return-value]
        return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)
