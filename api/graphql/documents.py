"""Documents, parsed and validated once: four fifths of a small query's time otherwise (measured)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    parse,
    specified_rules,
    validate,
)

from api.errors import Code, Refused
from api.graphql.cost import CostPlans, Plan
from api.graphql.limits import MAX_TOKENS, endless_number, excess

REMEMBERED = 256
LONGEST_REMEMBERED = 16_384
"""Characters; documents above it are rare and would fill the memory."""
MAX_VALIDATION_ERRORS = 20


class InvalidDocument(Exception):
    """The document cannot be executed; `errors` say why, `code` at which stage."""

    def __init__(self, code: Code, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code = code
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Prepared:
    """A valid document, and what each of its operations costs."""

    document: DocumentNode
    plans: dict[str | None, Plan]


class Documents:
    """The least recently used valid documents of this process."""

    def __init__(self, schema: GraphQLSchema, *, introspection: bool = True) -> None:
        self._schema = schema
        self._rules = [*specified_rules, *([] if introspection else [NoSchemaIntrospectionCustomRule])]
        self._costs = CostPlans(schema)
        self._known: OrderedDict[str, Prepared] = OrderedDict()

    def prepare(self, text: str) -> Prepared:
        """Parse, validate and measure.

        Raises:
            InvalidDocument
        """
        if (known := self._known.get(text)) is not None:
            self._known.move_to_end(text)
            return known
        try:
            document = parse(text, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_TOKENS)
        except GraphQLSyntaxError as error:
            raise InvalidDocument(Code.PARSE_FAILED, [error]) from None
        except GraphQLError as error:  # nested deeper than the interpreter's stack
            raise InvalidDocument(Code.TOO_COMPLEX, [error]) from None
        if sentence := endless_number(document):
            raise InvalidDocument(Code.VALIDATION_FAILED, [Refused(Code.BAD_USER_INPUT, sentence)])
        if errors := validate(self._schema, document, self._rules, max_errors=MAX_VALIDATION_ERRORS):
            raise InvalidDocument(Code.VALIDATION_FAILED, errors)
        if sentence := excess(document):
            raise InvalidDocument(Code.TOO_COMPLEX, [Refused(Code.TOO_COMPLEX, sentence)])
        prepared = Prepared(document, self._costs.of(document))
        if len(text) <= LONGEST_REMEMBERED:
            self._known[text] = prepared
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return prepared
