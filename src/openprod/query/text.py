"""Query text to tree: conditions, operands, paths and templates, with errors that say where and what was expected.

Knows the grammar (docs/people/queries.md has it in words). Must not know which names exist: the compiler asks the
catalog. Every function here raises SyntaxProblem or QueryTooBig for what it cannot read and nothing else.

    condition = all {"OR" all}                 all = negation {"AND" negation}
    negation  = "NOT" negation | "(" condition ")" | "EXISTS" operand | operand operator operand
    operand   = literal | "$" name | name | name "[" property "]" | [name] steps ["." field | "[" property "]"]
              | list | call
    call      = "moment(" operand "," operand ["," operand] ")" | "span(" operand "," operand ")"
    steps     = ("->" | "<-") relation ["[" property "]"] ["@" name] {...}
    literal   = text | number | true | false | null | "@" date | "@" moment | number unit {number unit}
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import lru_cache

from openprod.model.values import INT_MAX, Date, DateTime, Duration
from openprod.query.conditions import (
    OPERATORS,
    And,
    Call,
    Comparison,
    Condition,
    Constant,
    Exists,
    Name,
    Not,
    Number,
    Operand,
    Operator,
    Or,
    Parameter,
    Path,
    Scalar,
    Several,
    Step,
    StepProperty,
    Template,
)
from openprod.query.problems import QueryTooBig, Source, SyntaxProblem

TEXT_CHARS_MAX = 16_384
NESTING_MAX = 40
COMPARISONS_MAX = 400
LIST_ITEMS_MAX = 1_000
STEPS_MAX = 8
TEMPLATE_PARTS_MAX = 100
# Trees are immutable and the same text always gives the same one, so the latest are kept for a query asked again.
PARSED_KEPT = 1_024
_NUMBER_CHARS_MAX = 60

# What a unit of a length of time means in microseconds.
UNITS_US = {"ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}
_WORDS = ("AND", "OR", "NOT", "IN", "LIKE", "MATCHES", "CONTAINS", "EXISTS")
_LITERAL_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<moment>@\d[\w:.+-]*(?:\[[\w/+-]*\])?)
    | (?P<step>@[^\W\d]\w*)
    | (?P<parameter>\$[^\W\d]\w*(?:\.\w+)*)
    | (?P<number>-?\d+(?:\.\d+)?\w*(?:\.\d+\w*)*)
    | (?P<arrow>->|<-(?!\d))
    | (?P<operator>==|!=|<=|>=|<>|<|>)
    | (?P<name>[^\W\d]\w*(?:\.\w+)*)
    | (?P<mark>[()\[\],.])
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_DURATION = re.compile(r"-?(?:\d+(?:\.\d+)?(?:ms|min|s|h|d))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|min|s|h|d)")
_MOMENT = re.compile(r"@(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2})?)(?:\[([\w/+-]*)\])?)?")
_MISTAKEN = {"=": "==", "&&": "AND", "||": "OR", "!": "NOT", "~": "LIKE"}
# What can be worked out, with the least and the most that it takes.
CALLS = {"moment": (2, 3), "span": (2, 2)}
_CALL_WORDS = {"moment": "moment(date, time) or moment(date, time, after)", "span": "span(from, to)"}
_OPERATOR_WORDS = "a comparison (== != < <= > >= IN LIKE MATCHES CONTAINS)"
_OPERAND_WORDS = "a field, a literal, $parameter, -> or <-"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """The operator word this token is (`AND` for `and`), or ""."""
        upper = self.text.upper()
        return upper if self.kind == "name" and upper in _WORDS else ""

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else self.text if self.text.startswith('"') else f'"{self.text}"'


@lru_cache(maxsize=PARSED_KEPT)
def parse_condition(text: str, place: str = "") -> Condition:
    """Returns the tree of a condition: `is_called == true AND department IN ["LX", "SQ"]`."""
    parser = _Parser(Source(text, place))
    found = parser.condition(0)
    parser.end("AND, OR or the end")
    return found


@lru_cache(maxsize=PARSED_KEPT)
def parse_operand(text: str, place: str = "") -> Operand:
    """Returns the tree of one operand: a field, a step, a path, a list of names."""
    parser = _Parser(Source(text, place))
    found = parser.operand(0)
    parser.end("nothing more")
    return found


@lru_cache(maxsize=PARSED_KEPT)
def parse_path(text: str, place: str = "") -> Path:
    """Returns the tree of a path of a full query: `->schedule.works_on @s <-script.appears[entrance]`."""
    parser = _Parser(Source(text, place))
    found = parser.path(ordered=True)
    parser.end("->, <-, [property], @name or the end")
    return found


@lru_cache(maxsize=PARSED_KEPT)
def parse_template(text: str, place: str = "") -> Template:
    """Returns the parts of a template: "{person.name} ({person.role})"; `{{` and `}}` stand for braces."""
    source = Source(text, place)
    _check_length(text, place)
    parts: list[str | Operand] = []
    plain = ""
    at = 0
    while at < len(text):
        if text.startswith(("{{", "}}"), at):
            plain += text[at]
            at += 2
        elif text[at] == "{":
            end = text.find("}", at)
            if end < 0:
                raise SyntaxProblem("this { has no }. Write {{ for a brace itself.", source, at, "}")
            if plain:
                parts.append(plain)
                plain = ""
            parser = _Parser(source, at + 1, end)
            parts.append(parser.operand(0))
            parser.end("}")
            at = end + 1
        elif text[at] == "}":
            raise SyntaxProblem("this } has no {. Write }} for a brace itself.", source, at, "{")
        else:
            plain += text[at]
            at += 1
    if len(parts) > TEMPLATE_PARTS_MAX:
        raise QueryTooBig(f"A template has at most {TEMPLATE_PARTS_MAX} parts.")
    return Template((*parts, plain) if plain else tuple(parts))


@lru_cache(maxsize=PARSED_KEPT)
def parse_aggregate(text: str, names: tuple[str, ...], place: str = "") -> tuple[str, bool, Operand | None]:
    """Returns function, "distinct?" and operand of an aggregate: `count()`, `count(person)`, `list(distinct room)`."""
    parser = _Parser(Source(text, place))
    return parser.aggregate(names)


def _check_length(text: str, place: str) -> None:
    if len(text) > TEXT_CHARS_MAX:
        where = f"The text of {place}" if place else "The query text"
        raise QueryTooBig(f"{where} is {len(text)} characters long; at most {TEXT_CHARS_MAX} are read.")


def _tokens(source: Source, start: int, end: int) -> list[_Token]:
    _check_length(source.text, source.place)
    tokens: list[_Token] = []
    at = start
    while at < end:
        found = _TOKEN.match(source.text, at, end)
        if found is None:
            raise _bad_character(source, at)
        if found.lastgroup != "space":
            tokens.append(_Token(found.lastgroup or "", found.group(), at))
        at = found.end()
    tokens.append(_Token("end", "", end))
    return tokens


def _bad_character(source: Source, at: int) -> SyntaxProblem:
    rest = source.text[at:]
    if rest[0] in "\"'":
        return SyntaxProblem("this text has no closing quote.", source, at, f"closing {rest[0]}")
    for wrong, right in sorted(_MISTAKEN.items(), key=lambda item: -len(item[0])):
        if rest.startswith(wrong):
            return SyntaxProblem(f"{wrong} is not an operator here; write {right}.", source, at, right)
    return SyntaxProblem(f"the character {rest[0]!r} has no meaning here.", source, at, _OPERAND_WORDS)


class _Parser:
    """Reads tokens one after the other; each method leaves the position behind what it read."""

    def __init__(self, source: Source, start: int = 0, end: int | None = None) -> None:
        self.source = source
        self.tokens = _tokens(source, start, len(source.text) if end is None else end)
        self.position = 0
        self.comparisons = 0

    @property
    def here(self) -> _Token:
        return self.tokens[self.position]

    def take(self) -> _Token:
        token = self.here
        if token.kind != "end":
            self.position += 1
        return token

    def take_mark(self, mark: str) -> bool:
        found = self.here.kind == "mark" and self.here.text == mark
        if found:
            self.position += 1
        return found

    def take_word(self, word: str) -> bool:
        found = self.here.word == word
        if found:
            self.position += 1
        return found

    def wrong(self, expected: str, hint: str = "") -> SyntaxProblem:
        return SyntaxProblem(f"expected {expected}, found {self.here}.{hint}", self.source, self.here.at, expected)

    def end(self, expected: str) -> None:
        if self.here.kind == "mark" and self.here.text == ")":
            raise self.wrong(expected, " There is no ( for it.")
        if self.here.kind != "end":
            raise self.wrong(expected)

    def deeper(self, depth: int) -> int:
        if depth >= NESTING_MAX:
            line, column = self.source.line_column(self.here.at)
            raise QueryTooBig(f"Line {line}, column {column}: parentheses and NOT go at most {NESTING_MAX} deep.")
        return depth + 1

    def condition(self, depth: int) -> Condition:
        parts = [self.conjunction(depth)]
        while self.take_word("OR"):
            parts.append(self.conjunction(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self, depth: int) -> Condition:
        parts = [self.negation(depth)]
        while self.take_word("AND"):
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negation(self, depth: int) -> Condition:
        if self.take_word("NOT"):
            return Not(self.negation(self.deeper(depth)))
        if self.take_mark("("):
            inner = self.condition(self.deeper(depth))
            if not self.take_mark(")"):
                raise self.wrong("AND, OR or )")
            return inner
        self.comparisons += 1
        if self.comparisons > COMPARISONS_MAX:
            raise QueryTooBig(f"A condition has at most {COMPARISONS_MAX} comparisons. For many values write IN [...].")
        at = self.here.at
        if self.take_word("EXISTS"):
            return Exists(self.operand(depth), at)
        return self.comparison(self.operand(depth), depth)

    def comparison(self, left: Operand, depth: int) -> Comparison:
        at = self.here.at
        operator = self.operator()
        right = self.operand(depth)
        if operator == "IN" and isinstance(right, Constant):
            raise SyntaxProblem(
                'expected a list after IN: ["LX", "SQ"], or a parameter or field that holds one.',
                self.source,
                right.at,
                "a list",
            )
        return Comparison(operator, left, right, at)

    def operator(self) -> Operator:
        token = self.here
        text = token.text if token.kind == "operator" else token.word
        for operator in OPERATORS:
            if operator == text:
                self.position += 1
                return operator
        hint = ""
        if token.word == "NOT":
            hint = " Put NOT before the whole comparison: NOT department IN [...]."
        elif token.text == "<>":
            hint = " Write != for is not."
        elif token.kind == "end" or token.word in {"AND", "OR"} or token.text == ")":
            hint = " A yes/no field is compared too: is_called == true; EXISTS asks whether there is a value."
        raise self.wrong(_OPERATOR_WORDS, hint)

    def operand(self, depth: int) -> Operand:
        token = self.here
        match token.kind:
            case "text" | "number" | "moment":
                self.position += 1
                return Constant(self.literal(token), token.at)
            case "parameter":
                self.position += 1
                return Parameter(token.text[1:], token.at)
            case "arrow":
                return self.path(ordered=False)
            case "name" if not token.word:
                return self.named(token, depth)
            case "mark" if token.text == "[":
                return self.several(depth)
            case "step":
                raise self.wrong(_OPERAND_WORDS, " A date is written @2026-12-01.")
            case _:
                raise self.wrong(_OPERAND_WORDS)

    def call(self, token: _Token, depth: int) -> Call:
        inner = self.deeper(depth)
        self.position += 1
        arguments = [self.operand(inner)]
        while self.take_mark(","):
            arguments.append(self.operand(inner))
        least, most = CALLS[token.text]
        if not self.take_mark(")") or not least <= len(arguments) <= most:
            raise self.wrong(_CALL_WORDS[token.text])
        return Call(token.text, tuple(arguments), token.at)

    def named(self, token: _Token, depth: int) -> Operand:
        following = self.tokens[self.position + 1]
        if following.kind == "arrow":
            return self.path(ordered=False)
        self.position += 1
        if token.text.lower() in _LITERAL_WORDS:
            return Constant(_LITERAL_WORDS[token.text.lower()], token.at)
        if following.kind == "mark" and following.text == "[":
            return StepProperty(token.text, self.bracketed(), token.at)
        if following.kind == "mark" and following.text == "(" and token.text in CALLS:
            return self.call(token, depth)
        return Name(token.text, token.at)

    def bracketed(self) -> str:
        self.position += 1
        token = self.here
        if token.kind != "name":
            raise self.wrong("the name of a property of the relation")
        self.position += 1
        if not self.take_mark("]"):
            raise self.wrong("]")
        return token.text

    def several(self, depth: int) -> Several:
        at = self.take().at
        inner = self.deeper(depth)
        items: list[Operand] = []
        while not self.take_mark("]"):
            if items and not self.take_mark(","):
                raise self.wrong(", or ]")
            if self.take_mark("]"):
                break
            if len(items) == LIST_ITEMS_MAX:
                raise QueryTooBig(f"A list in a query has at most {LIST_ITEMS_MAX} items.")
            items.append(self.operand(inner))
        return Several(tuple(items), at)

    def path(self, *, ordered: bool) -> Path:
        """Reads steps; `ordered` where every [property] orders, else the last one is what is looked at."""
        at = self.here.at
        start = ""
        if self.here.kind == "name" and not self.here.word:
            start = self.take().text
        steps: list[Step] = []
        tail = ""
        while self.here.kind == "arrow" and not tail:
            if len(steps) == STEPS_MAX:
                raise QueryTooBig(f"A path has at most {STEPS_MAX} steps.")
            step, tail = self.step()
            steps.append(step)
        if not steps:
            raise self.wrong("-> or <-")
        if ordered and tail:
            raise SyntaxProblem(
                f'a path ends at records; "{tail}" is a field of them. Use the field in select.',
                self.source,
                at,
                "module.relation",
            )
        last = steps[-1]
        if ordered or last.order is None:
            return Path(start, tuple(steps), tail, "", at)
        if tail:
            raise self.wrong("a field or [property], not both")
        steps[-1] = Step(last.relation, last.forward, None, last.name, last.at)
        return Path(start, tuple(steps), "", last.order, at)

    def step(self) -> tuple[Step, str]:
        arrow = self.take()
        token = self.here
        if token.kind != "name" or token.word:
            raise self.wrong("the full name of a relation (module.relation)")
        parts = token.text.split(".")
        if len(parts) < 2:
            raise self.wrong("the full name of a relation (module.relation)", " The module stands before a dot.")
        self.position += 1
        tail = ".".join(parts[2:])
        order: str | None = None
        if not tail and self.here.kind == "mark" and self.here.text == "[":
            order = self.bracketed()
        name = self.take().text[1:] if self.here.kind == "step" else ""
        return Step(".".join(parts[:2]), arrow.text == "->", order, name, token.at), tail

    def aggregate(self, names: tuple[str, ...]) -> tuple[str, bool, Operand | None]:
        token = self.take()
        if token.kind != "name" or token.text not in names:
            self.position = 0
            raise self.wrong("one of " + ", ".join(f"{name}(…)" for name in names))
        if not self.take_mark("("):
            raise self.wrong("(")
        if self.take_mark(")"):
            self.end("nothing more")
            return token.text, False, None
        following = self.tokens[self.position + 1]
        distinct = self.here.text == "distinct" and following.text != ")"
        if distinct:
            self.position += 1
        operand = self.operand(0)
        if not self.take_mark(")"):
            raise self.wrong(")")
        self.end("nothing more")
        return token.text, distinct, operand

    def literal(self, token: _Token) -> Scalar:
        match token.kind:
            case "text":
                return self.unescaped(token)
            case "number":
                return self.number(token)
            case _:
                return self.moment(token)

    def unescaped(self, token: _Token) -> str:
        body = token.text[1:-1]
        if "\\" not in body:
            return body
        pieces: list[str] = []
        at = 0
        while at < len(body):
            if body[at] != "\\":
                pieces.append(body[at])
                at += 1
                continue
            if body[at + 1] not in _ESCAPES:
                raise SyntaxProblem(
                    rf"\{body[at + 1]} is not known in a text; write \\ for a backslash.",
                    self.source,
                    token.at + 1 + at,
                    r"\\ \" \n or \t",
                )
            pieces.append(_ESCAPES[body[at + 1]])
            at += 2
        return "".join(pieces)

    def number(self, token: _Token) -> Number | Duration:
        text = token.text
        if len(text) > _NUMBER_CHARS_MAX:
            raise SyntaxProblem("this number is too long.", self.source, token.at)
        if _NUMBER.fullmatch(text):
            if "." not in text and not -INT_MAX <= int(text) <= INT_MAX:
                problem = "this number is too big; whole numbers have at most 64 bits."
                raise SyntaxProblem(problem, self.source, token.at)
            return Number(text)
        if _DURATION.fullmatch(text):
            us = duration_us(text)
            if us is None:
                raise SyntaxProblem("this length of time is too big.", self.source, token.at)
            return Duration(us)
        raise SyntaxProblem(
            f'"{text}" is neither a number nor a length of time (5s, 30min, 2h). A cue number with letters is '
            f'text: "{text}" in quotes.',
            self.source,
            token.at,
            "a number, or a number with a unit (ms s min h d)",
        )

    def moment(self, token: _Token) -> Date | DateTime:
        found = _MOMENT.fullmatch(token.text)
        problem = "a date is written @2026-12-01 and a moment @2026-12-01T18:00."
        if found is None:
            raise SyntaxProblem(problem, self.source, token.at, "@YYYY-MM-DD or @YYYY-MM-DDTHH:MM")
        day, clock, zone = found.groups()
        try:
            dt.date.fromisoformat(day)
            if clock is not None:
                dt.time.fromisoformat(clock)
        except ValueError:
            raise SyntaxProblem(
                f"there is no {token.text[1:]} in the calendar; {problem}", self.source, token.at, "a date that exists"
            ) from None
        if clock is None:
            return Date(day)
        return DateTime(f"{day}T{clock.removesuffix(':00') if clock.count(':') == 2 else clock}", zone or "")


def duration_us(text: str) -> int | None:
    """Returns the microseconds of "30min", "1h30min" or "2.5s", or None for any other text and beyond 64 bits."""
    if len(text) > _NUMBER_CHARS_MAX or not _DURATION.fullmatch(text):
        return None
    total = 0
    for amount, unit in _DURATION_PART.findall(text):
        whole, _, fraction = str(amount).partition(".")
        total += int(whole + fraction) * UNITS_US[unit] // 10 ** len(fraction)
    if total > INT_MAX:
        return None
    return -total if text.startswith("-") else total


def condition_text(condition: Condition) -> str:
    """Returns query text that parses to an equal tree; what a saved query looks like after editing by machine."""
    match condition:
        case Comparison(operator, left, right):
            return f"{operand_text(left)} {operator} {operand_text(right)}"
        case Exists(operand):
            return f"EXISTS {operand_text(operand)}"
        case Not(inner):
            return f"NOT {_bracketed_text(inner)}"
        case And(parts):
            return " AND ".join(_bracketed_text(part) for part in parts)
        case Or(parts):
            return " OR ".join(_bracketed_text(part) for part in parts)


def _bracketed_text(condition: Condition) -> str:
    text = condition_text(condition)
    return f"({text})" if isinstance(condition, And | Or) else text


def operand_text(operand: Operand) -> str:
    """Returns query text that parses to an equal operand."""
    match operand:
        case Constant(value):
            return _scalar_text(value)
        case Parameter(name):
            return f"${name}"
        case Name(text):
            return text
        case StepProperty(step, key):
            return f"{step}[{key}]"
        case Several(items):
            return f"[{', '.join(operand_text(item) for item in items)}]"
        case Path():
            return path_text(operand)
        case Call(name, arguments):
            return f"{name}({', '.join(map(operand_text, arguments))})"


def path_text(path: Path) -> str:
    """Returns query text that parses to an equal path."""
    text = path.start
    for step in path.steps:
        order = "" if step.order is None else f"[{step.order}]"
        name = f" @{step.name}" if step.name else ""
        gap = " " if text else ""
        text += f"{gap}{'->' if step.forward else '<-'}{step.relation}{order}{name}"
    if path.of_relation:
        last = path.steps[-1]
        name = f" @{last.name}" if last.name else ""
        return f"{text.removesuffix(name) if name else text}[{path.of_relation}]{name}"
    return f"{text}.{path.tail}" if path.tail else text


def _scalar_text(value: Scalar) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
            return f'"{escaped.replace(chr(9), chr(92) + "t")}"'
        case Number(text):
            return text
        case Date(iso):
            return f"@{iso}"
        case DateTime(local, zone):
            return f"@{local}[{zone}]" if zone else f"@{local}"
        case Duration(us):
            return f"{us // 1_000_000}s" if us % 1_000_000 == 0 else f"{us / 1_000:.3f}ms"
