"""What can be wrong with a question, said with the place where it is wrong.

Knows positions in a text, the caret under them, and near names. Must not know tables or SQL.
"""

from __future__ import annotations

from dataclasses import dataclass

from openprod.catalog.tables import UnknownName, either
from openprod.model.errors import Missing, Refused

_SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class Source:
    """A piece of query text and where it stands in a larger query.

    Args:
        text: the whole text, as written.
        place: where it stands ("where", "through.person.any[2]"); empty for a condition on its own.
    """

    text: str
    place: str = ""

    def line_column(self, at: int) -> tuple[int, int]:
        """Returns line and column of an offset, both counted from 1."""
        before = self.text[:at]
        return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1

    def caret(self, at: int) -> str:
        """Returns the line of an offset and, under it, a caret; a long line is cut around the caret."""
        line, column = self.line_column(at)
        shown = self.text.split("\n")[line - 1].replace("\t", " ").rstrip("\r")
        start = max(0, column - 1 - _SHOWN_MAX // 2)
        return f"    {shown[start : start + _SHOWN_MAX]}\n    {' ' * (column - 1 - start)}^"


class QueryRefused(Refused):
    """A question that cannot be asked as it stands."""

    code = "query.refused"


class QueryTooBig(QueryRefused):
    """A question beyond the limits: text length, nesting, number of paths."""

    code = "query.too_big"


def _placed(problem: str, source: Source, at: int) -> str:
    line, column = source.line_column(at)
    where = f"In {source.place}, line" if source.place else "Line"
    return f"{where} {line}, column {column}: {problem}\n{source.caret(at)}"


class SyntaxProblem(QueryRefused):
    """A text that does not follow the grammar; `expected` says what could have stood at `line` and `column`."""

    code = "query.syntax"

    def __init__(self, problem: str, source: Source, at: int, expected: str = "") -> None:
        self.problem = problem
        self.expected = expected
        self.place = source.place
        self.line, self.column = source.line_column(at)
        super().__init__(_placed(problem, source, at))


class QueryMismatch(QueryRefused):
    """Names that exist, used in a way that has no meaning (an order by a file, a property where there is no step)."""

    code = "query.mismatch"

    def __init__(self, problem: str, source: Source, at: int) -> None:
        self.problem = problem
        self.place = source.place
        self.line, self.column = source.line_column(at)
        super().__init__(_placed(problem, source, at))


class NameProblem(UnknownName):
    """A name that nothing here has, although its module is here; `near` holds names that look like it."""

    code = "query.unknown_name"

    def __init__(self, problem: str, source: Source, at: int, name: str, near: tuple[str, ...] = ()) -> None:
        super().__init__("name", name, near)
        self.problem = problem
        self.place = source.place
        self.line, self.column = source.line_column(at)
        hint = f" Did you mean {either(near)}?" if near else ""
        Missing.__init__(self, _placed(problem + hint, source, at))


class ParameterMissing(QueryRefused):
    """A question was asked without a value for one of its parameters; `name` is the parameter's."""

    code = "query.parameter_missing"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"The query asks for a value of ${name}. Give one: --param {name}=… or {name}=… in Python.")


class ParameterUnknown(QueryRefused):
    """A value was given for a parameter that the query does not have; `name` and `known` names."""

    code = "query.parameter_unknown"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        self.known = known
        has = f"it has {', '.join(f'${one}' for one in known)}" if known else "it has none"
        super().__init__(f"The query has no parameter ${name}; {has}.")


class QueryFormProblem(QueryRefused):
    """A query whose TOML or JSON does not have the form; `place` names the key."""

    code = "query.form"

    def __init__(self, problem: str, place: str = "") -> None:
        self.place = place
        super().__init__(f"In {place}: {problem}" if place else problem)
