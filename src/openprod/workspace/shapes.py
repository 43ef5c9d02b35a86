"""The shapes handed out: what the CLI prints as JSON, the server sends, and Python callers get.

Knows names and types only. The same dictionaries go to every door, unchanged.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from openprod.model.values import Plain

Values = dict[str, Plain]
Heads = dict[str, list[str]]


class TableShape(TypedDict):
    """A table as a list of tables shows it."""

    name: str
    title: str
    module: str
    count: int
    key: list[str]
    hidden: bool


class ModuleShape(TypedDict):
    """A module that ships, that this person installed, or that the production uses.

    `version` is the one on this device, `installed` the one this person installed, `adopted` the one the production
    uses, each empty where there is none; `by` and `at` say who brought it. `package` tells whether its files came too
    (here, lacking or none), `is_local` whether its records stay on the device. `hash` is of its files, `asks` what its
    code asks for, `is_allowed` this person's word on it.
    """

    name: str
    title: str
    version: str
    adopted: str
    help: str
    is_shipped: bool
    is_local: bool
    installed: str
    by: str
    at: str
    hash: str
    package: str
    asks: list[str]
    has_code: bool
    is_allowed: bool


class ConfirmedShape(TypedDict):
    """A mapping or link that a template confirms; `state` is how it stands in a production.

    `revoke` is the command that takes it back.
    """

    kind: Literal["mapping", "link"]
    one: str
    other: str
    where: str
    state: str
    revoke: str


class SeedShape(TypedDict):
    """How many records a template proposes for a table."""

    table: str
    rows: int


class TemplateShape(TypedDict):
    """A template: the modules and queries it brings, what it confirms, and the records it proposes."""

    name: str
    title: str
    help: str
    modules: list[str]
    confirms: list[ConfirmedShape]
    queries: list[str]
    seed: list[SeedShape]


class CheckShape(TypedDict):
    """A check over a table: how many rows it finds, said in a sentence; no count where it cannot be asked.

    `where` is the condition on the table's records that finds them, empty where the check asks in another way.
    """

    name: str
    title: str
    table: str
    where: str
    count: int | None
    text: str


class ViewShape(TypedDict):
    """A view of a table: what is filtered, in which order, which columns.

    `id` is a record of core.views, or the full name of a module's list; `person` whose it is, empty for everybody's;
    `module` who brought it. `spec` holds `where`, `order`, `group`, `fields`, `widths`, `frozen`, as far as it says so.
    """

    id: str
    title: str
    table: str
    person: str
    module: str
    spec: dict[str, Plain]


class FieldShape(TypedDict):
    """A field of a table; `target` names the tables that a record field points into."""

    key: str
    name: str
    title: str
    type: str
    help: str
    required: bool
    choices: list[str]
    open: bool
    unit: str
    hidden: bool
    target: list[str]


class MappingShape(TypedDict):
    """Two fields that are, may be, or are not to be, the same data; `text` is the sentence about them."""

    id: str
    one: str
    other: str
    state: Literal["confirmed", "suggested", "declined"]
    text: str


class MatchShape(TypedDict):
    """Two records that may be one, with what they have in common."""

    id: str
    one: str
    other: str
    titles: list[str]
    fields: list[str]
    text: str


class JoinerShape(TypedDict):
    """Somebody who waits to be let in: log and person in hex, the name they give themselves, what of theirs waits."""

    log: str
    actor: str
    name: str
    changes: int


class InvitationShape(TypedDict):
    """An open invitation: its public key in hex, whom it is for, and its terms.

    `uses` is for how many people it is (null: any number), `used` how many joined by it as far as is known here,
    `expires` until when (UTC, empty: for good), `is_good` whether it still lets somebody in.
    """

    key: str
    label: str
    uses: int | None
    used: int
    expires: str
    is_good: bool


class ProposalShape(TypedDict):
    """Something that a person may want done; `text` asks.

    To `remove`: a record that a link put into a table and that the link no longer concerns. To `unite`: a relation that
    is once only and is there twice, since its ends became one; `record` is then the relation that stays.
    """

    id: str
    kind: Literal["remove", "unite"]
    record: str
    title: str
    table: str
    text: str


class SettingShape(TypedDict):
    """A setting of the show: what it is, what it is where nobody set it, and what it does."""

    name: str
    value: str
    default: str
    help: str


class LinkShape(TypedDict):
    """A table linked to another one; `lacking` records came from elsewhere and are not in the second one yet."""

    id: str
    source: str
    target: str
    where: str
    lacking: int


class TakenShape(TypedDict):
    """Where a smart field is taken from; `state` says whether that can be read, `text` is the sentence.

    `end_record` and `end_field` are what is shown and edited where that field is taken from another one in turn.
    """

    record: str
    title: str
    field: str
    end_record: str
    end_field: str
    state: Literal["ok", "circular", "deleted", "broken"]
    text: str


class RecordShape(TypedDict):
    """A record: values and heads by full field key; `marks` are words such as `deleted` and `contested`.

    `origins` says for each of its tables who put it there: a person, or a link, rule, import … `taken` says of its
    smart fields where they are taken from; their heads are their own and those of what they show.
    """

    id: str
    title: str
    tables: list[str]
    origins: dict[str, str]
    fields: Values
    heads: Heads
    taken: dict[str, TakenShape]
    conflicts: list[str]
    marks: list[str]


class BlobPlace(TypedDict):
    """A field that shows a kept file: its record, what that is called, and the full field key."""

    record: str
    title: str
    field: str


class BlobShape(TypedDict):
    """A kept file: hash in hex, name, size in bytes, media type, whether it is on this device.

    `state` is `shown` (records show it, in `places`), `earlier` (an earlier issue), `staged` or `unused`.
    """

    hash: str
    name: str
    size: int
    media: str
    here: bool
    state: str
    places: list[BlobPlace]


class IssueShape(TypedDict):
    """One issue of a draft: the file, who put it there and when; `current` where it is what the field holds now.

    `text` is how people call it: `scenic.pdf, 4th issue`.
    """

    issue: int
    text: str
    hash: str
    name: str
    size: int
    media: str
    here: bool
    current: bool
    op: str
    actor_name: str
    at: str


class FoundShape(TypedDict):
    """A record found by words; `why` is the field that has them, empty where its title does."""

    record: str
    title: str
    table: str
    why: str


class NamedShape(TypedDict):
    """The record that a typed text means, or why it means none."""

    text: str
    record: str | None
    title: str
    why: str


class RelationColumn(TypedDict):
    """A relation as a column of a table: `key` is `->NAME` where it starts here, `<-NAME` where it ends here.

    `tables` are where its other ends usually are.
    """

    key: str
    relation: str
    title: str
    is_source: bool
    tables: list[str]
    ordered: bool


class EndShape(TypedDict):
    """The other end of one relation of a record: the relation's id, the record there and what it is called.

    `properties` are those of the relation that have a value.
    """

    relation: str
    record: str
    title: str
    properties: Values


class RowShape(TypedDict):
    """A row of a window; for cells with the heads and conflicts of its fields and the ends of its relations.

    `taken` says of smart fields where they are taken from.
    `staged` has, for each field that is staged in an overlay, what everybody has there.
    """

    values: dict[str, object]
    heads: Heads
    taken: dict[str, TakenShape]
    conflicts: list[str]
    ends: dict[str, list[EndShape]]
    staged: Values


class RelationShape(TypedDict):
    """A relation seen from one of its ends, `is_source` tells from which; `name` is what it is called from there."""

    id: str
    relation: str
    name: str
    other: str
    title: str
    is_source: bool
    properties: Values


class ConflictValue(TypedDict):
    """One of the values that stand beside each other, by its newest write; `at` is ISO 8601 in UTC."""

    op: str
    value: Plain
    actor: str
    actor_name: str
    at: str
    decision: bool


class ConflictShape(TypedDict):
    """A question for people; `text` is the sentence, `shown` the op whose value is read meanwhile."""

    id: str
    record: str
    field: str
    text: str
    values: list[ConflictValue]
    shown: str
    kind: Literal["value", "text", "delete", "decision"]


class NoticeShape(TypedDict):
    """Something worth knowing that blocks nothing."""

    kind: str
    text: str


class OpShape(TypedDict):
    """One change, as history shows it."""

    op: str
    kind: str
    record: str
    title: str
    field: str
    value: Plain
    text: str


class LogEntry(TypedDict):
    """One bundle in the history, or the part of it that concerns what was asked for; `at` is ISO 8601 in UTC."""

    bundle: str
    actor: str
    actor_name: str
    at: str
    cause: str
    label: str
    ops: list[OpShape]


class HistoryPage(TypedDict):
    """A page of the history; `next` is where the page after it begins, null at the beginning of everything."""

    entries: list[LogEntry]
    next: int | None


class DecisionShape(TypedDict):
    """What somebody decided about a field; `stands` tells whether it still does, `offered` what they chose from."""

    op: str
    record: str
    title: str
    field: str
    value: Plain
    actor_name: str
    at: str
    stands: bool
    offered: list[ConflictValue]


class StatusShape(TypedDict):
    """Where this workspace stands."""

    name: str
    workspace: str
    path: str
    actor: str
    actor_name: str
    log: str
    logs: int
    frontier: list[dict[str, str | int]]
    bundles: int
    state_hash: str
    conflicts: int
    pending: int
    waiting: int
    held: int
    admission: int
    unread: int
    quarantined: int


class OverlayShape(TypedDict):
    """An overlay of this device; `made` is ISO 8601 in UTC, `records` how many it touches."""

    name: str
    source: str
    made: str
    records: int


class ChangeShape(TypedDict):
    """One line of what an overlay would change."""

    record: str
    title: str
    kind: str
    field: str
    old: Plain
    new: Plain
    text: str


class DriftShape(TypedDict):
    """One thing that changed under an overlay and waits for a decision."""

    record: str
    title: str
    field: str
    text: str
    actor_name: str
    at: str
    value: Plain


class SinceShape(TypedDict):
    """One line of what changed between two moments; `kind` is set, create, delete, restore, put, remove or relate."""

    record: str
    title: str
    table: str
    kind: str
    field: str
    old: Plain
    new: Plain
    text: str
    actor_name: str
    at: str
