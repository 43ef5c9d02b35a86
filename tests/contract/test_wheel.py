"""An installed package runs without node and without the tree it was made from."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
WEB_BUILT = ROOT / "web" / "dist" / "index.html"
COMMAND_LINE = ROOT / "src" / "openprod" / "cli" / "main.py"

needs_web = pytest.mark.skipif(
    not WEB_BUILT.is_file(), reason="web/dist is not built; make test builds it before the tests"
)
needs_cli = pytest.mark.skipif(not COMMAND_LINE.is_file(), reason="src/openprod/cli/main.py is not there yet")


def run(*command: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=180)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel, built from the source archive, and the archive itself."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


def files_of_dependencies() -> set[str]:
    """Names the top entries in site-packages of what our metadata asks for, and what that asks for in turn."""
    entries: set[str] = set()
    seen: set[str] = set()
    wanted = ["openprod"]
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        asked = importlib.metadata.distribution(name)
        needs = [Requirement(need) for need in asked.requires or []]
        wanted += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
        if name != "openprod":
            entries |= {file.parts[0] for file in asked.files or []}
    return entries - {"..", "__pycache__"}


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a fresh environment that holds the wheel and, linked, exactly the dependencies it declares."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False, symlinks=True)
    pip = (sys.executable, "-m", "pip", "--python", home / "bin" / "python")
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", next(built.glob("*.whl")), cwd=home)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    for entry in sorted(files_of_dependencies()):
        (packages / entry).symlink_to(Path(sysconfig.get_path("purelib")) / entry)
    return home / "bin"


@pytest.fixture
def without_node(tmp_path: Path, installed: Path) -> dict[str, str]:
    """Surroundings in which nothing of this machine but the environment itself can be found."""
    return {
        "PATH": str(installed),
        "HOME": str(tmp_path),
        "OPENPROD_HOME": str(tmp_path / "state"),
        "LANG": "C.UTF-8",
        "PYTHONWARNINGS": "error",
    }


@needs_web
def test_the_wheel_holds_what_the_program_shows_and_ships(built: Path) -> None:
    names = set(zipfile.ZipFile(next(built.glob("*.whl"))).namelist())
    assert "openprod/server/static/index.html" in names
    assert any(name.startswith("openprod/server/static/assets/") for name in names)
    for folder in ("modules", "templates", "demo"):
        in_tree = {
            str(path.relative_to(ROOT))
            for path in (ROOT / folder).rglob("*")
            if path.suffix in {".toml", ".csv", ".py"}
        }
        assert {f"openprod/shipped/{name}" for name in in_tree} <= names
    assert {"LICENSE", "NOTICE", "THIRD_PARTY.md"} <= {Path(name).name for name in names if ".dist-info/" in name}
    assert [name for name in names if "node_modules" in name or "__pycache__" in name or name.startswith("tests")] == []


@needs_web
def test_the_source_archive_holds_all_that_a_wheel_is_made_of(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "web/dist/index.html",
        "web/src/shell/main.tsx",
        "web/package-lock.json",
        "hatch_build.py",
        "Makefile",
    } <= names
    assert {
        "LICENSE",
        "README.md",
        "requirements.lock",
        "tests/contract/test_wheel.py",
        "tools/third_party.py",
    } <= names
    assert [name for name in names if "node_modules" in name or name.startswith(".venv")] == []


@needs_web
def test_the_installed_package_is_the_wheel_and_not_the_tree(
    installed: Path, without_node: dict[str, str], tmp_path: Path
) -> None:
    look = "import openprod, pathlib; print(pathlib.Path(openprod.__file__).resolve())"
    place = run(installed / "python", "-c", look, cwd=tmp_path, env=without_node).strip()
    assert not place.startswith(str(ROOT) + os.sep)


@needs_web
@needs_cli
def test_the_installed_program_makes_the_demo_without_node(
    installed: Path, without_node: dict[str, str], tmp_path: Path
) -> None:
    program = installed / "openprod"
    assert run(program, "--version", cwd=tmp_path, env=without_node).strip()
    run(program, "demo", tmp_path / "demo", "--no-serve", cwd=tmp_path, env=without_node)
    assert (tmp_path / "demo" / "workspace.db").is_file()
