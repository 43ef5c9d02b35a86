"""Texts that merge: shown, typed in, made into another one. What is typed stands beside what others type meanwhile."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.call import Call, command
from openprod.cli.records import full_name

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


COMMANDS = {one.name: one for one in (text,)}
