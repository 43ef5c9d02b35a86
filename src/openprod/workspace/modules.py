"""Modules and templates as a person meets them: shipped, installed, used in this show; what they ask, what may run.

Installing is for one person, adopting (`adopt`) for everybody in the production. Consent to run a module's code is one
person's, on one device, for one exact set of files; nothing of it travels. Knows packages, the per-user folder and the
records of core.modules; decides and writes nothing in the production.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from openprod.catalog.manifest import Manifest
from openprod.catalog.manifest import read as read_manifest
from openprod.catalog.strict import ManifestError, Problem
from openprod.catalog.templates import Template
from openprod.catalog.templates import read as read_template
from openprod.model.errors import Missing, OpenprodError, Refused
from openprod.model.ids import HASH_BYTES, is_hex
from openprod.model.slots import member_key
from openprod.model.values import BlobRef
from openprod.query.tree import read_query
from openprod.store import packages
from openprod.store.home import Consent, Home
from openprod.store.log import ORDINAL_BITS
from openprod.workspace import reading
from openprod.workspace.catalogs import MODULE_FILE, version_key
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import ModuleShape

TEMPLATE_FILE = "template.toml"
MODULES = "core.modules"
HERE, LACKING, NONE = "here", "lacking", "none"
_CODE = ("script", "view")
_KEYS = tuple(f"{MODULES}.{field}" for field in ("name", "version", "hash", "manifest", "package"))


class UnknownModule(Missing):
    """No module of that name is shipped, installed or used in this production."""

    code = "module.unknown"


class NoCode(Refused):
    """A module has no code of its own that somebody could let run."""

    code = "module.no_code"


class FileThere(Refused):
    """A file is there where one would be written."""

    code = "module.file_there"


class PackageLacking(Missing):
    """A module's package is named in the production and not on this device."""

    code = "module.package_lacking"


Found = tuple[packages.Package, Manifest]


# -- packages


def read_module(reference: str, home: Home | None = None) -> tuple[packages.Package, Manifest]:
    """Returns a module package and its manifest.

    Args:
        reference: a folder, a pack, or the name of an installed or shipped module.
        home: whose installed modules count; None for nobody's.

    Raises:
        NoSuchPackage, NotAPack, ManifestError: nothing was changed.
    """
    package = packages.find("modules", reference, MODULE_FILE, home.modules_dir if home is not None else None)
    return package, read_manifest(package.text(MODULE_FILE), place(package))


def read_template_package(reference: str, home: Home | None = None) -> tuple[packages.Package, Template]:
    """Returns a template package and what it says, by folder or by the name of one's own or a shipped one."""
    package = packages.find("templates", reference, TEMPLATE_FILE, home.templates_dir if home is not None else None)
    return package, read_template(package.text(TEMPLATE_FILE), str(package.folder / TEMPLATE_FILE))


def place(package: packages.Package, file: str = MODULE_FILE) -> str:
    """Returns what a file of a package is called in problems."""
    return str(package.folder / file)


def check_package(package: packages.Package, manifest: Manifest) -> None:
    """Raises ManifestError for each file that is named and not in the package, and each query that does not read."""
    problems = [
        Problem(
            place(package), 1, "", f"{name} is named here and is not in the folder. Add the file, or the line goes."
        )
        for name in manifest.files()
        if name not in package.files
    ]
    queries: dict[str, str | Mapping[str, object]] = {
        query.file: package.text(query.file) for query in manifest.queries if query.file in package.files
    }
    for file, text in queries.items():
        problems += _query_problems(place(package, file), "", text)
    for check in manifest.checks:
        form = check.query or {"from": check.table, "where": check.where}
        problems += _query_problems(place(package), f"check.{check.name.partition('.')[2]}", form)
    if problems:
        raise ManifestError(problems)


def _query_problems(file: str, key: str, form: str | Mapping[str, object]) -> Iterator[Problem]:
    try:
        read_query(form)
    except OpenprodError as error:
        yield Problem(file, 1, key, str(error))


def install(home: Home, reference: str, desk: Desk | None = None) -> tuple[str, str]:
    """Makes a module this person's own, on this device; returns its name and version.

    Args:
        home: the person's state directory.
        reference: a folder, a pack, or the name of a module that is used in the production but not here.
        desk: the production whose modules may be named.

    Raises:
        ManifestError, NotAPack, NoSuchPackage, PackageLacking: nothing was installed.
    """
    package = _adopted_package(desk, reference) if desk is not None else None
    if package is None:
        package = packages.find("modules", reference, MODULE_FILE)
    manifest = read_manifest(package.text(MODULE_FILE), place(package))
    check_package(package, manifest)
    packages.install(home.modules_dir, manifest.name, package, home.chance)
    return manifest.name, manifest.version


