"""JSON: a list of objects, one for each row, wherever it stands in the document; also one object a line.

Knows how objects become rows. Must not know any program's own JSON (`lsp` does).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn, cast

from openprod.exchange.csv import decode_text
from openprod.exchange.sheet import COLUMNS_MAX, Choice, Sheet, Unreadable, make_sheet, number_text, places

DEPTH_MAX = 64
JOINED = "; "
KEY = "key"

Json = dict[str, object]


def read(raw: bytes, choice: Choice) -> Sheet:
    """Returns the rows of a JSON document; raises Unreadable."""
    text, _, assumed = decode_text(raw)
    bad: list[tuple[int, str]] = []
    document = decode(text)
    records = list(_lines(text, bad)) if document is None else _records(document, choice.sheet, assumed)
    if not records and not bad:
        raise Unreadable('The document holds no list of objects: rows should stand in it as [{"name": …}, …].')
    header: dict[str, None] = {}
    rows: list[tuple[int, dict[str, str]]] = []
    doubled: list[int] = []
    for place, record in records:
        if record is None:
            bad.append((place, "it is no object with names and values"))
            continue
        cells: dict[str, str] = {}
        _flatten(record, "", cells)
        header.update(dict.fromkeys(cells))
        if _DOUBLED in cells:
            doubled.append(place)
        rows.append((place, cells))
        if len(header) > COLUMNS_MAX:
            raise Unreadable(
                f"The objects have more than {COLUMNS_MAX:,} different names; so many columns cannot be read."
            )
    header.pop(_DOUBLED, None)
    if doubled:
        assumed.append(f"A name stands twice in one object; the last value was taken ({places(doubled, 'entry')}).")
    return make_sheet(
        list(header),
        ((at, [row.get(name, "") for name in header]) for at, row in rows),
        bad=bad,
        assumed=assumed,
        unit="entry",
    )


_DOUBLED = "\0doubled"


def decode(text: str) -> object | None:
    """Returns what a JSON text says, None where it is several documents one after another; raises Unreadable."""
    try:
        return cast("object", json.loads(text, object_pairs_hook=_object, parse_constant=_refuse))
    except RecursionError as error:
        raise Unreadable("The JSON is nested too deeply to be read.") from error
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and "\n" in text.strip():
            return None
        raise Unreadable(
            f"The file is no JSON that can be read: line {error.lineno}, column {error.colno}: {error.msg.lower()}."
        ) from error
    except ValueError as error:
        raise Unreadable(f"The file is no JSON that can be read: {error}.") from error


def _object(pairs: list[tuple[str, object]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        found[_DOUBLED] = "yes"
    return found


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")


def _lines(text: str, bad: list[tuple[int, str]]) -> Iterator[tuple[int, Json | None]]:
    for line, one in enumerate(text.splitlines(), 1):
        if not one.strip():
            continue
        try:
            found = json.loads(one, object_pairs_hook=_object, parse_constant=_refuse)
        except (ValueError, RecursionError):
            bad.append((line, "it is no JSON"))
            continue
        yield line, cast("Json", found) if isinstance(found, dict) else None


def _records(document: object, wanted: str, assumed: list[str]) -> list[tuple[int, Json | None]]:
    """Returns the rows of a document: itself, its longest list of objects, or lists of objects by name."""
    if isinstance(document, list):
        return _numbered(cast("list[object]", document))
    if not isinstance(document, dict):
        return []
    whole = cast("Json", document)
    lists = {name: cast("list[object]", one) for name, one in whole.items() if isinstance(one, list)}
    tables = {name: one for name, one in lists.items() if _is_table(one)}
    if wanted:
        if wanted not in tables:
            raise Unreadable(
                f"There is no list of objects '{wanted}' in the file. It has: {', '.join(tables) or 'none'}."
            )
        return _numbered(tables[wanted])
    if tables and len(lists) == len(whole) and len(tables) > 1 and _share_names(list(tables.values())):
        assumed.append(
            f"The file holds {len(tables)} lists under names; each row has its list's name in a column '{KEY}'."
        )
        named = [{KEY: name, **one} for name, rows in tables.items() for one in cast("list[Json]", rows)]
        return _numbered(cast("list[object]", named))
    if tables:
        name = max(tables, key=lambda one: len(tables[one]))
        if len(tables) > 1:
            assumed.append(f"The list '{name}' was read. Choose another with --sheet: {', '.join(tables)}.")
        return _numbered(tables[name])
    if whole and all(isinstance(one, dict) for one in whole.values()):
        return _numbered([{KEY: name, **cast("Json", one)} for name, one in whole.items()])
    return []


def _is_table(one: Sequence[object]) -> bool:
    return bool(one) and all(isinstance(item, dict) for item in one)


def _share_names(tables: Sequence[Sequence[object]]) -> bool:
    names = [frozenset(cast("Json", one[0])) for one in tables]
    return all(one & names[0] for one in names)


def _numbered(items: Sequence[object]) -> list[tuple[int, Json | None]]:
    return [(at, cast("Json", one) if isinstance(one, dict) else None) for at, one in enumerate(items, 1)]


def _flatten(record: Mapping[str, object], lead: str, cells: dict[str, str], depth: int = 0) -> None:
    """Writes a record's values as cells: names of inner objects are joined by points, lists by semicolons."""
    if depth > DEPTH_MAX:
        raise Unreadable(f"The objects are nested more than {DEPTH_MAX} deep.")
    for name, value in record.items():
        if isinstance(value, dict):
            _flatten(cast("Json", value), f"{lead}{name}.", cells, depth + 1)
        elif len(cells) > COLUMNS_MAX:
            raise Unreadable(f"An object has more than {COLUMNS_MAX:,} names; so many columns cannot be read.")
        else:
            cells[_DOUBLED if name == _DOUBLED else lead + name] = text_of(value)


def text_of(value: object) -> str:
    """Returns a JSON value as it stands in a cell."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case int():
            return str(value)
        case float():
            return number_text(value)
        case list():
            return JOINED.join(_item(item) for item in cast("list[object]", value))
        case _:
            return _packed(value)


def _item(value: object) -> str:
    return _packed(cast("object", value)) if isinstance(value, (list, dict)) else text_of(value)


def _packed(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError as error:
        raise Unreadable("The JSON is nested too deeply to be read.") from error
