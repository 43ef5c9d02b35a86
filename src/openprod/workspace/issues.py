"""Kept files as people and doors want them: the issues of a draft, what is here, what is missing, what nobody names.

Asks `blobs` and puts facts into `shapes`. Called with the desk's lock held; writes nothing.
"""

from __future__ import annotations

from openprod.model.errors import Missing, Refused
from openprod.model.ids import id_text, is_hex
from openprod.model.values import BlobRef
from openprod.workspace import blobs, reading, wording
from openprod.workspace.desk import Desk
from openprod.workspace.shapes import BlobPlace, BlobShape, IssueShape, NoticeShape

SHOWN, EARLIER, STAGED, UNUSED = "shown", "earlier", "staged", "unused"
DIGITS_MIN = 4
PACKAGE = "core.modules.package"


class NoSuchFile(Missing):
    """No kept file goes by that hash, or that field never held one."""

    code = "blob.unknown"


class AmbiguousFile(Refused):
    """The beginning of a hash means several files."""

    code = "blob.ambiguous"


def listing(desk: Desk) -> list[BlobShape]:
    """Returns every file that the history or an overlay names, or that lies here unused, by name."""
    places: dict[bytes, list[BlobPlace]] = {}
    refs: dict[bytes, BlobRef] = {}
    for use in blobs.uses(desk):
        refs[use.ref.hash] = use.ref
        some = places.setdefault(use.ref.hash, [])
        if use.oid in desk.heads_now(use.subject, use.key) and not desk.is_gone(use.subject):
            place: BlobPlace = {
                "record": id_text(desk.standing(use.subject)),
                "title": desk.title(use.subject),
                "field": use.key,
            }
            some.extend([place] if place not in some else [])
    staged = blobs.staged(desk)
    shapes = [
        _shape(desk, ref, SHOWN if places[digest] else STAGED if digest in staged else EARLIER, places[digest])
        for digest, ref in refs.items()
    ]
    shapes += [_shape(desk, ref, STAGED, []) for digest, ref in staged.items() if digest not in refs]
    for digest in blobs.unnamed(desk, {**staged, **refs}):
        shapes.append(_shape(desk, BlobRef(digest, "", desk.blobs.size_of(digest) or 0, ""), UNUSED, []))
    return sorted(shapes, key=lambda one: (one["name"], one["hash"]))


def _shape(desk: Desk, ref: BlobRef, state: str, places: list[BlobPlace]) -> BlobShape:
    return {
        "hash": ref.hash.hex(),
        "name": ref.name,
        "size": ref.size,
        "media": ref.media,
        "here": desk.blobs.size_of(ref.hash) is not None,
        "state": state,
        "places": places,
    }


def find(desk: Desk, text: str) -> BlobRef:
    """Returns the file that a hash, or a beginning of one, means; raises NoSuchFile or AmbiguousFile."""
    digits = text.lower()
    if len(digits) < DIGITS_MIN or not is_hex(digits):
        raise NoSuchFile(f"'{text}' is no file's hash. 'openprod blob list' shows them; a few digits are enough.")
    known = {**blobs.staged(desk), **blobs.names(desk)}
    found = [ref for digest, ref in known.items() if digest.hex().startswith(digits)]
    if not found:
        found = [BlobRef(one.hash, "", one.size, "") for one in desk.blobs.all() if one.hash.hex().startswith(digits)]
    if not found:
        raise NoSuchFile(f"There is no file {text} here. 'openprod blob list' shows what there is.")
    if len(found) > 1:
        raise AmbiguousFile(f"'{text}' is the beginning of several files' hashes. Give more of it.")
    return found[0]


def issues(desk: Desk, uuid: bytes, key: str) -> list[IssueShape]:
    """Returns the issues of a draft: every file that a field ever held, the newest first.

    Args:
        desk: the workspace.
        uuid: the record.
        key: the field, in full.
    """
    heads = desk.heads_now(uuid, key)
    shapes: list[IssueShape] = []
    ops = blobs.behind(desk, heads, uuid, key)
    for op in sorted(ops, key=lambda one: desk.log.order_of(one.oid), reverse=True):
        oid, ref = op.oid, op.value
        if isinstance(ref, BlobRef):
            number = blobs.issue(desk, oid, uuid, key)
            shapes.append(
                {
                    "issue": number,
                    "text": f"{ref.name}, {wording.issue_text(number)}",
                    "hash": ref.hash.hex(),
                    "name": ref.name,
                    "size": ref.size,
                    "media": ref.media,
                    "here": desk.blobs.size_of(ref.hash) is not None,
                    "current": oid in heads,
                    "op": desk.op_text(oid),
                    "actor_name": reading.actor_name(desk, reading.actor_of(desk, oid)),
                    "at": reading.at_of(desk, oid),
                }
            )
    return shapes


def notices(desk: Desk) -> list[NoticeShape]:
    """Returns the notice about files that records show and that are not on this device; none where all are here.

    Not about packages of modules: who wants one is told when asking for it, and nobody else needs it.
    """
    missing = [
        one["name"]
        for one in listing(desk)
        if one["state"] == SHOWN and not one["here"] and any(place["field"] != PACKAGE for place in one["places"])
    ]
    return [{"kind": "files", "text": wording.files_notice(missing)}] if missing else []
