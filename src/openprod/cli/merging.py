"""One record or two: merge, split, and what is suggested."""

from __future__ import annotations

import click

from openprod.cli import output
from openprod.cli.arguments import names
from openprod.cli.call import Call, command


@command("merge", overlay=True)
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
def merge(call: Call, one: str, other: str) -> None:
    """Say that two records are one: it is in every table of either, and what differs becomes a question.

    Shows first in what they differ, and asks; with --yes or --json it does not ask. Both ids go on working.
    """
    workspace = call.view()
    records = [workspace.record(reference) for reference in (one, other)]
    differing = workspace.differences(one, other)
    if not (call.is_json or call.is_sure) and records[0]["id"] != records[1]["id"]:
        places = [f"{found['title']} ({', '.join(found['tables'])})" for found in records]
        output.say(f"{places[0]} and {places[1]} will be one record.")
        for field in differing:
            output.say(f"  {field['field']}: {output.cell(field['one'])} or {output.cell(field['other'])}")
        output.say("Each of these becomes a question." if differing else "They differ in nothing.")
        click.confirm("Merge them?", abort=True, err=True)
    before = {found["id"] for found in workspace.conflicts()}
    uuid = workspace.merge(one, other)
    shape = workspace.record(uuid)
    if call.is_json:
        output.document(shape)
    else:
        output.line(f"{shape['title']} is one record now ({shape['id']}), in {', '.join(shape['tables'])}.")
        output.say(f"Take it back with: openprod split {max(found['id'] for found in records)}")
    call.leave(found for found in workspace.conflicts(uuid) if found["id"] not in before)


@command("split", overlay=True)
@click.argument("record", metavar="RECORD")
@click.option("--tables", default="", metavar="T,…", help="The tables that go with the record that is split off.")
def split(call: Call, record: str, tables: str) -> None:
    """Take a merge back: one of the records stands apart again, with these tables, or with those it was in by itself.

    What both show is kept on both. Give the whole id of a record that was merged into another to split off just that.
    """
    workspace = call.view()
    stays, goes = workspace.split(record, names(tables))
    shapes = [workspace.record(uuid) for uuid in (stays, goes)]
    if call.is_json:
        output.document({"stays": shapes[0], "goes": shapes[1]})
        return
    places = [f"{one['title']} ({one['id']}) in {', '.join(one['tables']) or 'no table'}" for one in shapes]
    output.line(f"These are two again: {places[0]}, and {places[1]}.")


@command("matches", overlay=True)
@click.option("--decline", metavar="ID", help="These two are not one; do not suggest it again.")
def matches(call: Call, decline: str | None) -> None:
    """List records that may be one: those with the same key, e-mail or mapped field, to the letter.

    Nothing is merged by itself. Say yes with: openprod merge A B. Nothing never matches nothing.
    """
    workspace = call.view()
    if decline is not None:
        declined = workspace.decline_match(decline)
        if call.is_json:
            output.document(declined)
            return
        output.line(f"{declined['titles'][0]} and {declined['titles'][1]} stay two, and this is not asked again.")
        return
    found = workspace.matches()
    if call.is_json:
        output.document(found)
        return
    if not found:
        output.say("No two records have the same key, e-mail or mapped field.")
        return
    for one in found:
        output.line(f"{one['id']}  {one['text']}")
        output.line(f"          openprod merge {one['one']} {one['other']}")


@command("proposals", overlay=True)
@click.option("--accept", metavar="ID", help="Do it, as proposed.")
@click.option("--decline", metavar="ID", help="Let things be; this is not asked again.")
def proposals(call: Call, accept: str | None, decline: str | None) -> None:
    """List what may want doing: records that lost a link's condition, relations that are there twice; say yes or no."""
    workspace = call.view()
    if accept is not None and decline is not None:
        raise click.UsageError("Give --accept or --decline, not both.")
    chosen = accept or decline
    if chosen is not None:
        answered = workspace.answer_proposal(chosen, is_accepted=accept is not None)
        if call.is_json:
            output.document(answered)
        else:
            output.line(_answered(answered["kind"], is_accepted=accept is not None).format(**answered))
            call.leave(workspace.conflicts(answered["record"]) if answered["kind"] == "unite" else ())
        return
    found = workspace.proposals()
    if call.is_json:
        output.document(found)
        return
    if not found:
        output.say("Nothing is proposed.")
    for one in found:
        output.line(f"{one['id']}  {one['text']}")
    if found:
        output.say("Yes: openprod proposals --accept ID. No, and not asked again: openprod proposals --decline ID")


def _answered(kind: str, *, is_accepted: bool) -> str:
    """Returns the sentence, with places for what it is about, that says what became of a proposal."""
    if kind == "unite":
        return "{title} is one now; where the two differed, decide." if is_accepted else "{title} stays there twice."
    return "{title} is no longer in {table}." if is_accepted else "{title} stays in {table}."


COMMANDS = {"proposals": proposals, "merge": merge, "split": split, "matches": matches}
