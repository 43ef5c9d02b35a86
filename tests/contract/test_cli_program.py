"""The command line as a program: statuses, streams, what becomes of errors, and that every command is documented."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from openprod.cli import main as entrance
from openprod.cli.call import Call
from openprod.cli.main import GROUPS, openprod
from openprod.model.errors import Damaged, Missing, PeerFault, Refused
from openprod.testing.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "people" / "command-line.md"
PROGRAM = (sys.executable, "-m", "openprod.cli.main")


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yields every command with its full name."""
    context = click.Context(openprod, obj=Call())
    for name in openprod.list_commands(context):
        found = openprod.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from ((f"{name} {sub}", one) for sub, one in found.commands.items())
        else:
            yield name, found


def process(terminal: Terminal, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ, "OPENPROD_HOME": str(terminal.home), "OPENPROD_WORKSPACE": str(terminal.folder), **settings
    }  # fmt: skip
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, env=environment, check=False)


def test_every_command_is_in_the_guide_with_every_option() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    missing = [name for name, _ in commands() if f"openprod {name}" not in guide]
    options = {
        option
        for _, found in commands()
        for parameter in found.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--")
    }
    assert (missing, [option for option in sorted(options) if option not in guide]) == ([], [])


def test_every_command_says_what_it_does() -> None:
    for name, found in commands():
        assert found.help, name
        assert name.endswith(str(found.name))


def test_the_list_of_commands_is_complete_and_in_groups(terminal: Terminal) -> None:
    out = terminal.did("--help")
    for group, names in GROUPS.items():
        assert f"{group}:" in out
        for name in names:
            assert re.search(rf"^  {name} ", out, re.MULTILINE)


def test_no_command_is_misuse_and_shows_the_list(terminal: Terminal) -> None:
    ran = terminal.run()
    assert ran.status == 2
    assert "Usage: openprod" in ran.out


def test_a_command_that_is_not_there_is_answered_with_near_names(terminal: Terminal) -> None:
    ran = terminal.run("conflict")
    assert ran.status == 2
    assert "Did you mean conflicts" in ran.err


def test_misuse_with_json_is_one_document_too(terminal: Terminal) -> None:
    ran = terminal.run("--json", "show")
    assert ran.status == 2
    assert ran.document["error"]["code"] == "usage"
    assert "Usage:" in ran.err


