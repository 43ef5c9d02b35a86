"""Writes THIRD_PARTY.md: whose work is shipped with ours, whose is installed beside it, and under which terms.

Knows the lock files, where npm and pip keep the licences of what they installed, and the part written by hand about the
play and the demo's data. `make notices` calls it; tests/contract/test_third_party.py compares.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from pathlib import Path
from typing import TypedDict, cast

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "THIRD_PARTY.md"
WEB = ROOT / "web"

HEAD = """\
# Third-party work

Openprod itself is under the Apache License 2.0 (`LICENSE`). This file names the work of others that is shipped inside
the package or installed beside it. `tools/third_party.py` writes it from the lock files (`make notices`); a test
compares.

## The play and the demo's data

- The text of *Richard III* by William Shakespeare, of which the demo production quotes lines as cue words: the Moby
  text, in the public domain, by way of Open Source Shakespeare.
- The demo production (`demo/`): scenes, characters and cue lines are derived from that text. Its people, castings,
  events, cues and rooms are invented, and given to everybody under CC0 1.0 Universal. Any likeness to real people is
  chance.

"""

BUNDLED = """\
## Inside the web pages

The built pages hold the following packages or parts of them. The licence texts stand below the table.

"""

INSTALLED = """\
## Python packages installed beside it

pip installs these when Openprod is installed or built; none of their code is in our package. Each brings its own
licence text.

"""

# Packages whose metadata names no single licence; read from the licence text each carries.
SPDX_BY_HAND = {
    "apsw": "any OSI-approved licence",
    "google-re2": "BSD-3-Clause",
}
CLASSIFIERS = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
# Only types, gone when the pages are built.
TYPES_ONLY = ("@types/", "csstype")


class LockedPackage(TypedDict, total=False):
    """One entry of `packages` in package-lock.json, as far as it is read here."""

    version: str
    license: str
    dev: bool


def main() -> int:
    """Writes the file; returns the exit status."""
    TARGET.write_text(third_party(), encoding="utf-8")
    sys.stdout.write(f"{TARGET.name} is written.\n")
    return 0


def third_party() -> str:
    """Returns what THIRD_PARTY.md must hold today."""
    bundled = bundled_packages()
    parts = [HEAD, BUNDLED, table([(name, version, spdx) for name, version, spdx in bundled]), INSTALLED]
    parts.append(table(installed_packages()))
    parts.append("## Licence texts\n")
    parts.extend(licence_section(name, version, spdx) for name, version, spdx in bundled)
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def bundled_packages() -> list[tuple[str, str, str]]:
    """Lists (name, version, SPDX expression) of everything that may end up in the built pages, by name."""
    lock = json.loads((WEB / "package-lock.json").read_text(encoding="utf-8"))
    packages = cast("dict[str, LockedPackage]", lock["packages"])
    found = [
        (place.rpartition("node_modules/")[2], entry.get("version", ""), entry.get("license", ""))
        for place, entry in packages.items()
        if place and not entry.get("dev", False)
    ]
    return sorted(package for package in found if not package[0].startswith(TYPES_ONLY))


def installed_packages() -> list[tuple[str, str, str]]:
    """Lists (name, version, licence) of the program's own locked dependencies, by name."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", lock, flags=re.MULTILINE)
    return sorted((name, version, python_licence(name)) for name, version in pinned)


def python_licence(name: str) -> str:
    """Returns the licence a package states of itself, or what its licence file says where it states none."""
    if name in SPDX_BY_HAND:
        return SPDX_BY_HAND[name]
    stated = importlib.metadata.metadata(name)
    words = [stated[key] for key in ("License-Expression", "License") if key in stated]
    words += [CLASSIFIERS[line] for line in stated.get_all("Classifier") or [] if line in CLASSIFIERS]
    for word in words:
        if word:
            return word
    raise SystemExit(
        f"{name} states no licence that is understood here: read its licence file and add it to SPDX_BY_HAND."
    )


def table(rows: list[tuple[str, str, str]]) -> str:
    """Returns a Markdown table of packages."""
    lines = [f"| {name} | {version} | {licence} |" for name, version, licence in rows]
    return "\n".join(["| package | version | licence |", "|---|---|---|", *lines, ""])


def licence_section(name: str, version: str, spdx: str) -> str:
    """Returns the licence text a bundled package carries, under its name."""
    folder = WEB / "node_modules" / name
    texts = sorted(path for path in folder.iterdir() if re.match(r"licen[cs]e", path.name, flags=re.IGNORECASE))
    if texts:
        body = "\n".join(line.rstrip() for line in texts[0].read_text(encoding="utf-8").strip().splitlines())
    elif spdx == "Unlicense":
        body = "Given to the public domain by its author under the Unlicense; the package carries no text of it."
    else:
        raise SystemExit(f"{name} carries no licence text: find it and say here where it stands.")
    return f"### {name} {version} ({spdx})\n\n```text\n{body}\n```\n"


if __name__ == "__main__":
    sys.exit(main())
