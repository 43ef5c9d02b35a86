"""What people and bad luck put before the program: a sentence answers it, nothing is written, no traceback shows."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from openprod.store import database
from openprod.testing.terminal import Ran, Terminal

NOBODY = 65_534
CHANGE = ("add", "lighting.cues", "number=12", "label=Noon")
LOOKS = (("status",), ("show", "lighting.cues"), ("verify",), ("log",))
STATUSES = {0, 1}


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A production with one light cue."""
    made = Terminal(tmp_path / "home", tmp_path / "hamlet")
    made.did("init", str(made.folder), "--name", "Hamlet", "--template", "stage-management", "--person", "Ann Ash")
    made.did("add", "lighting.cues", "number=11", "label=Dawn")
    return made


def refused(ran: Ran, *words: str) -> str:
    """Checks that a command was refused as people deserve it, and returns what was said."""
    said = ran.err
    assert ran.status == 1, said + ran.out
    assert ran.out == ""
    assert "Traceback" not in said
    assert "did not expect" not in said
    for word in words:
        assert word in said
    assert len(said.strip()) > 20
    return said


def database_of(terminal: Terminal) -> Path:
    return terminal.folder / "workspace.db"


# -- the workspace's own file


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not one of Openprod"),
        (b"this is a letter to my aunt\n" * 200, "workspace.db"),
        (b"SQLite format 3\0" + bytes(4_000), "workspace.db"),
    ],
)
def test_a_file_that_is_no_database_is_refused(terminal: Terminal, content: bytes, words: str) -> None:
    database_of(terminal).write_bytes(content)
    for command in (*LOOKS, CHANGE):
        refused(terminal.run(*command), words)
    assert database_of(terminal).read_bytes() == content


def test_another_programs_database_is_refused(terminal: Terminal) -> None:
    database_of(terminal).unlink()
    with closing(sqlite3.connect(database_of(terminal))) as other:
        other.execute("CREATE TABLE recipes(name)")
        other.commit()
    refused(terminal.run("show", "lighting.cues"), "not one of Openprod")


def test_a_folder_without_a_workspace_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere", Path(__file__)):
        refused(terminal.run("--workspace", str(place), "status"), "openprod init")


def test_a_workspace_of_a_newer_version_is_left_alone(terminal: Terminal) -> None:
    with closing(sqlite3.connect(database_of(terminal))) as file:
        file.execute("PRAGMA user_version=99")
    before = database_of(terminal).read_bytes()
    for command in (*LOOKS, CHANGE):
        refused(terminal.run(*command), "newer Openprod", "Update Openprod")
    assert database_of(terminal).read_bytes() == before


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TRIGGER evil AFTER INSERT ON bundle BEGIN DELETE FROM bundle; END",
        "CREATE VIEW evil AS SELECT 1",
        "CREATE TABLE evil(x)",
        "DROP TABLE conflict",
        "CREATE INDEX evil ON bundle(place)",
    ],
)
def test_a_file_that_somebody_planted_something_in_is_not_opened(terminal: Terminal, planted: str) -> None:
    with closing(sqlite3.connect(database_of(terminal))) as file:
        file.execute(planted)
        file.commit()
    for command in (("show", "lighting.cues"), CHANGE):
        refused(terminal.run(*command), str(database_of(terminal)))


@pytest.mark.parametrize("planted", ["CREATE VIEW evil AS SELECT 1", "DROP TABLE conflict", "DROP INDEX bundle_place"])
def test_work_is_had_back_from_a_file_that_is_not_opened(terminal: Terminal, tmp_path: Path, planted: str) -> None:
    held = terminal.asked("status")["state_hash"]
    with closing(sqlite3.connect(database_of(terminal))) as file:
        file.execute(planted)
        file.commit()
    said = refused(terminal.run("show", "lighting.cues"), "openprod rebuild --into")
    assert "NEW_FOLDER" in said
    fresh = Terminal(terminal.home, tmp_path / "fresh")
    assert terminal.asked("rebuild", "--into", str(fresh.folder))["state_hash"] == held
    fresh.did("verify")
    fresh.did("set", "lighting.cues:11", "label=Sunrise")
    assert len({one["actor_name"] for one in fresh.asked("log")}) == 1
    refused(terminal.run("rebuild", "--into", str(fresh.folder)), "is not empty")