def test_a_refusal_with_json_is_one_document_with_its_code(terminal: Terminal) -> None:
    ran = terminal.run("show", "lighting.cues:404", "--json")
    assert ran.status == 1
    assert ran.document["error"]["code"] == "record.unknown"
    assert ran.document["error"]["message"] == ran.err.strip()


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",), ("whoami",), ("tables",), ("fields", "lighting.cues"), ("show", "lighting.cues"),
        ("show", "lighting.cues:11"), ("query", "sm.called_cues"), ("search", "dawn"), ("log",),
        ("history", "lighting.cues:11"), ("verify",), ("rebuild",), ("conflicts",), ("module", "list"),
        ("template", "list"), ("relations", "lighting.cues:11"), ("set", "lighting.cues:11", "label=x"),
    ],
)  # fmt: skip
def test_json_is_one_document_and_nothing_else(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    terminal.did("add", "lighting.cues", "number=11", "label=Dawn")
    ran = terminal.run("--json", *arguments)
    assert ran.status == 0
    assert ran.document is not None


def test_a_real_process_gives_the_statuses(terminal: Terminal) -> None:
    assert process(terminal, "status").returncode == 0
    failed = process(terminal, "show", "nothing.here")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert process(terminal, "show").returncode == 2


def test_a_reader_that_leaves_early_ends_it_quietly(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "cues.csv"
    file.write_text("number,label\n" + "".join(f"{n},{'x' * 200}\n" for n in range(2_000)))
    terminal.did("import", str(file), "--into", "lighting.cues", "--commit")
    environment = {**os.environ, "OPENPROD_HOME": str(terminal.home), "OPENPROD_WORKSPACE": str(terminal.folder)}
    with subprocess.Popen(
        [*PROGRAM, "show", "lighting.cues", "--json"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.read(10)
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 141


class Odd(Exception):
    """Something nobody foresaw."""


def break_status(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(Call, "open", fail)


def test_what_nobody_foresaw_is_a_sentence_and_a_place_in_the_log(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_status(monkeypatch, Odd("Jane's phone is 555-0100"))
    ran = terminal.run("status", "--json")
    assert ran.status == 1
    assert "Traceback" not in ran.err
    assert ran.document["error"]["code"] == "unexpected"
    log = terminal.home / "openprod.log"
    assert str(log) in ran.err
    noted = log.read_text()
    assert "Odd" in noted
    assert "test_cli_program" in noted
    assert "555" not in noted + ran.err
    assert log.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", [Refused, Missing, Damaged, PeerFault])
def test_each_kind_of_error_is_its_sentence_and_status_1(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, kind: type[Refused]
) -> None:
    break_status(monkeypatch, kind("It is so. Do this."))
    ran = terminal.run("status")
    assert (ran.status, ran.out, ran.err) == (1, "", "It is so. Do this.\n")


def test_stopping_by_hand_is_said_in_one_line(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    break_status(monkeypatch, KeyboardInterrupt())
    ran = terminal.run("status")
    assert ran.status == 130
    assert ran.err.strip().splitlines() == ["Stopped. What was not finished was not written."]


def test_a_refusal_of_the_system_names_the_place(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    break_status(monkeypatch, PermissionError(13, "Permission denied", "/some/where"))
    ran = terminal.run("status")
    assert ran.status == 1
    assert ran.err.startswith("/some/where: Permission denied.")


def test_the_log_keeps_what_crossed_a_door_and_turns_over(terminal: Terminal, tmp_path: Path) -> None:
    log = terminal.home / "openprod.log"
    terminal.did("sync", str(tmp_path / "s.opx"))
    assert "opx file of" in log.read_text()
    log.write_text("x" * (2 << 20))
    terminal.did("sync", str(tmp_path / "t.opx"))
    assert log.stat().st_size < 10_000
    assert (terminal.home / "openprod.old.log").exists()
    assert logging.getLogger("openprod").handlers


def test_nothing_slow_is_imported_before_a_command_asks_for_it() -> None:
    code = (
        "import sys, openprod.cli.main, openprod.cli.showing; "
        "print([m for m in ('rich', 'msgspec', 'apsw', 'uvicorn') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]\n"


def test_showing_a_table_imports_neither_rich_nor_the_server(terminal: Terminal) -> None:
    code = (
        "import sys; from openprod.cli.main import main; main(['show', 'lighting.cues']); "
        "print([m for m in ('rich', 'uvicorn', 'starlette', 'openprod.peers.opx') if m in sys.modules])"
    )
    environment = {**os.environ, "OPENPROD_HOME": str(terminal.home), "OPENPROD_WORKSPACE": str(terminal.folder)}
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert shown.stdout == "[]\n"


def test_serving_says_where_and_lets_one_page_in(terminal: Terminal) -> None:
    environment = {**os.environ, "OPENPROD_HOME": str(terminal.home), "OPENPROD_WORKSPACE": str(terminal.folder)}
    with subprocess.Popen(
        [*PROGRAM, "serve", "--no-browser", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        lines: list[str] = []
        for line in running.stdout:
            lines.append(line)
            if line == "}\n":
                break
        found: dict[str, str] = json.loads("".join(lines) or "{}")
        running.send_signal(2)
        out, err = running.communicate(timeout=20)
    if "has not been built" in err:
        pytest.skip("the web page is not built in this tree")
    assert found["origin"] == f"http://127.0.0.1:{found['port']}"
    assert Path(found["page"]).name == "open.html"
    assert not Path(found["page"]).exists()
    assert out == ""
    assert "Traceback" not in err
    assert "code=" not in err


def test_the_entrance_is_what_the_package_installs() -> None:
    assert callable(entrance.main)
    assert 'openprod = "openprod.cli.main:main"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
