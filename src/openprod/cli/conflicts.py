"""Questions: what people wrote differently without knowing of each other, and settling it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.call import Call, command
from openprod.model.errors import Missing
from openprod.workspace.shapes import ConflictShape

if TYPE_CHECKING:
    from openprod.workspace.view import View

KEEP_OR_DELETE = {"keep": "keep it", "delete": "delete it"}


class NoSuchQuestion(Missing):
    """No open question goes by that name, or several do."""

    code = "cli.no_such_question"


@command("conflicts", overlay=True)
@click.option("--record", metavar="RECORD", help="Only this record's.")
def conflicts(call: Call, record: str | None) -> None:
    """List what waits for somebody's decision, with the values to choose from."""
    found = call.view().conflicts(record)
    if call.is_json:
        output.document(found)
        return
    if not found:
        output.say("Nothing waits for a decision.")
    for one in found:
        print_question(one)


def print_question(question: ConflictShape) -> None:
    """Prints a question and its numbered values; a star marks the one that is read meanwhile."""
    output.line(f"{question['id']}  {question['text']}")
    for number, value in enumerate(question["values"], start=1):
        star = "*" if value["op"] == question["shown"] else " "
        shown = "(cleared)" if value["value"] is None else output.cell(value["value"])
        if question["kind"] == "delete":
            shown = KEEP_OR_DELETE.get(shown, shown)
        output.line(f"  {star}{number}  {shown}  – {value['actor_name']}, {output.moment(value['at'])}")


@command("resolve", overlay=True)
@click.argument("question", metavar="ID")
@click.option("--choose", metavar="N", help="The number of an offered value, or its change's id.")
@click.option("--value", metavar="V", help="Another value.")
def resolve(call: Call, question: str, choose: str | None, value: str | None) -> None:
    """Settle a question with one of its values, or another: openprod resolve 3f2a90c1 --choose 2.

    Instead of the question's id, a record may be named (lighting.cues:11) that has just one.
    """
    if (choose is None) == (value is None):
        raise click.UsageError("Give --choose N for an offered value, or --value V for another.")
    workspace = call.view()
    found = _find(workspace, question)
    if choose is not None:
        workspace.resolve(found["id"], choose=choose)
    else:
        workspace.resolve(found["id"], value=value)
    record = workspace.record(found["record"])
    if call.is_json:
        output.document(record)
    else:
        left = workspace.status()["conflicts"]
        shown = output.cell(record["fields"].get(found["field"])) or "cleared"
        settled = "Settled." if found["kind"] == "delete" else f"Settled. It is {shown} now."
        output.line(f"{settled} {left} to decide." if left else f"{settled} Nothing is left to decide.")
    call.leave(one for one in workspace.conflicts(record["id"]) if one["field"] == found["field"])


def _find(workspace: View, question: str) -> ConflictShape:
    """Returns the open question of an id, a beginning of one, or a record that has just one."""
    if ":" in question:
        found = workspace.conflicts(question)
        where = f"{question} has {len(found) or 'no'} open question{'s' if len(found) != 1 else ''}"
    else:
        found = [one for one in workspace.conflicts() if one["id"].startswith(question)] if question else []
        where = f"{len(found) or 'No'} open question{'s' if len(found) != 1 else ''} here begin with '{question}'"
    if len(found) != 1:
        raise NoSuchQuestion(f"{where}. Give the id of one; they are listed by: openprod conflicts")
    return found[0]


COMMANDS = {"conflicts": conflicts, "resolve": resolve}
