"""Questions: what people wrote differently without knowing of each other, and settling it."""

from __future__ import annotations

import click

from openprod.cli import output
from openprod.cli.call import Call, command
from openprod.workspace.shapes import ConflictShape

KEEP_OR_DELETE = {"keep": "keep it", "delete": "delete it"}


@command("conflicts")
@click.option("--record", metavar="RECORD", help="Only this record's.")
def conflicts(call: Call, record: str | None) -> None:
    """List what waits for somebody's decision, with the values to choose from."""
    found = call.open().conflicts(record)
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


@command("resolve")
@click.argument("question", metavar="ID")
@click.option("--choose", metavar="N", help="The number of an offered value, or its change's id.")
@click.option("--value", metavar="V", help="Another value.")
def resolve(call: Call, question: str, choose: str | None, value: str | None) -> None:
    """Settle a question with one of its values, or another: openprod resolve 3f2a90c1 --choose 2."""
    if (choose is None) == (value is None):
        raise click.UsageError("Give --choose N for an offered value, or --value V for another.")
    workspace = call.open()
    before = [one for one in workspace.conflicts() if one["id"].startswith(question)]
    workspace.resolve(question, choose=choose, value=value)
    record = workspace.record(before[0]["record"])
    field = before[0]["field"]
    if call.is_json:
        output.document(record)
    else:
        left = workspace.status()["conflicts"]
        settled = {"delete": ""}.get(
            before[0]["kind"], f" It is {output.cell(record['fields'].get(field)) or 'cleared'} now."
        )
        output.line(f"Settled.{settled} {left} to decide." if left else f"Settled.{settled} Nothing is left to decide.")
    call.leave(one for one in workspace.conflicts(record["id"]) if one["field"] == field)


COMMANDS = {"conflicts": conflicts, "resolve": resolve}
