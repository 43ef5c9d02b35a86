"""The page for authors is followed word by word: its module is made, checked, adopted, used, packed and put away."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from openprod.testing.terminal import Ran, Terminal
from openprod.workspace.skeleton import files_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "authors" / "README.md"
STEP = re.compile(
    r"^```toml (?P<file>\S+)\n(?P<text>.*?)^```$|^    openprod (?P<command>[^\n]+)$", re.MULTILINE | re.DOTALL
)


def test_the_page_for_authors_can_be_followed_word_by_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    desk = Terminal(tmp_path / "home", tmp_path / "show")
    desk.did("init", str(desk.folder), "--name", "Show", "--person", "Ann")
    desk.did("module", "adopt", "contacts")
    desk.did("add", "contacts.people", "name=Jane Doe")
    ran: dict[str, list[Ran]] = {}
    for step in STEP.finditer(PAGE.read_text(encoding="utf-8")):
        if step["file"] == "new/module.toml":
            assert step["text"] == (tmp_path / "puppets" / "module.toml").read_text(encoding="utf-8")
        elif step["file"]:
            (tmp_path / step["file"]).write_text(step["text"], encoding="utf-8")
        else:
            done = desk.run(*shlex.split(step["command"]))
            assert done.status == 0, (step["command"], done.err)
            ran.setdefault(step["command"], []).append(done)
    assert "puppets 0.2.0 is right: 1 table, 1 relation, 1 check, 1 query" in ran["module check puppets"][0].out
    assert "Firebird" in ran["query puppets.to_mend"][0].out
    assert "Jane Doe" in ran["query puppets.to_mend"][0].out
    assert "1 puppet has nobody to work it." in ran["checks puppets.puppets"][0].out
    assert "is installed for you" in ran["module install puppets-0.2.0.opmod"][0].out
    assert "Nothing was deleted" in desk.did("module", "remove", "puppets")
    desk.did("module", "adopt", "puppets")
    assert desk.asked("show", "puppets.puppets:Wolf")["title"] == "Wolf"


def test_a_new_module_is_right_from_the_first_moment(tmp_path: Path) -> None:
    desk = Terminal(tmp_path / "home", None)
    made = desk.asked("module", "new", "stunts", "--in", str(tmp_path))
    assert {str(file.relative_to(made["folder"])) for file in Path(made["folder"]).rglob("*.*")} == set(
        files_of("stunts")
    )
    assert desk.did("module", "check", made["folder"]).startswith("stunts 0.1.0 is right")
    assert desk.run("module", "new", "stunts", "--in", str(tmp_path)).status == 1
