"""Opening a production's folder, making one, joining one, and saving the history of a broken one.

The real clock and real chance enter here, as default arguments.
"""

from __future__ import annotations

import getpass
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from openprod.identity.invite import Invitation, admission_for, read_invitation
from openprod.identity.keys import SigningSeed
from openprod.identity.seal import creator_admission
from openprod.model.bundle import CAUSE_GENESIS, CAUSE_JOIN, Cause, Sealed, decode_header
from openprod.model.errors import Refused
from openprod.model.ids import ActorId, WorkspaceId, derived_id, id_text, workspace_id
from openprod.model.ops import Malformed
from openprod.query.functions import SQL_FUNCTIONS
from openprod.store.blobs import Blobs
from openprod.store.database import Database, DatabaseDamaged, NotAWorkspace, translated
from openprod.store.home import Home
from openprod.store.words import WordIndex
from openprod.workspace import (
    admission,
    blobs,
    heal,
    verify,
)
from openprod.workspace.desk import BLOBS_FOLDER, DATABASE_NAME, Desk
from openprod.workspace.ingest import Report
from openprod.workspace.modules import read_template_package
from openprod.workspace.view import NAME_SETTING
from openprod.workspace.workspace import Workspace

Clock = Callable[[], int]
Chance = Callable[[int], bytes]

FOLDERS = ("blobs", "imports", "exports")


def wall_clock() -> int:
    """Returns the device's clock: milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class FolderTaken(Refused):
    """The folder for a new workspace holds something already."""

    code = "workspace.folder_taken"


class NotJoined(Refused):
    """What was given to join with does not bring in the whole beginning of the workspace."""

    code = "workspace.not_joined"


def open_workspace(
    path: str | Path,
    *,
    home: Home | str | Path | None = None,
    clock: Clock = wall_clock,
    chance: Chance = secrets.token_bytes,
    durable: bool = True,
    repair: bool = False,
) -> Workspace:
    """Opens a workspace's folder.

    Args:
        path: the folder.
        home: the per-user state directory; None takes $OPENPROD_HOME, else the platform's place.
        clock: gives milliseconds since 1970 UTC.
        chance: gives n random bytes.
        durable: False skips the disk's confirmation, for simulations only.
        repair: derive everything from the log again, for a file whose derived part is too damaged to be opened.

    A folder on a write-protected disk, or one that is not this person's to write, is opened for looking: everything
    reads as it is now, and writing is refused with NotWritable.

    Raises:
        NotAWorkspace, NewerWorkspace, DatabaseDamaged, NotWritable: nothing was changed.
    """
    folder = Path(path)
    if folder.is_file() and folder.name == DATABASE_NAME:
        folder = folder.parent
    path = folder / DATABASE_NAME
    if path.is_file() and not is_writable(path) and not repair:
        database = Database.for_looking(str(path), SQL_FUNCTIONS)
        opened = Workspace(_desk(folder, database, home, clock, chance))
        database.read_only = (
            f"{folder} can only be read here, so nothing was written: its disk is write-protected, or it is not yours"
            " to write. Copy the folder to a place of your own and work there."
        )
        opened.desk.words = WordIndex(None)
        return opened
    database = Database(str(path), durable=durable, functions=SQL_FUNCTIONS)
    if repair:
        try:
            heal.strip(database)
        except BaseException:
            database.close()
            raise
    opened = Workspace(_desk(folder, database, home, clock, chance))
    if repair:
        opened.rebuild()
    return opened


def is_writable(path: Path) -> bool:
    """Tells whether a database and the folder it is in may be written."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _desk(folder: Path, database: Database, home: Home | str | Path | None, clock: Clock, chance: Chance) -> Desk:
    try:
        with translated(database.path):
            desk = Desk(folder, database, home if isinstance(home, Home) else Home(home, chance=chance), clock, chance)
            verify.check_strangers(desk)
            verify.catch_up(desk)
    except verify.UNREADABLE as error:
        database.close()
        raise DatabaseDamaged(
            f"{database.path} is damaged in what is derived from its log. Run: openprod rebuild"
        ) from error
    except BaseException:
        database.close()
        raise
    return desk


