"""The command line: files in and out."""

from __future__ import annotations

from pathlib import Path

from openprod.testing.terminal import Terminal

PREVIEW = {
    "overlay", "creates", "updates", "matches", "unchanged", "questions", "kept", "gone", "gone_records", "rejected",
    "assumed", "import", "bundles", "source", "columns",
}  # fmt: skip


def people(folder: Path, text: str = "name,phone\nJane Doe,555-0100\nJohn Roe,555-0101\n") -> str:
    file = folder / "people.csv"
    file.write_text(text)
    return str(file)


def test_import_looks_first_and_writes_only_when_asked(terminal: Terminal, tmp_path: Path) -> None:
    file = people(tmp_path)
    seen = terminal.asked("import", file, "--into", "contacts.people")
    assert set(seen) == PREVIEW
    assert (seen["creates"], seen["bundles"]) == (2, [])
    assert terminal.asked("show", "contacts.people") == []
    ran = terminal.run("import", file, "--into", "contacts.people")
    assert "overlay commit" in ran.err
    written = terminal.asked("import", file, "--into", "contacts.people", "--commit")
    assert len(written["bundles"]) == 1
    assert [row["name"] for row in terminal.asked("show", "contacts.people")] == ["Jane Doe", "John Roe"]
    assert terminal.asked("import", file, "--into", "contacts.people")["unchanged"] == 2


def test_import_with_named_columns_and_match(terminal: Terminal, tmp_path: Path) -> None:
    terminal.did("add", "contacts.people", "name=Jane Doe", "email=jane@example.com")
    file = people(tmp_path, "who,mail,mobile\nJane D.,jane@example.com,555-0100\n")
    terminal.did(
        "import", file, "--into", "contacts.people", "--columns", "who=name,mail=email,mobile=phone",
        "--match", "email", "--commit",
    )  # fmt: skip
    rows = terminal.asked("show", "contacts.people")
    assert [(row["name"], row["phone"]) for row in rows] == [("Jane D.", "555-0100")]


def test_lines_that_cannot_be_read_are_named_and_left_for_a_person(terminal: Terminal, tmp_path: Path) -> None:
    file = people(tmp_path, "number,loop\n1,5\n2,abc\n")
    ran = terminal.run("import", file, "--into", "lighting.cues", "--commit")
    assert ran.status == 3
    assert "Line 3" in ran.err
    assert [row["number"] for row in terminal.asked("show", "lighting.cues")] == ["1"]


def test_what_cannot_be_imported_is_said(terminal: Terminal, tmp_path: Path) -> None:
    binary = tmp_path / "picture.csv"
    binary.write_bytes(bytes(range(256)) * 20)
    for file, into, words in (
        (str(tmp_path / "none.csv"), "contacts.people", "cannot be read"),
        (str(tmp_path), "contacts.people", "cannot be read"),
        (str(binary), "contacts.people", "no text file"),
        (people(tmp_path), "contacts.peopel", "Did you mean 'contacts.people'"),
    ):
        ran = terminal.run("import", file, "--into", into, "--commit")
        assert (ran.status, ran.out) == (1, "")
        assert words in ran.err
    assert terminal.run("import", people(tmp_path), "--into", "contacts.people", "--columns", "name").status == 2


def test_a_table_goes_out_and_comes_back_unchanged(terminal: Terminal, tmp_path: Path) -> None:
    terminal.did("import", people(tmp_path), "--into", "contacts.people", "--commit")
    file = str(tmp_path / "out.csv")
    assert terminal.did("export", "contacts.people", file) == f"Wrote contacts.people to {file}.\n"
    back = terminal.asked("import", file, "--into", "contacts.people")
    assert (back["creates"], back["updates"], back["unchanged"]) == (0, 0, 2)


