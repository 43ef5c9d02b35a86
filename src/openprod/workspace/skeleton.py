"""A module to begin with: the folder that `openprod module new` makes. docs/authors/README.md goes on from it.

Knows the text of a small module that works. Must not know what it means: it is checked like anybody's before it is
written.
"""

from __future__ import annotations

import json
from pathlib import Path

from openprod.catalog.manifest import read
from openprod.model.errors import Refused
from openprod.workspace.catalogs import MODULE_FILE

_MANIFEST = """\
[module]
name = "{name}"
version = "0.1.0"
title = "{title}"
help = "What this module is for, in a sentence."

[table.{name}]
title = "{title}"
key = ["name"]
label = "{{name}}"

[table.{name}.fields]
name = {{ type = "text", required = true, shared_key = "name" }}
state = {{ type = "choice", choices = ["wanted", "there", "away"], default = "wanted", open = true }}
notes = "text"

[query.wanted]
title = "What is wanted"
table = "{name}"

[check.unnamed_state]
title = "No state"
table = "{name}"
where = "NOT EXISTS state"
sentence = "{{count}} of {title} have no state"
one = "1 of {title} has no state"
"""
_QUERY = """\
# What is wanted, by name.
from = "{name}.{name}"
where = 'state == "wanted"'

[select]
name = "name"
notes = "notes"

[sort]
order = ["name"]
"""
_README = """\
# {title}

What this module is for, in a sentence.

| table | what a record is | key |
|---|---|---|
| `{name}.{name}` | | name |
"""


class FolderThere(Refused):
    """A folder is there where a new module would be made."""

    code = "module.folder_there"


def files_of(name: str) -> dict[str, str]:
    """Returns the files of a new module: path in its folder to text.

    Raises:
        ManifestError: it cannot be called that.
    """
    read(f'[module]\nname = {json.dumps(name)}\nversion = "0.1.0"\n')
    title = name.replace("_", " ").capitalize()
    return {
        MODULE_FILE: _MANIFEST.format(name=name, title=title),
        "queries/wanted.toml": _QUERY.format(name=name),
        "README.md": _README.format(name=name, title=title),
    }


def write(folder: Path, name: str) -> Path:
    """Makes the folder of a new module in another folder, and returns it.

    Raises:
        ManifestError: it cannot be called that. FolderThere: something of that name is there; nothing was changed.
    """
    files = files_of(name)
    target = folder / name
    if target.exists():
        raise FolderThere(f"{target} is there already. Choose another name, or another folder with --in.")
    try:
        for file, text in files.items():
            place = target / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{target} cannot be made ({error.strerror}). Choose another folder with --in.") from error
    return target
