"""Texts that merge: what was typed, put together so that everybody who holds the same ops reads the same letters.

A text begins with a plain string, the *base*, or with nothing, and goes on with updates of Yjs. An update has an effect
exactly where all that it names was there for its author, as its own `over` says; so no order of arrival and no library
decides that. Knows letters, writers and their counts. Must not know where ops are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from openprod.model.ids import HASH_BYTES
from openprod.model.text_update import ROOT, BadUpdate, Update, base_client, read_clocks, read_update, seed

if TYPE_CHECKING:
    from pycrdt import Doc, Text, TextEvent

    Library = Doc[Text]

Order = tuple[bytes, bytes, int]
Id = TypeVar("Id", bound=Hashable)

OP_BASE, SLOT_BASE = b"\x00", b"\x01"
_OWN = "own"


class Splice(NamedTuple):
    """One change of a text: at a place, counted in characters, some go and some come."""

    at: int
    gone: int
    text: str


class Typing(NamedTuple):
    """One op on a text: its place in canonical order, the ops on the same text that it goes on from, its update."""

    order: Order
    on: tuple[Hashable, ...]
    update: bytes


def base_of_op(bundle: bytes, ordinal: int) -> bytes:
    """Returns the name of a text that begins with what an op set outright."""
    return OP_BASE + bundle + ordinal.to_bytes(4, "big")


def base_of_slots(slots: Iterable[tuple[bytes, str]]) -> bytes:
    """Returns the name of a text that begins with nothing, in a field that nothing was written to."""
    subject, key = min(slots)
    return SLOT_BASE + subject + key.encode()


def begun_with(base: bytes) -> bytes | None:
    """Returns the bundle whose op a text begins with, None where nothing begins it."""
    return base[1 : 1 + HASH_BYTES] if base[:1] == OP_BASE else None


class Document:
    """A text as some ops make it.

    Attributes:
        clocks: how many letters of each writer it holds, deleted ones too.
        is_torn: whether two ops claim the same letters, so that only their whole history says which of them counts.
    """

    __slots__ = ("_doc", "_taken", "clocks", "is_torn")

    def __init__(self, state: bytes) -> None:
        """Reads what `state` gave; raises BadUpdate where the bytes are none such."""
        self._taken = [state]
        self._doc = _opened(self._taken)
        self.clocks = read_clocks(self._doc.get_state())
        self.is_torn = False

    @classmethod
    def begun(cls, base: bytes, text: str) -> Document:
        """Returns a text as it begins."""
        return cls(seed(base_client(base), text))

    @property
    def text(self) -> str:
        """The letters."""
        return str(self._doc[ROOT])

    @property
    def state(self) -> bytes:
        """All of it as one update, for keeping and for any program that reads Yjs."""
        return self._doc.get_update()

    def since(self, clocks: bytes) -> bytes:
        """Returns what it holds beyond a state vector, as an update."""
        return self._doc.get_update(clocks)

    @property
    def vector(self) -> bytes:
        """Its state vector."""
        return self._doc.get_state()

    def take(self, update: bytes) -> bool:
        """Goes on with an update; tells whether it had an effect, which it has only where all that it names is here."""
        read = read_update(update)
        if not fits(read, self.clocks):
            return False
        return self.add(update, read)

    def add(self, update: bytes, read: Update) -> bool:
        """Adds an update that fits; tells whether the library took it as it reads."""
        wanted = dict(self.clocks)
        if read.client is not None:
            wanted[read.client] = read.clock + read.length
        if not _applied(self._doc, update) or (
            read.client is not None and read_clocks(self._doc.get_state()) != wanted
        ):
            self._doc = _opened(self._taken)
            return False
        self._taken.append(update)
        self.clocks = wanted
        return True

    def typed(self, client: int, splices: Sequence[Splice]) -> bytes:
        """Returns the update that these changes, one after another, make of it; empty where they change nothing."""
        doc = _opened([self.state], client)
        return _caught(doc, lambda: _splice(doc, splices))

    def change(self, update: bytes) -> list[Splice]:
        """Returns what an update, also one of several writers, would change in the letters now."""
        doc = _opened([self.state])
        text = doc[ROOT]
        found: list[Splice] = []
        before = str(text)

        def read(event: TextEvent) -> None:
            found.extend(_splices(before, cast("list[dict[str, object]]", event.delta)))

        subscription = text.observe(read)
        _applied(doc, update)
        text.unobserve(subscription)
        return found

    def undone(self, update: bytes, client: int, later: Sequence[bytes]) -> bytes:
        """Returns the update that takes one back from the text as it is.

        Args:
            update: what to take back; this document is the text before it.
            client: who takes it back.
            later: everything else that is in the text now, in an order in which it can be added.
        """
        from pycrdt import UndoManager  # noqa: PLC0415 -- only where a text is worked on

        doc = _opened([self.state], client)
        manager = UndoManager(scopes=[doc[ROOT]], capture_timeout_millis=0)
        manager.include_origin(_OWN)
        with doc.transaction(origin=_OWN):
            doc.apply_update(update)
        for one in later:
            doc.apply_update(one)
        return _caught(doc, manager.undo)


def fits(update: Update, clocks: Mapping[int, int]) -> bool:
    """Tells whether everything that an update names is there, and its own letters follow on those of its writer."""
    if update.client is not None and clocks.get(update.client, 0) != update.clock:
        return False
    return all(clocks.get(client, 0) >= count for client, count in update.needs.items())


def united(base: bytes, text: str, typings: Mapping[Id, Typing]) -> Document:
    """Returns what ops on one text make of it together.

    Args:
        base: the text's name.
        text: what it begins with.
        typings: the ops, with all that they go on from.
    """
    found = Document.begun(base, text)
    begun = dict(found.clocks)
    knew: dict[Hashable, dict[int, int]] = {}
    for one, typing in sorted(typings.items(), key=lambda item: item[1].order):
        known = _known([knew[other] for other in typing.on if other in knew]) or begun
        update = read_update(typing.update)
        if fits(update, known):
            if update.client is not None:
                known = {**known, update.client: update.clock + update.length}
            if fits(update, found.clocks):
                found.add(typing.update, update)
            else:
                found.is_torn = True
        knew[one] = known
    return found


def _known(several: Sequence[dict[int, int]]) -> dict[int, int]:
    if len(several) == 1:
        return several[0]
    found: dict[int, int] = {}
    for one in several:
        for client, count in one.items():
            found[client] = max(found.get(client, 0), count)
    return found


def difference(before: str, after: str) -> list[Splice]:
    """Returns the one change between two texts: what they have in common in front and behind stays."""
    if before == after:
        return []
    shorter = min(len(before), len(after))
    front = next((at for at in range(shorter) if before[at] != after[at]), shorter)
    behind = 0
    most = shorter - front
    while behind < most and before[-1 - behind] == after[-1 - behind]:
        behind += 1
    return [Splice(front, len(before) - front - behind, after[front : len(after) - behind])]


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """Returns a plain text with changes made, one after another."""
    for at, gone, come in splices:
        text = text[:at] + come + text[at + gone :]
    return text


# -- the library


def _opened(updates: Sequence[bytes], client: int | None = None) -> Library:
    """Returns a fresh document of the library with updates that it took before."""
    from pycrdt import Doc, Text  # noqa: PLC0415 -- only where a text is worked on: a cold start counts milliseconds

    doc = Doc[Text](client_id=client, allow_multithreading=True)
    doc.get(ROOT, type=Text)
    for update in updates:
        if not _applied(doc, update):
            raise BadUpdate("a text that was kept does not read")
    return doc


def _applied(doc: Library, update: bytes) -> bool:
    """Lets the library add an update; tells whether it did. What it panics over is no exception but ends programs."""
    try:
        doc.apply_update(update)
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException:  # noqa: BLE001 -- a panic of the library is a BaseException of a private kind
        return False
    return True


def _caught(doc: Library, change: Callable[[], object]) -> bytes:
    """Returns the update that a change of a document makes; empty where it makes none."""
    made: list[bytes] = []
    subscription = doc.observe(lambda event: made.append(event.update))
    change()
    doc.unobserve(subscription)
    return made[-1] if made else b""


def _splice(doc: Library, splices: Sequence[Splice]) -> None:
    text = doc[ROOT]
    with doc.transaction():
        letters = str(text)
        for at, gone, come in splices:
            # The library counts bytes of UTF-8.
            first = len(letters[:at].encode())
            last = first + len(letters[at : at + gone].encode())
            if last > first:
                del text[first:last]
            if come:
                text.insert(first, come)
            letters = letters[:at] + come + letters[at + gone :]


def _splices(before: str, delta: Sequence[Mapping[str, object]]) -> list[Splice]:
    """Returns a change that the library tells in bytes, in characters."""
    raw = before.encode()
    found: list[Splice] = []
    read = place = 0
    for step in delta:
        if "insert" in step:
            come = str(step["insert"])
            found.append(Splice(place, 0, come))
            place += len(come)
            continue
        size = step.get("retain") or step.get("delete")
        assert isinstance(size, int)
        part = len(raw[read : read + size].decode())
        read += size
        if "delete" in step:
            found.append(Splice(place, part, ""))
        else:
            place += part
    return found