def pack(home: Home, reference: str, target: Path | None, *, is_sure: bool) -> tuple[Path, Manifest, str]:
    """Writes a module's pack; returns where, what it declares, and the hash of its files in hex.

    Args:
        home: the person's state directory.
        reference: a folder, or the name of an installed or shipped module.
        target: the file to write; None makes NAME-VERSION.opmod in the current folder.
        is_sure: whether a file that is there may be written over.

    Raises:
        ManifestError, NoSuchPackage: there is no right module. FileThere: nothing was written.
    """
    package, manifest = read_module(reference, home)
    check_package(package, manifest)
    file = target or Path(f"{manifest.name}-{manifest.version}{packages.PACK_SUFFIX}")
    if file.exists() and not is_sure:
        raise FileThere(f"{file} is there already. Give another name with -o, or write over it with --yes.")
    try:
        file.write_bytes(package.pack())
    except OSError as error:
        raise Refused(f"{file} cannot be written ({error.strerror}). Choose another place with -o.") from error
    return file, manifest, package.hash.hex()


def uninstall(home: Home, name: str) -> None:
    """Takes away a module that this person installed; productions that use it are as before."""
    packages.uninstall(home.modules_dir, name, MODULE_FILE)


def _adopted_package(desk: Desk, name: str) -> packages.Package | None:
    """Returns the package that came into a production with the highest version of a module; None for no such module."""
    if Path(name).exists():
        return None
    with desk.reading():
        found = adopted(desk, name)
    return package_of(desk, found[-1]) if found else None


def package_of(desk: Desk, module: Adopted) -> packages.Package:
    """Returns the package that came into a production with a version of a module.

    Raises:
        PackageLacking: it came without, or its files are not on this device.
        NotAPack: its files are not those that were adopted. BlobDamaged: they were damaged on this disk.
    """
    called, ref = f"{module.name} {module.version}", module.package
    if ref is None:
        raise PackageLacking(f"{called} came into this production without its files. Ask {module.by} for its folder.")
    if desk.blobs.size_of(ref.hash) is None:
        raise PackageLacking(
            f"The files of {called} are not on this device yet. They come with the next exchange with somebody who has"
            " them: openprod sync FILE.opx"
        )
    package = packages.read_pack(desk.blobs.read(ref.hash, ref.name), Path(ref.name))
    if package.hash.hex() != module.hash:
        raise packages.NotAPack(
            f"The files of {called} are not those that were adopted. Ask {module.by} for its folder."
        )
    return package


# -- what there is


class Adopted:
    """A version of a module that a production uses: its record, its files' reference, and who brought it and when."""

    def __init__(self, desk: Desk, uuid: bytes) -> None:
        record = desk.record_of(uuid)
        values = {} if record is None else desk.meaning.values_of(record, _KEYS)
        name, version, digest, text = (values.get(key) for key in _KEYS[:4])
        package = values.get(_KEYS[4])
        self.name = name if isinstance(name, str) else ""
        self.version = version if isinstance(version, str) else ""
        self.hash = digest if isinstance(digest, str) else ""
        self.text = text if isinstance(text, str) else ""
        self.package = package if isinstance(package, BlobRef) else None
        oids = [oid for oid in desk.heads_now(uuid, member_key(MODULES)) if desk.op_at(oid).is_live]
        newest = max(oids, key=desk.log.order_of, default=None)
        self.by = "" if newest is None else reading.actor_name(desk, reading.actor_of(desk, newest))
        self.at = "" if newest is None else reading.moment(desk.log.row(newest >> ORDINAL_BITS).at)

    def manifest(self) -> Manifest | None:
        """Returns what it declares, None where that does not read."""
        try:
            return read_manifest(self.text, f"{self.name}/{MODULE_FILE}")
        except ManifestError:
            return None


def adopted(desk: Desk, name: str | None = None) -> list[Adopted]:
    """Returns every version of every module (or of one) that the production uses, a module's highest version last."""
    if MODULES not in desk.model.shelves:
        return []
    rows = desk.db.rows('SELECT uuid FROM "core.modules" CROSS JOIN entity ON eid = "~eid" WHERE name IS NOT NULL')
    found = [one for (uuid,) in rows if (one := Adopted(desk, uuid)).name and name in (None, one.name)]
    return sorted(found, key=lambda one: (one.name, version_key(one.version), one.version))


