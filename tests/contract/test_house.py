"""The house's own rules: what a reader of the repository may rely on, whoever wrote the last line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "openprod"
QUIET_ROOMS = {"model", "identity", "merge", "catalog", "query", "rules", "sync"}
LOCKS = ("requirements.lock", "requirements-dev.lock")

# Spelled in pieces, so that this file does not hold what it looks for.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("crates", "io"),
    )
)
MACHINE_PATH = re.compile(r"(?<![A-Za-z0-9_.])/(?:" + "work|root|farm" + r")/[A-Za-z.]")
UNFINISHED = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")


def tracked_files() -> list[str]:
    """Lists what git tracks, or, outside a repository (an unpacked source archive), nothing."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Yields (name, text) of every tracked file that is text."""
    for name in tracked_files():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            yield name, content.decode("utf-8", errors="replace")


def lines_with(pattern: re.Pattern[str], *, code_only: bool = False) -> list[str]:
    """Lists `file:line: text` of every tracked line that holds the pattern."""
    code = (".py", ".ts", ".tsx", ".css", ".sql", ".toml", ".lua")
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in tracked_texts()
        if not code_only or name.endswith(code)
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_tracked_file_names_a_path_of_somebodys_machine() -> None:
    assert lines_with(MACHINE_PATH) == []


def test_no_tracked_file_names_a_package_registry() -> None:
    assert lines_with(re.compile("|".join(re.escape(host) for host in REGISTRY_HOSTS))) == []


def test_no_code_is_marked_as_unfinished() -> None:
    assert lines_with(UNFINISHED, code_only=True) == []


def test_nothing_built_or_installed_is_tracked() -> None:
    built = ("web/dist/", "src/openprod/server/static/", "src/openprod/shipped/", "dist/", ".venv/")
    assert [name for name in tracked_files() if name.startswith(built) or "node_modules/" in name] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_python_package_has_hashes(lock: str) -> None:
    entries = re.split(r"^(?=\S)", (ROOT / lock).read_text(encoding="utf-8"), flags=re.MULTILINE)
    pinned = [entry for entry in entries if entry.strip() and not entry.startswith("#")]
    assert pinned
    assert [entry.split()[0] for entry in pinned if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_the_lock_for_running_is_part_of_the_lock_for_testing() -> None:
    run, test = (
        set(re.findall(r"^[a-z0-9]\S+==\S+", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE)) for lock in LOCKS
    )
    assert run - test == set()


def test_every_locked_web_package_has_a_hash_and_no_address() -> None:
    packages = cast(
        "dict[str, dict[str, object]]", json.loads((ROOT / "web/package-lock.json").read_text("utf-8"))["packages"]
    )
    installed = {place: entry for place, entry in packages.items() if place}
    assert installed
    assert [
        place for place, entry in installed.items() if not str(entry.get("integrity", "")).startswith("sha512-")
    ] == []
    assert [place for place, entry in installed.items() if "resolved" in entry] == []


def decision_records() -> list[Path]:
    return sorted((ROOT / "docs" / "decisions").glob("*.md"))


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [record.name[:4] for record in decision_records()] == [
        f"{n:04}" for n in range(1, len(decision_records()) + 1)
    ]


@pytest.mark.parametrize("record", decision_records(), ids=lambda record: cast("Path", record).stem)
def test_a_decision_record_says_context_decision_consequences_and_what_would_change_it(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    assert text.startswith(f"# {record.name[:4]}: ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Context",
        "Decision",
        "Consequences",
        "What would change our mind",
    ]


def test_every_decision_record_is_listed_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    assert [record.name for record in decision_records() if f"decisions/{record.name}" not in index] == []


def test_every_link_in_the_documents_leads_to_a_file() -> None:
    broken = [
        f"{name}: {target}"
        for name, text in tracked_texts()
        if name.endswith(".md")
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
        if "://" not in target and not (ROOT / name).parent.joinpath(target).exists()
    ]
    assert broken == []


def import_contracts() -> list[dict[str, object]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return settings["tool"]["importlinter"]["contracts"]


def rooms() -> set[str]:
    return {folder.name for folder in SOURCE.iterdir() if (folder / "__init__.py").is_file()}


def test_every_quiet_room_is_kept_quiet_by_the_import_contract() -> None:
    quiet = next(contract for contract in import_contracts() if str(contract["name"]).startswith("Quiet rooms"))
    listed = {str(name).removeprefix("openprod.") for name in cast("list[object]", quiet["source_modules"])}
    assert rooms() & QUIET_ROOMS <= listed <= QUIET_ROOMS


def test_every_room_says_what_it_is() -> None:
    silent = [
        room for room in sorted(rooms()) if not (SOURCE / room / "__init__.py").read_text("utf-8").startswith('"""')
    ]
    assert silent == []


def module_names() -> list[str]:
    files = sorted(file.relative_to(SOURCE.parent).with_suffix("") for file in SOURCE.rglob("*.py"))
    parts = [file.parts[:-1] if file.name == "__init__" else file.parts for file in files]
    return [".".join(part) for part in parts]


IMPORT_ALONE = """\
import os, sys
failed = 0
for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        sys.stdout.flush()
        try:
            __import__(name)
        except BaseException as error:
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
            os._exit(1)
        os._exit(0)
    failed += os.waitpid(child, 0)[1] != 0
sys.exit(failed != 0)
"""


def test_each_module_imports_alone_in_a_fresh_interpreter() -> None:
    # One interpreter that has imported nothing forks once for each module: as good as a new one, far cheaper.
    alone = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_ALONE, *module_names()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert alone.stdout + alone.stderr == ""
    assert alone.returncode == 0


def test_importing_the_package_loads_no_room() -> None:
    look = "import sys, openprod; print([name for name in sys.modules if name.startswith('openprod.')])"
    seen = subprocess.run([sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
