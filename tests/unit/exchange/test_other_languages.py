"""Files as programs of other countries and other address books write them: their names of columns, letters, dates."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import openprod
from openprod.exchange.stage import import_bytes
from openprod.workspace.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A production in which nothing is written."""
    folder = tmp_path_factory.mktemp("languages")
    with openprod.init(folder / "w", name="Hamlet", template="stage-management", home=folder / "home") as made:
        yield made


@pytest.mark.parametrize(
    ("text", "encoding", "into", "fields"),
    [
        ("Name;Telefon;E-Mail\r\nJürgen Groß;030/123;j@x.de\r\n", "cp1252", "contacts.people", "name phone email"),
        ("Vorname;Nachname;Handy\nJürgen;Groß;0170\n", "utf-8-sig", "contacts.people", "name phone"),
        ("Nom;Téléphone;Courriel\nÉlodie;01 02;e@x.fr\n", "utf-16", "contacts.people", "name phone email"),
        ("Nom\tTéléphone\nÉlodie\t01 02\n", "utf-16-be", "contacts.people", "name phone"),
        (
            "First Name,Last Name,E-mail 1 - Value,Phone 1 - Value\nJane,Doe,j@x.com,555\n", "utf-8",
            "contacts.people", "name email phone",
        ),
        ('"First Name","Last Name","E-mail"\n"Jane","Doe","j@x.com"\n', "utf-8", "contacts.people", "name email"),
        ("Nummer;Bezeichnung;Seite;Zeit\n1;Auf;3;2,5\n", "cp1252", "lighting.cues", "number label page up"),
        ("Datum;Beginn;Ende;Titel;Raum\n24.12.2026;10:00;11:00;Probe;A\n", "utf-8", "schedule.events",
         "date start end title room"),
    ],
)  # fmt: skip
def test_the_columns_of_other_languages_are_known(
    workspace: Workspace, text: str, encoding: str, into: str, fields: str
) -> None:
    raw = text.encode(encoding) if encoding != "utf-16-be" else text.encode("utf-16-be")
    staged = import_bytes(workspace, raw, "list.csv", into)
    assert staged.preview()["rejected"] == []
    assert staged.preview()["creates"] == 1
    assert {key.rpartition(".")[2] for key in staged.plan.fields} >= set(fields.split())
    assert not any("left out" in one for one in staged.preview()["assumed"])


def test_dates_with_points_say_that_the_day_comes_first(workspace: Workspace) -> None:
    raw = b"Datum,Titel\n24.12.2026,Run\n3/4/26,Dress\n"
    staged = import_bytes(workspace, raw, "dates.csv", "schedule.events")
    assert [row[0] for row in staged.plan.creates][1] == "2026-04-03"
    alone = import_bytes(workspace, b"Datum,Titel\n3/4/26,Dress\n", "alone.csv", "schedule.events")
    assert any("as nothing in the file says which" in one for one in alone.preview()["assumed"])
