"""What condition text means as a tree, and what is said about text that means nothing."""

from __future__ import annotations

import pytest

from openprod.model.values import Date, DateTime, Duration
from openprod.query import text as query_text
from openprod.query.conditions import (
    OPERATORS,
    And,
    Comparison,
    Constant,
    Exists,
    Name,
    Not,
    Number,
    Or,
    Parameter,
    Path,
    Several,
    Step,
    StepProperty,
)
from openprod.query.problems import QueryTooBig, SyntaxProblem
from openprod.query.text import (
    condition_text,
    parse_aggregate,
    parse_condition,
    parse_operand,
    parse_path,
    parse_template,
    path_text,
)


def test_and_binds_closer_than_or_and_not_closest() -> None:
    found = parse_condition("NOT a == 1 AND b == 2 OR c == 3")
    a, b, c = (
        Comparison("==", Name(name), Constant(Number(number))) for name, number in (("a", "1"), ("b", "2"), ("c", "3"))
    )
    assert found == Or((And((Not(a), b)), c))


def test_every_operator_is_read_in_capitals_or_small() -> None:
    for operator in OPERATORS:
        right = "[1]" if operator == "IN" else '"x"'
        for written in (operator, operator.lower()):
            found = parse_condition(f"a {written} {right}")
            assert isinstance(found, Comparison)
            assert found.operator == operator


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ('"say \\"go\\""', 'say "go"'),
        ("'single'", "single"),
        (r'"a\\b\n"', "a\\b\n"),
        ("11.10", Number("11.10")),
        ("-2", Number("-2")),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("@2026-12-01", Date("2026-12-01")),
        ("@2026-12-01T18:00", DateTime("2026-12-01T18:00")),
        ("@2026-12-01T18:00:00", DateTime("2026-12-01T18:00")),
        ("@2026-12-01T18:00:30[Europe/Rome]", DateTime("2026-12-01T18:00:30", "Europe/Rome")),
        ("30min", Duration(1_800_000_000)),
        ("1h30min", Duration(5_400_000_000)),
        ("2.5s", Duration(2_500_000)),
        ("250ms", Duration(250_000)),
        ("-5s", Duration(-5_000_000)),
        ("1d", Duration(86_400_000_000)),
    ],
)
def test_literals_are_read(written: str, value: object) -> None:
    assert parse_operand(written) == Constant(value)  # pyright: ignore[reportArgumentType]


def test_paths_have_relations_then_a_field_or_a_property() -> None:
    assert parse_operand("->casting.plays.name") == Path("", (Step("casting.plays", forward=True),), "name")
    assert parse_operand("<-casting.plays[cover]") == Path("", (Step("casting.plays", forward=False),), "", "cover")
    chain = parse_operand("->schedule.works_on<-script.appears.script.characters.name")
    assert isinstance(chain, Path)
    assert [step.forward for step in chain.steps] == [True, False]
    assert chain.tail == "script.characters.name"


def test_a_path_of_a_full_query_has_named_steps_and_orders() -> None:
    found = parse_path("scene ->schedule.works_on @s <-script.appears[entrance] @c <-casting.plays")
    assert found.start == "scene"
    assert [step.name for step in found.steps] == ["s", "c", ""]
    assert [step.order for step in found.steps] == [None, "entrance", None]
    assert parse_path(path_text(found)) == found


def test_less_than_a_negative_number_is_no_arrow() -> None:
    assert parse_condition("nudge <-1") == Comparison("<", Name("nudge"), Constant(Number("-1")))


def test_parameters_lists_steps_and_bare_paths_are_operands() -> None:
    assert parse_condition("a == $source.field") == Comparison("==", Name("a"), Parameter("source.field"))
    assert parse_operand("[a, b.c.d]") == Several((Name("a"), Name("b.c.d")))
    assert parse_operand("g[call]") == StepProperty("g", "call")
    assert parse_condition("EXISTS ->m.r") == Exists(Path("", (Step("m.r", forward=True),)))


def test_a_template_has_text_and_operands_in_turn() -> None:
    assert parse_template("{person.name} ({person.role})").parts == (
        Name("person.name"),
        " (",
        Name("person.role"),
        ")",
    )
    assert parse_template("{{x}} by name").parts == ("{x} by name",)
    for wrong in ("{a", "a}", "{a b}", "{}"):
        with pytest.raises(SyntaxProblem):
            parse_template(wrong)


def test_an_aggregate_is_a_function_of_something_or_of_nothing() -> None:
    names = ("count", "list")
    assert parse_aggregate("count()", names) == ("count", False, None)
    assert parse_aggregate("list(distinct room)", names) == ("list", True, Name("room"))
    assert parse_aggregate("count(distinct)", names) == ("count", False, Name("distinct"))
    for wrong in ("avg(x)", "count", "count(x", "count(x) y", "count() y"):
        with pytest.raises(SyntaxProblem):
            parse_aggregate(wrong, names)