def init_workspace(
    path: str | Path,
    *,
    name: str,
    template: str | None = None,
    home: Home | str | Path | None = None,
    person: str | None = None,
    clock: Clock = wall_clock,
    chance: Chance = secrets.token_bytes,
    durable: bool = True,
) -> Workspace:
    """Makes a new workspace in a folder that is empty or not there yet.

    Args:
        path: the folder.
        name: what the production is called.
        template: a template's name or folder, or None for a bare one.
        person: the name of whoever starts it, where this device has no identity yet.
        home, clock, chance, durable: as in `open_workspace`.
    """
    state = home if isinstance(home, Home) else Home(home, chance=chance)
    if template is not None:
        read_template_package(template, state)
    identity = state.identity() or state.create_identity(person or _login_name(), chance(32))
    recovery, nonce = SigningSeed(chance(32)), chance(32)
    workspace = workspace_id(ActorId(identity.actor), recovery.public, nonce)
    made = _make(Path(path), workspace, state, clock, chance, durable=durable)
    desk = made.desk
    state.add_workspace_key(workspace, 0, chance(32))
    state.keep_recovery(workspace, recovery)
    desk.admission = creator_admission(recovery.public, nonce)
    with made.edit(f"Start {name}", Cause(CAUSE_GENESIS)) as edit:
        edit.add_record(
            "core.settings", {"name": NAME_SETTING, "value": name}, record_id=derived_id("core.settings", NAME_SETTING)
        )
        uuid = derived_id("core.people", identity.actor.hex())
        edit.add_record("core.people", {"key": identity.actor.hex(), "name": identity.name}, record_id=uuid)
    if template is not None:
        made.apply_template(template)
    return made


def join_workspace(
    invitation: str | Invitation,
    path: str | Path,
    bundles: Iterable[Sealed],
    keys: Iterable[tuple[int, bytes]],
    *,
    home: Home | str | Path | None = None,
    person: str | None = None,
    clock: Clock = wall_clock,
    chance: Chance = secrets.token_bytes,
    durable: bool = True,
) -> Workspace:
    """Joins a workspace from its bundles, as an `.opx` file or a colleague gives them.

    Args:
        invitation: the invitation, or its text.
        path: the folder to make.
        bundles: what the giver holds, in any order.
        keys: the workspace keys, (epoch, key).
        person: the joiner's name, where this device has no identity yet.
        home, clock, chance, durable: as in `open_workspace`.

    Raises:
        NotJoined: what was given does not hold the invitation's opening; nothing was kept.
    """
    invited = invitation if isinstance(invitation, Invitation) else read_invitation(invitation)
    state = home if isinstance(home, Home) else Home(home, chance=chance)
    identity = state.identity() or state.create_identity(person or _login_name(), chance(32))
    made = _make(Path(path), WorkspaceId(invited.workspace), state, clock, chance, durable=durable)
    desk = made.desk
    try:
        report = made.ingest(bundles)
        if invited.public not in made.open_invitations():
            with desk.reading():
                over = admission.why_not_by(desk, invited.public)
            reason = (
                report.rejected[0]
                if report.rejected
                else over
                or (
                    "It does not hold the change that opened your invitation; ask for a newer file, or for a new"
                    " invitation."
                )
            )
            raise NotJoined(f"You could not join with this file. {reason}")
        for epoch, key in keys:
            state.add_workspace_key(desk.id, epoch, key)
        log = desk.open_log()
        is_member = desk.log.actor_is_here(identity.actor, b"")
        desk.admission = None if is_member else admission_for(invited, ActorId(identity.actor), log.log)
        with made.edit(f"{identity.name} joins", Cause(CAUSE_JOIN)) as edit:
            uuid = derived_id("core.people", identity.actor.hex())
            if desk.is_known(uuid):
                edit.put(id_text(uuid), into="core.people")
            else:
                edit.add_record("core.people", {"key": identity.actor.hex(), "name": identity.name}, record_id=uuid)
    except BaseException:
        made.close()
        _unmake(Path(path))
        raise
    return made


