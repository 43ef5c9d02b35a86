"""The program's entrance: which commands there are, and what becomes of whatever ends one.

Knows the names of commands and where each lives; imports a command's file only when it is asked for, as a cold start
counts milliseconds. The one place where an error becomes a sentence on the terminal and an exit status.
"""

from __future__ import annotations

import difflib
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from openprod.cli import output
from openprod.cli.call import DONE, REFUSED, USAGE, Call, add_global_options
from openprod.cli.logs import note_crash, start_log
from openprod.model.errors import OpenprodError

if TYPE_CHECKING:
    from click.formatting import HelpFormatter

INTERRUPTED = 130
READER_LEFT = 141
NEAR_MAX = 3

# Group, then command: the file it lives in and what the list of commands says of it.
GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Start": {
        "demo": ("start", "Make and open the demo production"),
        "init": ("start", "Start a new production"),
        "serve": ("start", "Open a production in the browser"),
        "status": ("start", "Say where this production stands"),
        "whoami": ("start", "Say who writes on this device"),
        "identity": ("identity", "Create, export or import who you are"),
    },
    "Tables": {
        "tables": ("tables", "List the tables"),
        "fields": ("tables", "List the fields of a table"),
        "checks": ("tables", "Count what somebody should look at"),
        "table": ("shaping", "Make a table of your own, or call one otherwise, or hide it"),
        "relation": ("shaping", "Make a relation of your own, or call one otherwise"),
        "field": ("shaping", "Add a field to a table, or call one otherwise, hide or move it"),
        "show": ("showing", "Show a table or a record"),
        "query": ("showing", "Ask a saved query, or a condition on a table"),
        "search": ("showing", "Find words in all tables"),
        "settings": ("settings", "Show or change the settings of the production"),
    },
    "Records": {
        "add": ("records", "Add a record to a table"),
        "set": ("records", "Write fields of a record"),
        "clear": ("records", "Clear a field of a record"),
        "text": ("texts", "Show a text that merges, or type in it"),
        "items": ("texts", "Show a list, or put things in and take them out"),
        "refer": ("records", "Take a field from another record's"),
        "put": ("records", "Put a record into one more table"),
        "remove": ("records", "Take a record out of a table"),
        "delete": ("records", "Delete a record"),
        "restore": ("records", "Bring a deleted record back"),
        "relate": ("records", "Relate two records"),
        "unrelate": ("records", "End a relation"),
        "relations": ("records", "List the relations of a record"),
        "move": ("records", "Move an entry of an ordered relation"),
        "attach": ("files", "Keep a file and attach it to a record"),
        "blob": ("files", "List the files that are kept, get one back"),
    },
    "The same things": {
        "mappings": ("mapping", "List which fields are the same data, or may be"),
        "map": ("mapping", "Say that two fields are the same data"),
        "unmap": ("mapping", "Take that back"),
        "mapping": ("mapping", "Answer a suggested mapping"),
        "matches": ("merging", "List records that may be one"),
        "merge": ("merging", "Say that two records are one"),
        "split": ("merging", "Take that back"),
        "proposals": ("merging", "List what may want doing, and say yes or no"),
    },
    "History": {
        "log": ("history", "List the last changes"),
        "history": ("history", "Say how a record or a field came to be as it is"),
        "diff": ("history", "Say what changed since a moment"),
        "milestone": ("history", "Give this moment a name"),
        "undo": ("history", "Take back what you did last"),
        "redo": ("history", "Do again what you took back"),
        "verify": ("history", "Prove that nothing here is damaged"),
        "rebuild": ("history", "Derive the tables from the history again"),
    },
    "Questions": {
        "conflicts": ("conflicts", "List what waits for somebody's decision"),
        "resolve": ("conflicts", "Settle a question"),
    },
    "Staging": {
        "overlay": ("overlays", "Try changes before they become real"),
    },
    "In and out": {
        "import": ("inout", "Read a CSV file into a table"),
        "export": ("inout", "Write a table or a query's answer to a file of another program"),
        "paper": ("inout", "Set a table or a query's answer on paper"),
    },
    "Modules": {
        "module": ("modules", "Write, install, adopt, check and pack modules"),
        "template": ("templates", "List, show, apply and save templates"),
    },
    "Together": {
        "invite": ("together", "Make an invitation for somebody, list or close those that are open"),
        "admit": ("together", "Let somebody in who waits to be"),
        "accept": ("together", "Let in a change that is held for its clock"),
        "join": ("together", "Join a production with an invitation and a file"),
        "sync": ("together", "Bring copies together by a file or a folder"),
    },
}


class Commands(click.Group):
    """All commands, each loaded when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        """Returns the names, in the order of the groups."""
        return [name for group in GROUPS.values() for name in group]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's signature
        """Returns a command, or None."""
        for group in GROUPS.values():
            if cmd_name in group:
                file = importlib.import_module(f"openprod.cli.{group[cmd_name][0]}")
                found: click.Command = file.COMMANDS[cmd_name]
                return found
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command of the arguments; says near names where there is none of that name."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=NEAR_MAX)
            hint = f" Did you mean {' or '.join(near)}?" if near else " 'openprod --help' lists them."
            raise click.UsageError(f"There is no command '{output.clean(args[0])}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: HelpFormatter) -> None:  # noqa: ARG002 -- click's signature
        """Writes the list of commands, group by group."""
        for title, group in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in group.items()])


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 -- click's signature
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"openprod {version('openprod')}")
    ctx.exit(DONE)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=True)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version.")
def openprod() -> None:
    """The paperwork of a theatre production, kept once, on everybody's own machine.

    The production is --workspace, else $OPENPROD_WORKSPACE, else the nearest one upward from here. Records are named by
    id, a beginning of it, or TABLE:KEY such as lighting.cues:11.

    Exit status: 0 done; 1 it could not be done, a sentence says why; 2 the command was not understood; 3 done, and it
    left something for a person to decide.
    """


add_global_options(openprod)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status; never shows a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    call = Call(is_json="--json" in given)
    try:
        output.begin()
        start_log()
        # Not click's own `main`: it would end the process itself where a reader leaves.
        with openprod.make_context("openprod", given, obj=call) as context:
            openprod.invoke(context)
        output.flush()
        return call.status
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return USAGE
    except click.UsageError as error:
        return _misused(call, error)
    except click.ClickException as error:
        return _failed(call, "refused", error.format_message())
    except OpenprodError as error:
        return _failed(call, error.code, str(error))
    except (click.Abort, KeyboardInterrupt):
        output.say("Stopped. What was not finished was not written.")
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    except OSError as error:
        if error.errno == errno.EPIPE:
            return _reader_left()
        return _failed(call, "system", output.system_sentence(error))
    except Exception as error:  # noqa: BLE001 -- the top of the task: logged, and said in a sentence
        return _failed(call, "unexpected", note_crash(error))
    finally:
        call.close()


def _misused(call: Call, error: click.UsageError) -> int:
    message = output.clean(error.format_message())
    if error.ctx is not None:
        output.say(error.ctx.get_usage())
    output.say(message)
    if call.is_json:
        output.document({"error": {"code": "usage", "message": message}})
    return USAGE


def _failed(call: Call, code: str, sentence: str) -> int:
    output.say(output.clean(sentence, lines=True))
    if call.is_json and not output.has_begun():
        output.document({"error": {"code": code, "message": sentence}})
    return REFUSED


def _reader_left() -> int:
    """Ends quietly where whoever read our output (head, less) has left; keeps Python from complaining at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError):
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return READER_LEFT


if __name__ == "__main__":
    sys.exit(main())
