"""What tests play with: a small module of tables, written to a folder so that a workspace can adopt it."""

from __future__ import annotations

from pathlib import Path

STAGE_TOML = """\
[module]
name = "stage"
version = "1.0.0"
title = "Stage"

[table.people]
title = "People"
label = "{name}"

[table.people.fields]
name = "text"
phone = "text"
email = "text"
notes = { type = "text", merge = "crdt" }
tags = "list"

[table.attendees]
title = "Attendees"
label = "{label}"

[table.attendees.fields]
label = "text"
remarks = { type = "text", merge = "crdt" }

[relation.knows]
title = "Knows"
inverse = "Known by"
source = "people"
target_hint = ["people"]
properties = { note = "text" }

[relation.order]
title = "Order"
inverse = "In the order of"
source = "people"
target_hint = ["people"]
ordered = true
properties = { word = "text" }

[relation.friend]
title = "Friend"
inverse = "Friend of"
source = "people"
target_hint = ["people"]
unique = true
properties = { since = "text" }
"""


def stage_module(folder: Path) -> Path:
    """Writes the module of the cases into a folder and returns it, for `Workspace.adopt`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "module.toml").write_text(STAGE_TOML, encoding="utf-8")
    return folder