@pytest.mark.parametrize(
    "planted",
    [
        "DROP TABLE bundle",
        "DROP TABLE bundle; CREATE VIEW bundle AS SELECT 1 AS no, x'00' AS header, x'00' AS signature",
        "UPDATE bundle SET signature = zeroblob(64)",
        "UPDATE bundle SET header = 'text'",
        "DELETE FROM meta",
        "UPDATE meta SET value = zeroblob(32) WHERE key = 'workspace'",
    ],
)
def test_what_does_not_prove_is_not_taken_back(terminal: Terminal, tmp_path: Path, planted: str) -> None:
    with closing(sqlite3.connect(database_of(terminal))) as file:
        file.executescript(planted)
        file.commit()
    refused(terminal.run("rebuild", "--into", str(tmp_path / "fresh")), "stick")
    assert not (tmp_path / "fresh").exists()


def test_what_is_left_of_a_damaged_history_is_taken_and_the_rest_named(terminal: Terminal, tmp_path: Path) -> None:
    terminal.did("set", "lighting.cues:11", "label=Sunrise")
    with closing(sqlite3.connect(database_of(terminal))) as file:
        file.execute("UPDATE chunk SET raw = zeroblob(length(raw)) WHERE no = (SELECT max(no) FROM chunk)")
        file.commit()
    ran = terminal.run("rebuild", "--into", str(tmp_path / "fresh"))
    assert ran.status == 3
    assert "damaged" in ran.err
    fresh = Terminal(terminal.home, tmp_path / "fresh")
    assert fresh.asked("show", "lighting.cues:11")["fields"]["lighting.cues.label"] == "Dawn"


def test_flipped_bits_are_never_a_traceback_and_never_a_wrong_value(terminal: Terminal) -> None:
    sound = database_of(terminal).read_bytes()
    chance = random.Random(7)
    for _ in range(40):
        broken = bytearray(sound)
        broken[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)
        database_of(terminal).write_bytes(bytes(broken))
        for command in LOOKS:
            ran = terminal.run(*command)
            assert ran.status in STATUSES
            assert "Traceback" not in ran.err
            assert "did not expect" not in ran.err, ran.err
    database_of(terminal).write_bytes(sound)
    assert terminal.run("verify").status == 0