def rebuild_into(
    path: str | Path,
    into: str | Path,
    *,
    home: Home | str | Path | None = None,
    clock: Clock = wall_clock,
    chance: Chance = secrets.token_bytes,
    durable: bool = True,
) -> tuple[Workspace, Report]:
    """Makes a fresh workspace from the history in a file that cannot be opened any more; that file stays as it is.

    Every bundle is proven as if a stranger had sent it, and everything else is derived anew. What waits for others
    comes along; what was damaged is named in the report.

    Args:
        path: the folder of the old workspace.
        into: the folder to make.
        home, clock, chance, durable: as in `open_workspace`.

    Raises:
        DatabaseDamaged: there is no history in it that proves; nothing was kept.
    """
    from openprod.store.salvage import history_of  # noqa: PLC0415 -- seldom needed, and a cold start counts milliseconds

    database = Path(path) / DATABASE_NAME
    state = home if isinstance(home, Home) else Home(home, chance=chance)
    with history_of(str(database)) as history:
        made = _make(Path(into), history.workspace, state, clock, chance, durable=durable)
        try:
            here: list[Sealed] = []
            report = made.ingest(_shared(history.bundles, made.desk.log.local, here))
            made.desk.take_here(here)
            if not report.applied:
                raise DatabaseDamaged(
                    f"Nothing in {database} proves to be this production's history. Join again from a colleague or a"
                    " stick."
                )
            blobs.bring(made.desk, Blobs(Path(path) / BLOBS_FOLDER, chance))
        except BaseException:
            made.close()
            _unmake(Path(into))
            raise
    return made, report


def _shared(bundles: Iterable[Sealed], local: bytes, here: list[Sealed]) -> Iterator[Sealed]:
    """Yields the bundles that others may have too; puts those that stay on this device, unsigned, into `here`."""
    for sealed in bundles:
        try:
            is_here = decode_header(sealed.header).log == local
        except Malformed:
            is_here = False
        if is_here:
            here.append(sealed)
        else:
            yield sealed


def _make(
    folder: Path, workspace: WorkspaceId, home: Home, clock: Clock, chance: Chance, *, durable: bool
) -> Workspace:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderTaken(f"{folder} is not empty, and a workspace needs a folder of its own. Choose another one.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in FOLDERS:
            (folder / name).mkdir()
        database = Database(str(folder / DATABASE_NAME), create=True, durable=durable, functions=SQL_FUNCTIONS)
        (folder / DATABASE_NAME).chmod(0o600)
    except OSError as error:
        raise Refused(
            f"The folder {folder} cannot be made ({error.strerror}). Choose a place that is yours to write."
        ) from error
    try:
        with database.transaction():
            database.execute("INSERT INTO meta(key, value) VALUES('workspace', ?)", (workspace,))
        made = Workspace(_desk_without_tables(folder, database, home, clock, chance))
    except BaseException:
        database.close()
        _unmake(folder)
        raise
    return made


def _desk_without_tables(folder: Path, database: Database, home: Home, clock: Clock, chance: Chance) -> Desk:
    desk = Desk(folder, database, home, clock, chance)
    with desk.writing():
        desk.model.migrate()
    return desk


def _unmake(folder: Path) -> None:
    """Takes away what `_make` made, and nothing else."""
    for name in (DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-shm"):
        (folder / name).unlink(missing_ok=True)
    for name in FOLDERS:
        if (folder / name).is_dir() and not any((folder / name).iterdir()):
            (folder / name).rmdir()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "Somebody"


def find_workspace(start: Path) -> Path:
    """Returns the nearest folder upward that holds a workspace, as git finds its own; raises NotAWorkspace."""
    for folder in (start, *start.parents):
        if (folder / DATABASE_NAME).is_file():
            return folder
    raise NotAWorkspace(
        f"There is no workspace in {start} or above it. Go to one, give --workspace DIR, or make one with: openprod"
        " init DIR --name NAME"
    )
