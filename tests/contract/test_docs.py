"""Is it documented, is it tested? Counts what people and programs can name, and lists what a page or test lacks."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import cast, get_args

import click
import pytest
from tools.error_codes import error_classes, page

from openprod.catalog.assembly import catalog_of
from openprod.catalog.core import core_manifest
from openprod.catalog.manifest import read as read_manifest
from openprod.catalog.tables import Catalog
from openprod.cli.main import openprod as program
from openprod.model import ops
from openprod.query.compile import compile_query
from openprod.query.conditions import OPERATORS
from openprod.query.tree import AGGREGATES, Query, parameters_of, read_query
from openprod.store.database import schema_statements
from openprod.workspace.modules import read_module

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
MANIFEST_CODE = ROOT / "src" / "openprod" / "catalog" / "manifest.py"
TEMPLATE_CODE = ROOT / "src" / "openprod" / "catalog" / "templates.py"
THIS = Path(__file__)


def text_of(*names: str) -> str:
    """Returns the text of some pages."""
    return "\n".join((DOCS / name).read_text(encoding="utf-8") for name in names)


def text_of_tests() -> str:
    """Returns the text of every test but this file, which names nothing by itself."""
    return "\n".join(
        file.read_text(encoding="utf-8") for file in sorted((ROOT / "tests").rglob("*.py")) if file != THIS
    )


def words(text: str) -> set[str]:
    """Returns what stands in code quotes and headings of a page, word by word, names with dots also part by part."""
    codes = re.findall(r"`([^`\n]+)`|^## (.+)$", text, re.MULTILINE)
    whole = {word for code in codes for word in re.findall(r"[\w.@$-]+|[=!<>]+", " ".join(code))}
    return whole | {part for word in whole for part in word.split(".")}


# -- commands


def commands() -> Iterator[str]:
    """Yields every command as typed, those of groups with their group."""
    context = click.Context(program)
    for name in program.list_commands(context):
        command = program.get_command(context, name)
        if isinstance(command, click.Group):
            yield from (f"{name} {sub}" for sub in command.commands)
        else:
            yield name


def test_every_command_is_in_the_guide() -> None:
    codes = re.findall(r"`([^`\n]+)`", text_of("people/guide.md"))
    missing = [one for one in commands() if not any(re.match(rf"(openprod )?{one}\b", code) for code in codes)]
    assert missing == []


def test_every_command_is_called_by_a_test() -> None:
    text = text_of_tests()
    missing = [
        one for one in commands() if not re.search(r",?\s*".join(rf'"{re.escape(word)}"' for word in one.split()), text)
    ]
    assert missing == []


# Named by sentences of the Python interface before the command line has it.
COMMANDS_TO_COME: set[str] = set()
# What stands behind "openprod" in names of formats and contexts, not of commands.
NO_COMMANDS = {"header", "chunk", "genesis", "derived", "state", "key", "opx", "mark", "sign", "keys", "recovery"}


def sentences() -> Iterator[tuple[str, str]]:
    """Yields (place, text) of every text in the code and every line of the pages that people read."""
    for file in sorted((ROOT / "src" / "openprod").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            text = ast.unparse(node) if isinstance(node, ast.JoinedStr) else getattr(node, "value", None)
            if isinstance(text, str) and isinstance(node, (ast.Constant, ast.JoinedStr)):
                yield f"{file.name}:{node.lineno}", text
    for file in [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((DOCS / "people").glob("*.md"))]:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            yield f"{file.name}:{number}", line


def named_commands() -> Iterator[tuple[str, str, str]]:
    """Yields (place, command, the rest up to the sentence's end) of each `openprod COMMAND …` that people are told."""
    for place, text in sentences():
        for found in re.finditer(r"\bopenprod (?:--workspace \S+ )?([a-z]+)([^.\n`]*)", text):
            if found[1] not in NO_COMMANDS | COMMANDS_TO_COME and not re.search(r" v?1\b", found[2][:12]):
                yield place, found[1], found[2]


def test_every_command_and_option_that_people_are_told_of_exists() -> None:
    context = click.Context(program)
    lacking: list[str] = []
    for place, name, rest in named_commands():
        command = program.get_command(context, name)
        if isinstance(command, click.Group):
            word = "".join(re.findall(r"^ ?([a-z]+)", rest))
            command = command if command.invoke_without_command and not word else command.commands.get(word)
        options = {option for one in command.params for option in one.opts} if command is not None else set[str]()
        if command is None or not set(re.findall(r"(?<![\w-])--[a-z-]+", rest)) <= options | {"--help"}:
            lacking.append(f"{place}: openprod {name}{rest}")
    assert lacking == []


# -- error codes


def test_the_page_of_error_codes_is_as_the_code_says() -> None:
    assert text_of("errors.md") == page(), "Write it anew: .venv/bin/python tools/error_codes.py"


def test_every_error_code_is_in_a_test() -> None:
    text = text_of_tests()
    missing = [
        one.code
        for one in error_classes()
        # A class with others below it is raised by these; its own code stands for "one of them".
        if not one.__subclasses__() and one.code not in text and not re.search(rf"\b{one.__name__}\b", text)
    ]
    assert missing == []


# -- op kinds


def op_kinds() -> dict[int, str]:
    """Returns the number of each op kind this version gives effect to, with its class."""
    return {int(kind.__struct_config__.tag): kind.__name__ for kind in get_args(ops.KnownOp)}


def documented_kinds() -> dict[int, str]:
    table = text_of("formats/bundle.md").partition("| kind | name | keys |")[2]
    return {int(number): name for number, name in re.findall(r"^\| (\d+) \| (\w+) \|", table, re.MULTILINE)}


def test_every_op_kind_is_in_the_byte_table_and_in_a_test() -> None:
    documented, text = documented_kinds(), text_of_tests()
    assert {number: name.lower() for number, name in op_kinds().items()} == {
        number: name.replace("_", "") for number, name in documented.items() if number in op_kinds()
    }
    assert [name for name in op_kinds().values() if not re.search(rf"\b{name}\b", text)] == []
    assert set(range(1, 19)) | set(range(32, 41)) == set(documented)


# -- manifest keys


def manifest_keys() -> dict[str, set[str]]:
    """Returns the keys that the reader of module.toml knows, by what they stand in, read from its code."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(MANIFEST_CODE.read_text(encoding="utf-8"))):
        match node:
            case ast.Assign(targets=[ast.Name(id="_SECTIONS" | "_FIELD_KEYS" as name)], value=value):
                found[name] = set(cast("tuple[str, ...]", ast.literal_eval(value)))
            case ast.Call(func=ast.Attribute(attr="known"), args=[_, _, ast.Tuple() as keys]):
                found.setdefault("known", set()).update(cast("tuple[str, ...]", ast.literal_eval(keys)))
            case ast.AnnAssign(target=ast.Name(id="_SHAPES"), value=ast.Dict() as shapes):
                for section, entry in zip(shapes.keys, shapes.values, strict=True):
                    assert isinstance(section, ast.Constant)
                    assert isinstance(entry, ast.Dict)
                    found[str(section.value)] = {str(key.value) for key in entry.keys if isinstance(key, ast.Constant)}
            case _:
                pass
    return found


def test_every_manifest_key_is_in_its_page_and_in_a_test_or_a_shipped_module() -> None:
    found = manifest_keys()
    assert {"_SECTIONS", "_FIELD_KEYS", "known", "query", "paper"} <= set(found)
    named = words(text_of("authors/module-toml.md"))
    used = text_of_tests() + "".join(file.read_text("utf-8") for file in sorted((ROOT / "modules").rglob("*.toml")))
    keys = {f"{place}: {key}": key for place, some in found.items() for key in some}
    assert sorted(place for place, key in keys.items() if key not in named) == []
    assert sorted(place for place, key in keys.items() if not re.search(rf"\b{key}\b", used)) == []


def test_every_template_key_is_in_its_page() -> None:
    named = words(text_of("authors/module-toml.md"))
    code = TEMPLATE_CODE.read_text(encoding="utf-8")
    keys = {
        key
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "known"
        for key in re.findall(r"'(\w+)'", ast.unparse(node))
    }
    assert keys
    assert sorted(keys - named) == []


# -- queries


def test_every_operator_aggregate_and_key_of_a_query_is_in_its_page_and_in_a_test() -> None:
    named, text = words(text_of("people/queries.md")), text_of_tests()
    keys = [name.rstrip("_") for name in Query.__struct_fields__]
    wanted = [*OPERATORS, "AND", "OR", "NOT", "EXISTS", *AGGREGATES, *keys, "any", "none", "optional", "give", "into"]
    assert [one for one in wanted if one not in named] == []
    assert [one for one in wanted if one not in text] == []


def whole_catalog() -> Catalog:
    names = [folder.parent.name for folder in sorted((ROOT / "modules").glob("*/module.toml"))]
    return catalog_of(core_manifest(), [read_module(name)[1] for name in names])


def blocks(page_name: str, kind: str) -> list[str]:
    """Returns the fenced blocks of one kind on a page."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text_of(page_name), re.MULTILINE | re.DOTALL)


def test_every_query_in_the_documents_reads_and_compiles() -> None:
    catalog = whole_catalog()
    found = [read_query(block) for block in blocks("people/queries.md", "toml")]
    conditions = re.findall(r"^```condition (\S+)\n(.*?)^```$", text_of("people/queries.md"), re.MULTILINE | re.DOTALL)
    found += [read_query({"from": table, "where": text.strip()}) for table, text in conditions]
    assert len(found) > 5
    for query in found:
        given = dict.fromkeys(parameters_of(query) - set(query.parameters) - {"now", "me"}, None)
        assert compile_query(query, catalog, given, now="2026-01-12T10:00").sql


def test_the_first_module_of_the_documents_reads_whole() -> None:
    _, manifest_text, query_text = re.findall(
        r"^```toml \S+\n(.*?)^```$", text_of("authors/README.md"), re.MULTILINE | re.DOTALL
    )
    manifest = read_manifest(manifest_text)
    assert [query.file for query in manifest.queries] == ["queries/to_mend.toml"]
    modules = [manifest, read_module("contacts")[1]]
    assert compile_query(read_query(query_text), catalog_of(core_manifest(), modules), {}).sql
    assert tomllib.loads(manifest_text)["module"]["name"] == "puppets"


# -- the Python page


def test_the_examples_of_the_python_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENPROD_HOME", str(tmp_path / "usual"))
    names = {"folder": tmp_path, "home": tmp_path / "home", "bens_home": tmp_path / "bens-home"}
    test = doctest.DocTestParser().get_doctest(text_of("people/python.md"), names, "python.md", "python.md", 0)
    told: list[str] = []
    result = doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    assert "".join(told) == ""
    assert result.attempted > 40


# -- invariants


def invariants() -> dict[int, str]:
    """Returns each invariant's paragraph by number."""
    found = re.findall(
        r"^\*\*INV-(\d+)\*\* (.*?)(?=^\*\*INV-|^## |\Z)", text_of("invariants.md"), re.MULTILINE | re.DOTALL
    )
    return {int(number): text for number, text in found}


def test_invariants_are_numbered_without_gaps() -> None:
    assert list(invariants()) == list(range(1, len(invariants()) + 1))


@pytest.mark.parametrize("number", invariants())
def test_an_invariant_names_the_files_that_hold_it_and_the_tests_that_show_it(number: int) -> None:
    held, comma, shown = invariants()[number].partition("Shown by ")
    _, held_by, places_text = held.partition("Held in ")
    assert held_by
    assert comma
    places, names = re.findall(r"`([^`]+)`", places_text), re.findall(r"`(test_\w+)`", shown)
    assert places
    assert names
    text = text_of_tests()
    assert [place for place in places if not is_there(place)] == []
    assert [name for name in names if f"def {name}(" not in text] == []


def is_there(place: str) -> bool:
    return any((root / place).exists() for root in (ROOT / "src" / "openprod", ROOT))


def test_every_invariant_that_is_cited_exists() -> None:
    files = [
        *sorted(DOCS.rglob("*.md")),
        *sorted((ROOT / "src").rglob("*.py")),
        *sorted((ROOT / "tests").rglob("*.py")),
    ]
    cited = {
        int(number) for file in files if file != THIS for number in re.findall(r"INV-(\d+)", file.read_text("utf-8"))
    }
    assert sorted(cited - set(invariants())) == []


# -- the database


def test_every_table_and_column_of_the_schema_is_in_its_page() -> None:
    text = text_of("formats/workspace-db.md")
    lacking: list[str] = []
    for statement in schema_statements():
        name = statement.split("(", 1)[0].split()[2]
        columns = re.sub(r"PRIMARY KEY\([^)]*\)", "", statement.partition("(")[2]).split(",")
        parts = [] if statement.startswith("CREATE INDEX") else [one.split()[0] for one in columns if one.split()]
        section = re.search(rf"^### [^\n]*\b{name}\b.*?(?=^##)", text, re.MULTILINE | re.DOTALL)
        named = words(section[0]) if section else set[str]()
        lacking += [f"{name}.{part}" for part in parts if part.isidentifier() and part not in named]
        lacking += [name] if f"`{name}`" not in text and not section else []
    assert lacking == []


# -- everything has its place in the index


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = [file.relative_to(DOCS) for file in sorted(DOCS.rglob("*.md")) if file.name != "README.md"]
    missing = [str(one) for one in pages if str(one) not in index and f"({one.parts[0]}/)" not in index]
    assert missing == []


def test_every_public_method_of_a_workspace_says_what_it_does() -> None:
    from openprod.workspace.workspace import Workspace
    from openprod.workspace.write import Edit

    silent = [
        f"{holder.__name__}.{name}"
        for holder in (Workspace, Edit)
        for name, member in vars(holder).items()
        if not name.startswith("_") and callable(member) and not inspect.getdoc(member)
    ]
    assert silent == []