def test_a_file_that_ends_too_early_is_refused(terminal: Terminal) -> None:
    sound = database_of(terminal).read_bytes()
    for size in (50, 1_000, 5_000, len(sound) // 2, len(sound) - 100):
        database_of(terminal).write_bytes(sound[:size])
        for command in LOOKS:
            ran = terminal.run(*command)
            assert ran.status in STATUSES
            assert "did not expect" not in ran.err, ran.err
    database_of(terminal).write_bytes(sound)
    assert terminal.run("verify").status == 0


HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_locked_file_is_said_to_be_locked(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_MS", 50)
    # Another process: within one, SQLite's locks do not keep a second copy of the library out.
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database_of(terminal))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        refused(terminal.run(*CHANGE), "Another program", "try again")
        assert terminal.run("show", "lighting.cues").status == 0
        other.communicate(b"")
    assert terminal.run(*CHANGE).status == 0


# -- the disk and its rights


@contextmanager
def as_nobody(*places: Path) -> Generator[None]:
    """Runs as somebody without special rights who owns these places; where we have none ourselves, as us."""
    if os.geteuid() != 0:
        yield
        return
    for place in places:
        for path in (place, *place.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_place() -> Generator[Path]:
    """A folder that everybody may enter, unlike those that tests usually get."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o755)
    yield made
    for path in (made, *made.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(made)


def test_a_folder_that_cannot_be_written_is_named(open_place: Path) -> None:
    terminal = Terminal(open_place / "home", open_place / "hamlet")
    terminal.did("init", str(terminal.folder), "--name", "Hamlet", "--template", "stage-management", "--person", "Ann")
    terminal.did(*CHANGE)
    shut = open_place / "shut"
    shut.mkdir()
    with as_nobody(open_place):
        shut.chmod(stat.S_IRUSR | stat.S_IXUSR)
        refused(terminal.run("init", str(shut / "new"), "--name", "X"), str(shut))
        refused(terminal.run("export", "lighting.cues", str(shut / "cues.csv")), str(shut))
        refused(terminal.run("sync", str(shut / "stick.opx")), str(shut))
        refused(terminal.run("sync", str(shut)), str(shut))
        refused(terminal.run("identity", "export", str(shut / "me"), stdin="a long enough phrase\n"), str(shut))
        database_of(terminal).chmod(stat.S_IRUSR)
        terminal.folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
        refused(terminal.run("add", "lighting.cues", "number=13"), str(terminal.folder))
        terminal.folder.chmod(0o700)
        database_of(terminal).chmod(0o600)
    assert terminal.run("verify").status == 0


def test_a_state_directory_that_others_may_write_is_not_trusted(terminal: Terminal) -> None:
    terminal.home.chmod(0o777)
    refused(terminal.run(*CHANGE), "chmod")
    terminal.home.chmod(0o700)
    assert terminal.run(*CHANGE).status == 0


def test_a_damaged_key_file_is_named_and_shows_no_key(terminal: Terminal) -> None:
    key = terminal.home / "identity.key"
    secret = key.read_bytes()
    key.write_bytes(secret[:-10])
    said = refused(terminal.run("whoami"), str(key))
    assert secret[-40:].hex() not in said


def test_a_full_disk_is_said_and_nothing_acknowledged_is_lost(terminal: Terminal, tmp_path: Path) -> None:
    held = terminal.asked("status")
    room = database_of(terminal).stat().st_size + 40_000
    file = tmp_path / "long.csv"
    file.write_text("number,notes\n" + "".join(f"{number},{'x' * 2_000}\n" for number in range(100, 1_000)))

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    environment = {**os.environ, "OPENPROD_HOME": str(terminal.home), "OPENPROD_WORKSPACE": str(terminal.folder)}
    done = subprocess.run(
        [sys.executable, "-m", "openprod.cli.main", "import", str(file), "--into", "lighting.cues", "--commit"],
        capture_output=True, text=True, env=environment, preexec_fn=little_room, check=False,
    )  # fmt: skip
    refused(Ran(done.returncode, done.stdout, done.stderr), "Nothing was changed")
    assert terminal.asked("status")["state_hash"] == held["state_hash"]
    assert terminal.run("verify").status == 0
    terminal.did(*CHANGE)


# -- files from outside


@pytest.fixture
def stick(terminal: Terminal, tmp_path: Path) -> Path:
    """A file of a second device of this production, with news for the first."""
    invitation = terminal.did("invite")
    file = tmp_path / "stick.opx"
    terminal.did("sync", str(file))
    other = Terminal(tmp_path / "home-2", tmp_path / "hamlet-2")
    other.did("join", "-", str(other.folder), "--from", str(file), "--person", "Bob Birch", stdin=invitation)
    other.did("set", "lighting.cues:11", "notes=slowly")
    other.did("sync", str(file))
    return file


Wreck = Callable[[bytes, random.Random], bytes]


def cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(1, len(raw))]


def flip(raw: bytes, chance: random.Random) -> bytes:
    broken = bytearray(raw)
    broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
    return bytes(broken)


def append(raw: bytes, chance: random.Random) -> bytes:
    return raw + chance.randbytes(chance.randrange(1, 2_000))


def swap(raw: bytes, chance: random.Random) -> bytes:
    """Changes two frames of the file with each other."""
    frame = 64 << 10
    at = len(raw) % frame or frame
    if len(raw) < at + 2 * frame:
        return flip(raw, chance)
    return raw[:at] + raw[at + frame : at + 2 * frame] + raw[at : at + frame] + raw[at + 2 * frame :]


@pytest.mark.parametrize("wreck", [cut, flip, append, swap])
def test_a_wrecked_opx_file_changes_nothing(terminal: Terminal, stick: Path, wreck: Wreck) -> None:
    whole = stick.read_bytes()
    held = terminal.asked("status")
    chance = random.Random(wreck.__name__)
    for _ in range(12):
        stick.write_bytes(wreck(whole, chance))
        refused(terminal.run("sync", str(stick)), "stick.opx")
        assert terminal.asked("status") == held
    stick.write_bytes(whole)
    terminal.did("sync", str(stick))
    assert terminal.asked("show", "lighting.cues:11")["fields"]["lighting.cues.notes"] == "slowly"


def test_a_wrecked_file_lets_nobody_in_and_leaves_no_folder(terminal: Terminal, tmp_path: Path) -> None:
    invitation = terminal.did("invite")
    file = tmp_path / "join.opx"
    terminal.did("sync", str(file))
    whole = file.read_bytes()
    chance = random.Random(3)
    joiner = Terminal(tmp_path / "home-3", tmp_path / "joined")
    for wreck in (cut, flip, append, cut, flip):
        file.write_bytes(wreck(whole, chance))
        refused(joiner.run("join", "-", str(joiner.folder), "--from", str(file), "--person", "Cy", stdin=invitation))
        assert not joiner.folder.exists()


def test_another_productions_file_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    other = Terminal(tmp_path / "home-x", tmp_path / "macbeth")
    other.did("init", str(other.folder), "--name", "Macbeth", "--person", "Mac")
    file = tmp_path / "macbeth.opx"
    other.did("sync", str(file))
    held = terminal.asked("status")
    before = file.read_bytes()
    refused(terminal.run("sync", str(file)), "macbeth.opx")
    assert terminal.asked("status") == held
    assert file.read_bytes() == before


@pytest.mark.parametrize("kind", ["folder", "pipe", "letter", "empty"])
def test_what_is_no_opx_file_is_refused(terminal: Terminal, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "thing.opx"
    match kind:
        case "folder":
            file = tmp_path / "hamlet" / "workspace.db"
        case "pipe":
            os.mkfifo(file)
        case "letter":
            file.write_text("Dear aunt, this is no file of Openprod.")
        case _:
            file.write_bytes(b"")
    refused(terminal.run("sync", str(file)), file.name)


def test_a_folder_of_wrecks_is_passed_over_file_by_file(terminal: Terminal, stick: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cloud"
    folder.mkdir()
    whole = stick.read_bytes()
    chance = random.Random(5)
    for number in range(6):
        (folder / f"wreck-{number}.opx").write_bytes(cut(whole, chance))
    (folder / "good.opx").write_bytes(whole)
    (folder / "dead-link.opx").symlink_to(tmp_path / "nowhere")
    ran = terminal.run("sync", str(folder))
    assert ran.status == 0
    assert "wreck-3.opx" in ran.out
    assert terminal.asked("show", "lighting.cues:11")["fields"]["lighting.cues.notes"] == "slowly"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("from = [", "cannot be read as a query"),
        ('{"from": ', "cannot be read as a query"),
        ("where = 'x'", "from"),
        ('from = "lighting.cues"\nwhere = "nothing == 1"', "nothing"),
        ('from = "lighting.cues"\nwhere = "page =="', "^"),
        ('from = "lighting.cues"\nwhere = "' + "(" * 5_000 + '"', ""),
        ('from = "lighting.cues"\nas_of = "2026-01-01"', "as_of"),
    ],
)
def test_a_faulty_query_file_is_said_to_be_faulty(terminal: Terminal, tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "q.toml"
    file.write_text(content)
    refused(terminal.run("query", "--file", str(file)), words)


def test_a_query_file_that_is_no_text_or_not_there_is_refused(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "q.toml"
    refused(terminal.run("query", "--file", str(file)), str(file))
    file.write_bytes(b"\xff\xfe\x00")
    refused(terminal.run("query", "--file", str(file)), "UTF-8")
    file.write_bytes(b"#" * (1 << 19))
    refused(terminal.run("query", "--file", str(file)), "larger")


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", ""), ("show", ":"), ("show", "lighting.cues:"),
        ("show", "lighting.cues:1/2/3/4"), ("show", "x" * 9_000),
        ("show", "lighting.cues", "--where", "label"), ("show", "lighting.cues", "--where", "'"),
        ("show", "lighting.cues", "--sort", "nothing"), ("show", "lighting.cues", "--fields", "nothing"),
        ("show", "lighting.cues:11\n; DROP TABLE bundle"), ("history", "lighting.cues:11", "'"),
        ("query", "$"), ("query", "page == $p", "--from", "lighting.cues"), ("fields", "lighting"),
        ("query", "schedule.first_calls", "--param", "nothing=1"),
        ("query", "schedule.first_calls", "--param", "date=soon"),
        ("set", "lighting.cues:11", "line=99999999999999999999"), ("set", "lighting.cues:11", "up=-"),
        ("set", "lighting.cues:11", f"notes={'x' * (2 << 20)}"), ("resolve", "....", "--choose", "1"),
        ("module", "adopt", ".."), ("module", "check", "/"),
        ("identity", "import", "/nowhere"), ("identity", "import", "/"),
        ("restore", "lighting.cues:404"), ("import", "/dev/null", "--into", "lighting.cues"),
        ("init", "/proc/nothing/here", "--name", "X"), ("init", "/dev/null/x", "--name", "X"),
    ],
)  # fmt: skip
def test_nonsense_is_answered_in_words(terminal: Terminal, arguments: tuple[str, ...]) -> None:
    held = terminal.asked("status")
    refused(terminal.run(*arguments))
    assert terminal.asked("status") == held
