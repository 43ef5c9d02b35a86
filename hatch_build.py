"""The build hook: puts what the program shows and ships beside the code, into the wheel and the source archive.

Knows where the built web files, modules, templates and demo lie in the tree and where an installed program looks for
them. Must not build anything itself: a wheel is made from web files that `make` has built and tested before.

| in the tree | in the wheel |
|---|---|
| `web/dist/` | `openprod/server/static/` |
| `modules/`, `templates/`, `demo/` | `openprod/shipped/modules/`, `.../templates/`, `.../demo/` |

An editable install copies nothing: the program finds these folders in the tree it runs from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT_WEB = "web/dist"
SHIPPED_FOLDERS = ("modules", "templates", "demo")
LEFT_OUT = ("__pycache__", ".pyc", ".DS_Store")


class ShipHook(BuildHookInterface[Any]):
    """Adds the folders of the table above to a build."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Lists the files to include; called by hatchling before each build."""
        if version == "editable":
            return
        root = Path(self.root)
        if not (root / BUILT_WEB / "index.html").is_file():
            message = (
                f"{BUILT_WEB} is not built, so a package would have no pages: run `make build` first (it needs node)."
            )
            raise SystemExit(message)
        is_wheel = self.target_name == "wheel"
        included: dict[str, str] = build_data["force_include"]
        for file in files_below(root / BUILT_WEB):
            inside = file.relative_to(root / BUILT_WEB).as_posix()
            included[str(file)] = f"openprod/server/static/{inside}" if is_wheel else f"{BUILT_WEB}/{inside}"
        if is_wheel:
            for folder in SHIPPED_FOLDERS:
                for file in files_below(root / folder):
                    included[str(file)] = f"openprod/shipped/{file.relative_to(root).as_posix()}"


def files_below(folder: Path) -> list[Path]:
    """Lists the files of a folder in a fixed order, without what tools leave behind; nothing if it is not there."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(path.as_posix().endswith(end) or f"/{end}/" in path.as_posix() for end in LEFT_OUT)
    )
