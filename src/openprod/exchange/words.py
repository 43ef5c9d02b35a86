"""A listing in the words of another program's format: the columns of its files, filled as a module says they are read.

A module says once what the columns of a format mean (`[import.ical]`); writing reads the same lines backwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from openprod.exchange.declared import forms_of
from openprod.exchange.export import text_of, writer_of
from openprod.exchange.listing import Listing
from openprod.exchange.sheet import plainly
from openprod.model.errors import Refused

if TYPE_CHECKING:
    from openprod.exchange.columns import Form
    from openprod.workspace.view import View


class NotInThisForm(Refused):
    """What was to be written lacks what every file of that format says."""

    code = "export.not_in_this_form"


def columns_for(
    view: View, listing: Listing, form: str, header: Sequence[str], also: Mapping[str, Sequence[str]]
) -> dict[str, int]:
    """Returns the place of the column of a listing that fills a format's column, for those that something fills.

    Args:
        view: whose modules say what the columns mean.
        listing: the rows.
        form: the format, as modules call it.
        header: the columns of such files.
        also: for a column, the names of columns of a query that mean it.
    """
    forms = forms_of(view, listing.table, form) if listing.table else []
    places = {word: _place(listing, forms, word, also.get(word, ())) for word in header}
    return {word: place for word, place in places.items() if place is not None}


def in_words(
    view: View, listing: Listing, form: str, header: Sequence[str], also: Mapping[str, Sequence[str]]
) -> list[dict[str, str]]:
    """Returns the rows as texts under a format's column names, empty where nothing fills them; see `columns_for`."""
    forms = forms_of(view, listing.table, form) if listing.table else []
    places = columns_for(view, listing, form, header, also)
    back = _translations(forms)
    writers = [writer_of(one.field) if one.field is not None else text_of for one in listing.columns]
    found: list[dict[str, str]] = []
    for row in listing.rows:
        cells = dict.fromkeys(header, "")
        for word, place in places.items():
            text = writers[place](row[place])
            cells[word] = back.get((listing.columns[place].name, text), text)
        found.append(cells)
    return found


def need(rows: Iterable[Mapping[str, str]], listing: Listing, words: Sequence[str], form: str) -> None:
    """Raises NotInThisForm where a column that every such file has is empty in all rows."""
    held = list(rows)
    lacking = [word for word in words if held and not any(row[word] for row in held)]
    if lacking:
        raise NotInThisForm(
            f"{listing.title} cannot be written as {form}: nothing in it says the {' and the '.join(lacking).lower()}."
            " Choose another table or query, or write CSV."
        )


def _place(listing: Listing, forms: Sequence[Form], word: str, also: Sequence[str]) -> int | None:
    plain = plainly(word)
    names = [form.columns[header] for form in forms for header in form.columns if plainly(header) == plain]
    for name in (*names, plain, *also):
        at = listing.at(name)
        if at is not None:
            return at
    return None


def _translations(forms: Iterable[Form]) -> dict[tuple[str, str], str]:
    """Returns for (field, our word) the word that such files use; the first one where several mean it."""
    found: dict[tuple[str, str], str] = {}
    for form in forms:
        for name, words in form.values.items():
            for theirs, ours in words.items():
                found.setdefault((name, ours), theirs)
    return found