def listing(home: Home, desk: Desk | None) -> list[ModuleShape]:
    """Returns every module that ships, that this person installed, or that the production uses."""
    shipped = {name: read_module(name) for name in packages.shipped_names("modules", MODULE_FILE)}
    own: dict[str, Found] = {}
    broken: dict[str, str] = {}
    for name in packages.names_in(home.modules_dir, MODULE_FILE):
        try:
            own[name] = read_module(name, home)
        except OpenprodError as error:
            # A folder that somebody dropped there.
            broken[name] = str(error).splitlines()[0]
    used: dict[str, Adopted] = {}
    if desk is not None:
        with desk.reading():
            used = {one.name: one for one in adopted(desk)}
    consents = home.consents()
    names = dict.fromkeys([*shipped, *own, *used, *broken])
    found = [_shape(name, shipped.get(name), own.get(name), used.get(name), desk, consents) for name in names]
    return [{**one, "help": broken.get(one["name"], one["help"])} for one in found]


def one(home: Home, desk: Desk | None, name: str) -> ModuleShape:
    """Returns one module that is here; raises UnknownModule."""
    found = next((shape for shape in listing(home, desk) if shape["name"] == name), None)
    if found is None:
        raise UnknownModule(f"There is no module '{name}' here. See: openprod module list")
    return found


def _shape(
    name: str,
    shipped: Found | None,
    own: Found | None,
    used: Adopted | None,
    desk: Desk | None,
    consents: Mapping[bytes, Consent],
) -> ModuleShape:
    here = own or shipped
    manifest = (used.manifest() if used is not None else None) or (here[1] if here is not None else None)
    digest = used.hash if used is not None else here[0].hash.hex() if here is not None else ""
    package = NONE
    if used is not None and used.package is not None and desk is not None:
        package = LACKING if desk.blobs.size_of(used.package.hash) is None else HERE
    return {
        "name": name,
        "title": manifest.title if manifest is not None else name,
        "version": here[1].version if here is not None else "",
        "adopted": used.version if used is not None else "",
        "help": manifest.help if manifest is not None else "",
        "is_shipped": shipped is not None,
        "is_local": manifest is not None and manifest.local,
        "installed": own[1].version if own is not None else "",
        "by": used.by if used is not None else "",
        "at": used.at if used is not None else "",
        "hash": digest,
        "package": package,
        "asks": asks(manifest) if manifest is not None else [],
        "has_code": manifest is not None and has_code(manifest),
        "is_allowed": bytes.fromhex(digest) in consents if _is_digest(digest) else False,
    }


def _is_digest(text: str) -> bool:
    return len(text) == 2 * HASH_BYTES and is_hex(text)


def has_code(manifest: Manifest) -> bool:
    """Tells whether a module brings code of its own: scripts or views."""
    return any(manifest.declared.get(section) for section in _CODE)


def asks(manifest: Manifest) -> list[str]:
    """Returns in words what a module's code asks to be allowed."""
    found = [
        f"{'read' if grant.startswith('read:') else 'change'} {grant.partition(':')[2]}"
        for grant in manifest.capabilities.get("data", ())
    ]
    for grant in manifest.capabilities.get("files", ()):
        verb, _, where = grant.partition(":")
        found.append(f"{verb} files {where}")
    scripts, views = (len(manifest.declared.get(section, {})) for section in _CODE)
    if scripts:
        found.append("run a script of its own" if scripts == 1 else f"run {scripts} scripts of its own")
    if views:
        found.append("show views of its own, which may signal to the network")
    return found


# -- consent


def allow(home: Home, desk: Desk | None, name: str, now_ms: int, *, is_allowed: bool) -> ModuleShape:
    """Keeps, or takes back, this person's word that a module's code may run on this device.

    It is about exactly the files there are now, of the version that the production uses where there is a production:
    another file, or another thing asked for, needs a new word. Nothing of it is sent to anybody.

    Raises:
        UnknownModule: there is no such module.
        NoCode: it brings none, so there is nothing to allow.
    """
    found = one(home, desk, name)
    if is_allowed and not found["has_code"]:
        raise NoCode(f"{found['title']} brings no scripts or views of its own, so there is nothing to allow.")
    digest = bytes.fromhex(found["hash"]) if _is_digest(found["hash"]) else b""
    kept = {
        one: consent
        for one, consent in home.consents().items()
        if one != digest and (is_allowed or consent.name != name)
    }
    if is_allowed:
        version = found["adopted"] or found["version"]
        kept[digest] = Consent(digest, name, version, now_ms)
    home.keep_consents(kept.values())
    return {**found, "is_allowed": is_allowed}