@pytest.mark.parametrize(
    ("text", "line", "column", "said"),
    [
        ("", 1, 1, "found the end"),
        ("is_called", 1, 10, "is_called == true"),
        ("a == ", 1, 6, "expected a field, a literal"),
        ("a = 1", 1, 3, "write =="),
        ("a <> 1", 1, 3, "Write !="),
        ("a == 1 && b == 2", 1, 8, "write AND"),
        ("(a == 1", 1, 8, "AND, OR or )"),
        ("a == 1)", 1, 7, "There is no ( for it"),
        ('a == "x', 1, 6, "no closing quote"),
        (r'a == "\q"', 1, 7, "backslash"),
        ("a == 11.5A", 1, 6, '"11.5A" in quotes'),
        ("a == 99999999999999999999", 1, 6, "64 bits"),
        ("a == " + "9" * 70, 1, 6, "too long"),
        ("a == 99999999999d", 1, 6, "too big"),
        ("a == @2026-02-30", 1, 6, "no 2026-02-30 in the calendar"),
        ("a == @2026-02", 1, 6, "@2026-12-01"),
        ("a == @tomorrow", 1, 6, "A date is written"),
        ("a IN 5", 1, 6, "expected a list after IN"),
        ("a NOT IN [1]", 1, 3, "Put NOT before"),
        ("a IN [1 2]", 1, 9, ", or ]"),
        ("->plays == 1", 1, 3, "module.relation"),
        ("-> AND", 1, 4, "full name of a relation"),
        ("->m.r[1] == 1", 1, 7, "name of a property"),
        ("->m.r[x == 1", 1, 9, "expected ]"),
        ("a == 1 b", 1, 8, "AND, OR or the end"),
        ("a == 1 AND\n  b ==\n  ; c", 3, 3, "has no meaning here"),
        ("x <-m.r.f.[a]", 1, 10, "expected"),
    ],
)
def test_a_wrong_text_is_refused_with_line_column_and_caret(text: str, line: int, column: int, said: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse_condition(text, "where")
    problem = caught.value
    assert (problem.line, problem.column) == (line, column)
    assert said in str(problem)
    shown, caret = str(problem).split("\n")[-2:]
    assert caret.index("^") == 4 + column - 1
    assert shown == "    " + text.split("\n")[line - 1]
    assert str(problem).startswith(f"In where, line {line}, column {column}: ")


def test_a_long_line_is_cut_around_the_caret() -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse_condition("a == 1 OR " * 30 + "b = 1")
    shown, caret = str(caught.value).split("\n")[-2:]
    assert len(shown) < 110
    assert shown[caret.index("^")] == "="


def test_texts_depths_lists_and_paths_have_limits() -> None:
    limit = query_text.NESTING_MAX
    parse_condition("(" * limit + "a == 1" + ")" * limit)
    for text in (
        "(" * (limit + 1) + "a == 1" + ")" * (limit + 1),
        "NOT " * (limit + 1) + "a == 1",
        "a == " + "[" * (limit + 2),
        "a == '" + "x" * query_text.TEXT_CHARS_MAX + "'",
        " OR ".join(["a == 1"] * (query_text.COMPARISONS_MAX + 1)),
        f"a IN [{','.join(['1'] * (query_text.LIST_ITEMS_MAX + 1))}]",
        "EXISTS " + "->m.r" * (query_text.STEPS_MAX + 1),
    ):
        with pytest.raises(QueryTooBig):
            parse_condition(text)
    with pytest.raises(QueryTooBig):
        parse_template("x" * (query_text.TEXT_CHARS_MAX + 1), "select.a")
    with pytest.raises(QueryTooBig):
        parse_template("{a}" * (query_text.TEMPLATE_PARTS_MAX + 1), "select.a")


def test_a_path_of_a_full_query_ends_at_records() -> None:
    with pytest.raises(SyntaxProblem, match="ends at records"):
        parse_path("->m.r.name")
    with pytest.raises(SyntaxProblem, match="-> or <-"):
        parse_path("name")


def test_what_is_written_back_reads_the_same() -> None:
    for text in (
        'NOT (a == 1 AND b != "x\\"\\t\\n") OR ->m.r[w] @s >= -1.5',
        "[a, ->m.r.b] == @2026-12-01T18:00[Europe/Rome] AND g[call] == 250ms AND scene ->m.r.x == null",
        "a IN [true, 2h, $me]",
    ):
        tree = parse_condition(text)
        assert parse_condition(condition_text(tree)) == tree
