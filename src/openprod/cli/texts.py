"""Texts and lists that merge: shown and changed. What is changed stands beside what others change meanwhile."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.call import Call, command
from openprod.cli.records import full_name
from openprod.model.values import plain

if TYPE_CHECKING:
    from openprod.workspace.text_edit import TextEdit

STDIN = "-"


@command("text", overlay=True)
@click.argument("record", metavar="RECORD")
@click.argument("field", metavar="FIELD")
@click.option("--append", metavar="TEXT", help="Type at the end.")
@click.option("--insert", nargs=2, type=(int, str), metavar="AT TEXT", help="Type at a place, counted in characters.")
@click.option("--delete", nargs=2, type=int, metavar="AT COUNT", help="Take characters out.")
@click.option("--replace", nargs=2, metavar="OLD NEW", help="Put words in the place of others that stand there once.")
@click.option("--from", "source", metavar="FILE", help="Make it what a file says (- = standard input).")
def text(
    call: Call,
    record: str,
    field: str,
    append: str | None,
    insert: tuple[int, str] | None,
    delete: tuple[int, int] | None,
    replace: tuple[str, str] | None,
    source: str | None,
) -> None:
    """Show a text, or type in it: openprod text lighting.cues:11 notes --append " Slowly.".

    What others type at the same time stays. To set a text outright, use: openprod set RECORD FIELD=VALUE
    """
    view = call.view()
    uuid = view.ref(record)
    name = full_name(view, record, field)
    given = [one for one in (append, insert, delete, replace, source) if one is not None]
    if len(given) > 1:
        raise click.UsageError("Do one thing to a text at a time.")
    with view.edit("") as edit:
        change = edit.text(uuid, name)
        if append is not None:
            change.append(append)
        elif insert is not None:
            change.insert(*insert)
        elif delete is not None:
            change.delete(*delete)
        elif replace is not None:
            _replace(change, *replace)
        elif source is not None:
            change.become(_read(source))
    if given and edit.bundle is None and not change.splices:
        output.say("It was so already; nothing was written.")
    shape = view.record(uuid)
    if call.is_json:
        output.document(shape)
    elif given:
        output.line(f"Typed in {shape['title']}.")
    else:
        output.line(change.text)


@command("items", overlay=True)
@click.argument("record", metavar="RECORD")
@click.argument("field", metavar="FIELD")
@click.option("--add", "come", multiple=True, metavar="VALUE", help="Put it in; at the end unless --at says where.")
@click.option("--remove", "gone", multiple=True, metavar="VALUE", help="Take it out.")
@click.option("--move", metavar="VALUE", help="Move it to the place that --at says.")
@click.option("--at", type=int, metavar="PLACE", help="Where, from 0; negative places count from the end.")
def items(
    call: Call,
    record: str,
    field: str,
    come: tuple[str, ...],
    gone: tuple[str, ...],
    move: str | None,
    at: int | None,
) -> None:
    """Show a list, or put things in and take them out: openprod items tech.tasks:PAINT needs --add dark.

    What others do to it meanwhile stays. To write a list anew, use: openprod set RECORD FIELD=VALUE,VALUE
    """
    view = call.view()
    uuid = view.ref(record)
    name = full_name(view, record, field)
    if move is not None and at is None:
        raise click.UsageError("Say where to move it: --at PLACE")
    with view.edit("") as edit:
        change = edit.items(uuid, name)
        for value in gone:
            change.remove(value)
        for offset, value in enumerate(come):
            change.add(value, at if at is None else at + offset)
        if move is not None and at is not None:
            change.move(move, at)
    is_change = bool(come or gone or move is not None)
    if is_change and not any(change.changes()):
        output.say("It was so already; nothing was written.")
    shape = view.record(uuid)
    if call.is_json:
        output.document(shape)
    elif is_change:
        output.line(f"Wrote {shape['title']}.")
    else:
        for value in change.values:
            output.line(str(plain(value)))


def _replace(change: TextEdit, old: str, new: str) -> None:
    count = change.text.count(old) if old else 0
    if count != 1:
        said = "is not in the text" if count == 0 else f"stands in the text {count} times"
        raise click.UsageError(f"'{old}' {said}. Give words that stand there just once.")
    change.replace(change.text.index(old), len(old), new)


def _read(source: str) -> str:
    try:
        return sys.stdin.read() if source == STDIN else Path(source).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise click.UsageError(f"{source} is no text in UTF-8. Save it as that first.") from None


COMMANDS = {one.name: one for one in (text, items)}