def test_a_query_goes_out_to_a_file_or_to_stdout(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "calls.csv"
    terminal.did("export", "schedule.first_calls", str(file))
    assert file.exists()
    terminal.did("import", people(tmp_path), "--into", "contacts.people", "--commit")
    out = terminal.did("export", "contacts.people", "-", "--fields", "name", "--where", 'phone == "555-0101"')
    assert "John Roe" in out
    assert "Jane" not in out


def test_what_cannot_be_exported_is_said(terminal: Terminal, tmp_path: Path) -> None:
    for arguments, words in (
        (("lighting.cue", str(tmp_path / "a.csv")), "Did you mean 'lighting.cues'"),
        (("lighting.cues", str(tmp_path / "a.mp3")), ".csv"),
        (("lighting.cues", str(tmp_path / "no" / "a.csv")), "cannot be written"),
    ):
        ran = terminal.run("export", *arguments)
        assert (ran.status, ran.out) == (1, "")
        assert words in ran.err


def test_the_kinds_of_file_that_are_read_are_listed(terminal: Terminal) -> None:
    listed = terminal.asked("import", "--list-formats")
    names = {row["format"] for row in listed}
    assert {"csv", "xlsx", "ods", "eos", "usitt", "vectorworks", "mvr", "qlab", "lsp", "ical", "vcard", "json"} <= names
    assert set(listed[0]) == {"format", "what", "endings", "into"}
    assert "lighting.cues" in terminal.run("import", "--list-formats").out
    assert terminal.run("import").status == 2


def test_a_file_is_what_its_content_says_and_its_name_is_told(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "cues.csv"
    file.write_text("Cue 1\n  Text Dawn\n  Up 5\n  Followon 2\nCue 2\n")
    ran = terminal.run("import", str(file), "--into", "lighting.cues", "--commit")
    assert (ran.status, "is USITT ASCII" in ran.err) == (0, True)
    rows = terminal.asked("show", "lighting.cues")
    assert [(row["number"], row["label"], row["is_called"]) for row in rows] == [
        ("1", "Dawn", True),
        ("2", None, False),
    ]
    refused = terminal.run("import", str(file), "--into", "lighting.cues", "--format", "xlsx")
    assert refused.status == 1
    unknown = terminal.run("import", str(file), "--into", "lighting.cues", "--format", "nothing")
    assert (unknown.status, "There is no format 'nothing'" in unknown.err) == (1, True)


def test_a_sheet_and_its_header_are_chosen(terminal: Terminal, tmp_path: Path) -> None:
    from openpyxl import Workbook

    made = Workbook()
    first, second = made.worksheets[0], made.create_sheet("People")
    first.append(["Unit", "Channel", "Type"])
    for row in (["Cast", "of", "spring"], ["Name", "Phone", "Nothing"], ["Ann", "555", None]):
        second.append(row)
    file = tmp_path / "book.xlsx"
    made.save(file)
    how = ("import", str(file), "--into", "contacts.people", "--sheet", "People")
    assert terminal.asked(*how)["creates"] == 1
    assert terminal.asked(*how, "--header", "2")["creates"] == 1
    assert "There is no sheet 'Crew'" in terminal.run(*how[:4], "--sheet", "Crew").err
    ran = terminal.run(*how, "--header", "9")
    assert (ran.status, "Row 9" in ran.err) == (1, True)


def test_lines_left_out_for_one_reason_are_one_sentence_that_says_what_to_do(
    terminal: Terminal, tmp_path: Path
) -> None:
    file = people(tmp_path, "phone,email\n" + "".join(f"555-{n},p{n}@example.com\n" for n in range(106)))
    ran = terminal.run("import", file, "--into", "contacts.people")
    said = [line for line in ran.err.splitlines() if "required" in line]
    assert len(said) == 1
    assert said[0].startswith("Lines 2, 3, 4 and 103 more are left out: Name")
    assert "--columns HEADER=name" in said[0]
    assert len(terminal.asked("import", file, "--into", "contacts.people")["rejected"]) == 106


def test_paper_of_a_module_has_the_modules_own_layout(terminal: Terminal, tmp_path: Path) -> None:
    terminal.did("add", "lighting.cues", "number=11", "label=Dawn", "notes=slow")
    assert {"name": "lighting.cue_sheet", "title": "Cue sheet"} in terminal.asked("paper", "list")
    usual, own = tmp_path / "usual.pdf", tmp_path / "own.pdf"
    terminal.did("paper", "lighting.cues", "--pdf", str(usual))
    terminal.did("paper", "lighting.cue_sheet", "--pdf", str(own))
    assert own.read_bytes().startswith(b"%PDF-")
