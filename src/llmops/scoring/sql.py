"""A scorer of SQL, by sqlglot (extra `sql`)."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from llmops.domain.node import Node
from llmops.domain.score import Score
from llmops.errors import CannotScoreError, did_you_mean
from llmops.loading.shapes import entry
from llmops.scoring.base import ArgumentError, Resources, Scorer, ScorerExample, Subject, scorer
from llmops.scoring.extras import need_extra
from llmops.scoring.limits import check_length
from llmops.scoring.wording import listing, name_of, shorten

MAX_CHARACTERS = 100_000
"""The longest text that is parsed: about a second's work."""

_STATEMENT_KEYS = """
alter analyze attach cache comment commit copy create declare delete describe detach drop except
execute export grant insert intersect kill loaddata merge pragma refresh revoke rollback select set
setoperation show subquery summarize transaction truncatetable uncache union update use values
"""
_STATEMENTS = frozenset(_STATEMENT_KEYS.split())
"""What sqlglot calls the expressions that are statements."""


@scorer(
    "is_sql",
    primary="dialect",
    extra="sql",
    examples=(
        ScorerExample(arguments="", output="SELECT id FROM orders WHERE total > 10;", passes=True),
        ScorerExample(arguments="", output="SELECT FROM WHERE", passes=False),
        ScorerExample(arguments="", output="Sure! SELECT 1", passes=False),
        ScorerExample(arguments="", output="refund", passes=False),
        ScorerExample(
            arguments="{tables: [orders]}", output="SELECT * FROM customers", passes=False
        ),
        ScorerExample(
            arguments="{dialect: postgres, tables: [orders]}",
            output="WITH big AS (SELECT * FROM orders) SELECT * FROM big",
            passes=True,
        ),
        ScorerExample(
            arguments="{single: true}", output="SELECT 1; DROP TABLE orders", passes=False
        ),
        ScorerExample(arguments="", output="", passes=False),
        ScorerExample(arguments="", output="CALL tidy()", passes=None),
    ),
)
@dataclass(frozen=True, slots=True, kw_only=True)
class IsSql:
    """Passes when the whole output is SQL: one or more statements that parse.

    `dialect` is one of sqlglot's, such as postgres, mysql, sqlite, bigquery or tsql; without it
    the common ground of all is taken. A lone word or value is no statement. A statement that sqlglot
    does not parse but only knows by its first word, such as `VACUUM`, leaves the assertion
    unscored. Comments are allowed; a Markdown fence is not.

    `tables` lists all that may be read or written, compared without case: `orders` allows `orders`
    and `sales.orders` allows `sales.orders`, not each other. Names of common table expressions are
    no tables. Functions that read files in place of a table are not allowed. An output of more than
    100,000 characters, or one nested too deeply, leaves the assertion unscored. Empty output fails.
    """

    slow: ClassVar[bool] = True

    dialect: str | None = entry("The dialect, by sqlglot's name for it.", default=None)
    tables: tuple[str, ...] | None = entry("The only tables that may appear.", default=None)
    single: bool = entry("There must be exactly one statement.", default=False)

    def __post_init__(self) -> None:
        if self.tables is not None and not all((self.tables, *self.tables)):
            hint = "list the tables that may appear, or leave 'tables' out"
            raise ArgumentError("an empty table name allows nothing", key="tables", hint=hint)

    def bind(self, resources: Resources, node: Node) -> Scorer:
        """Look for sqlglot, and for the dialect in it."""
        del resources, node
        need_extra("sqlglot", "sql")
        from sqlglot import Dialects

        known = sorted(dialect.value for dialect in Dialects if dialect.value)
        if self.dialect is not None and self.dialect.lower() not in known:
            hint = did_you_mean(self.dialect, known) or f"known are {', '.join(known)}"
            message = f"sqlglot knows no dialect '{self.dialect}'"
            raise ArgumentError(message, key="dialect", hint=hint)
        return self

    def score(self, subject: Subject) -> Score:
        """Parse it."""
        name = name_of(subject)
        try:
            statements = _parse(subject.text, (self.dialect or "").lower())
            fault = self._fault(statements)
        except _NotSqlError as error:
            return Score.failing(f"{name} is not SQL: {error}")
        except RecursionError:
            raise CannotScoreError(f"{name} is nested too deeply to be parsed as SQL") from None
        return Score.failing(fault) if fault else Score.passing(f"{name} is SQL")

    def _fault(self, statements: list[Any]) -> str | None:
        if self.single and len(statements) > 1:
            return f"there are {len(statements):,} statements, not one"
        if self.tables is None:
            return None
        allowed = {table.casefold() for table in self.tables}
        used = dict.fromkeys(name for statement in statements for name in _tables(statement))
        others = [name for name in used if name.casefold() not in allowed]
        return f"not allowed: {listing(others)}" if others else None


class _NotSqlError(Exception):
    """The text is no SQL; the message says why."""


def _parse(text: str, dialect: str) -> list[Any]:
    import sqlglot
    from sqlglot.errors import ParseError, SqlglotError

    check_length(len(text), "parse as SQL", MAX_CHARACTERS)
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it warns on standard error
    try:
        parsed = sqlglot.parse(text, read=dialect or None)
    except ParseError as error:
        raise _NotSqlError(_explain(error)) from None
    except SqlglotError:
        raise _NotSqlError("a quote or a comment is not closed") from None
    statements = [statement for statement in parsed if statement is not None]
    if not statements:
        raise _NotSqlError("there is no statement")
    for statement in statements:
        _check_statement(statement)
    return statements


def _explain(error: Any) -> str:  # noqa: ANN401 - sqlglot is imported late
    first = error.errors[0] if error.errors else {}
    words = shorten(str(first.get("description") or "it cannot be parsed"), 60).rstrip(".")
    line, column = first.get("line"), first.get("col")
    return f"line {line}, column {column}: {words}" if line else words


def _check_statement(statement: Any) -> None:  # noqa: ANN401 - as above
    """Refuse what sqlglot takes for a value: `refund` is a column to it, `hello world` an alias."""
    if statement.key == "command":
        word = shorten(repr(str(statement.this)), 40)
        raise CannotScoreError(f"sqlglot does not parse statements that start with {word}")
    if statement.key not in _STATEMENTS:
        raise _NotSqlError(f"{shorten(repr(statement.sql()), 40)} is no statement")
    if statement.key == "select" and not statement.expressions:
        raise _NotSqlError("a SELECT without columns")


def _tables(statement: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    from sqlglot.expressions import Identifier, Table

    for table in statement.find_all(Table):
        names = [part.name for part in table.parts if isinstance(part, Identifier)]
        if len(names) < len(table.parts):
            yield table.sql()  # a function, or a placeholder
        elif len(names) > 1 or not _is_common(table, names[0].casefold()):
            yield ".".join(names)


def _is_common(table: Any, name: str) -> bool:  # noqa: ANN401 - as above
    """Whether a name means a common table expression that can be seen from where it stands."""
    path: set[int] = set()
    outer = table.parent
    while outer is not None:
        path.add(id(outer))
        clause = outer.args.get("with_") or outer.args.get("with")
        if clause is not None and _defines(clause, path, name):
            return True
        outer = outer.parent
    return False


def _defines(clause: Any, path: set[int], name: str) -> bool:  # noqa: ANN401 - as above
    """Whether a WITH defines a name before the place to which the path leads."""
    for common in clause.expressions:
        inside = id(common) in path
        if common.alias.casefold() == name and (not inside or clause.recursive):
            return True
        if inside and not clause.recursive:
            return False
    return False
