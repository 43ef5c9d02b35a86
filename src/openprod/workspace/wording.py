"""The sentences people read about changes and questions.

Knows words. Must not know where facts come from: titles, names and values come in as arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from openprod.model.values import BlobRef, Date, DateTime, Decimal, Duration, ListValue, Natural, Outline, Time, Value

_SECOND_US = 1_000_000
VALUE_CHARACTERS_MAX = 60


class Words(str):
    """What stands for a value in a sentence as it is, without quotation marks: a record's title."""

    __slots__ = ()


# What follows "taken from Jane Doe's phone" by where the reference leads.
AWAY: Mapping[str, str] = {
    "ok": "",
    "deleted": ", which is deleted",
    "circular": ", which is taken from this field in the end",
    "broken": ", which is not here",
}


def value_text(value: Value) -> str:
    """Returns a value as it stands in a sentence: 18:00, "Dawn", yes, cleared."""
    match value:
        case None:
            return "cleared"
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return str(value)
        case Words():
            return str(value)
        case str():
            return f'"{shortened(value)}"'
        case Natural() | Outline() | Decimal() | Time():
            return value.text
        case Date():
            return value.iso
        case DateTime():
            return value.local.replace("T", " ") + (f" {value.zone}" if value.zone else "")
        case Duration():
            return duration_text(value.us)
        case ListValue():
            return shortened(", ".join(value_text(item) for item in value.items))
        case BlobRef():
            return f"{shortened(value.name)} ({size_text(value.size)})"
        case _:
            return "a record"


def size_text(size: int) -> str:
    """Returns a size in bytes as people read it: 900 bytes, 2.1 MB."""
    if size < 1_000:
        return f"{size} bytes"
    power = next((power for power in (1, 2) if size < 999.5 * 1_000**power), 3)
    number, unit = size / 1_000**power, ("kB", "MB", "GB")[power - 1]
    return f"{number:.1f} {unit}" if number < 10 else f"{number:.0f} {unit}"


def issue_text(number: int) -> str:
    """Returns which issue of a draft a file is: 4th issue."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending} issue"


def files_notice(names: Sequence[str]) -> str:
    """Returns the sentence about files that records show and that are not on this device."""
    shown = [*names[:3], f"{len(names) - 3} more"] if len(names) > 4 else list(names)
    is_one = len(names) == 1
    return (
        f"{len(names)} {'file is' if is_one else 'files are'} not on this device: {joined(shown)}. Take"
        f" {'it' if is_one else 'them'} from a device or a stick that has {'it' if is_one else 'them'}: openprod blob"
        " take FOLDER"
    )


def duration_text(us: int) -> str:
    """Returns a duration in seconds, or in minutes and seconds from a minute on: 4.5 s, 1:30."""
    if us < 60 * _SECOND_US:
        whole, rest = divmod(us, _SECOND_US)
        return f"{whole}{f'.{rest:06d}'.rstrip('0') if rest else ''} s"
    minutes, rest = divmod(us, 60 * _SECOND_US)
    seconds = rest / _SECOND_US
    return f"{minutes}:{seconds:02.0f}" if rest % _SECOND_US == 0 else f"{minutes}:{seconds:05.2f}"


def shortened(text: str) -> str:
    """Returns a text cut to what a sentence bears, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= VALUE_CHARACTERS_MAX else f"{line[: VALUE_CHARACTERS_MAX - 1]}…"


def typed(title: str, label: str, letters: str, deleted: int) -> str:
    """Returns what somebody typed in a text: "Go" typed in LX 11's notes, 3 characters deleted."""
    gone = f"{deleted} character{'s' if deleted != 1 else ''} deleted" if deleted else ""
    if not letters:
        return f"{gone} in {possessive(title)} {label}"
    return f'"{shortened(letters)}" typed in {possessive(title)} {label}{f", {gone}" if gone else ""}'


def joined(parts: Sequence[str]) -> str:
    """Returns parts as people list them: a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def possessive(name: str) -> str:
    """Returns a name in the genitive: Jane Doe's."""
    return f"{name}'s"


def value_conflict(title: str, field: str, edits: Sequence[tuple[str, Value]]) -> str:
    """Returns the sentence for a field that holds several values; `edits` are (name, value)."""
    who = joined([f"{name} ({value_text(value)})" for name, value in edits])
    return f"{possessive(title)} {field_name(field)} was edited by {who} since last sync. Choose a value."


def decision_conflict(title: str, field: str, edits: Sequence[tuple[str, Value]]) -> str:
    """Returns the sentence for a question that people decided differently."""
    who = joined([f"{name} ({value_text(value)})" for name, value in edits])
    return f"{possessive(title)} {field_name(field)} was decided differently by {who}. Choose a value."


def late_conflict(title: str, field: str, edits: Sequence[tuple[str, Value]], decided: tuple[str, Value]) -> str:
    """Returns the sentence for a decided question that a later arrival opens again."""
    who = joined([f"{name} ({value_text(value)})" for name, value in edits])
    return (
        f"{possessive(title)} {field_name(field)} was decided by {decided[0]} ({value_text(decided[1])}), and edited by"
        f" {who} without knowing of it. Choose a value."
    )


def delete_conflict(title: str, deleted_by: Sequence[str], changed_by: Sequence[str]) -> str:
    """Returns the sentence for a record that one person deleted while another worked on it."""
    who = joined(deleted_by)
    others = f" and changed by {joined(changed_by)}" if changed_by else ""
    return f"{title} was deleted by {who}{others} since last sync. Keep it or delete it."


def field_name(title: str) -> str:
    """Returns a field's title as it stands inside a sentence: 'Call time' gives 'call time', 'DMX address' stays."""
    first = title.split(" ", 1)[0]
    return title if first.isupper() and len(first) > 1 else title[:1].lower() + title[1:]


def held_notice(name: str, days: float, count: int) -> str:
    """Returns the sentence for changes whose author's clock is ahead."""
    much = f"{days:.0f} days" if days >= 2 else f"{days * 24:.1f} hours"
    changes = "1 change" if count == 1 else f"{count} changes"
    return (
        f"{changes} by {name} {'is' if count == 1 else 'are'} held: that laptop's clock is {much} ahead. Set its clock"
        " right, or let in what you know to be right: openprod accept"
    )


def waiting_notice(name: str, count: int, missing: int) -> str:
    """Returns the sentence for changes that wait for others."""
    changes = "1 change" if count == 1 else f"{count} changes"
    others = "1 earlier one" if missing == 1 else f"{missing} earlier ones"
    return (
        f"{changes} by {name} {'waits' if count == 1 else 'wait'} for {others} that {'has' if missing == 1 else 'have'}"
        " not arrived here yet."
    )


def admission_notice(log: str, count: int) -> str:
    """Returns the sentence for changes by somebody who was not let in."""
    changes = "1 change" if count == 1 else f"{count} changes"
    return (
        f"{changes} by somebody who is not a member here yet {'waits' if count == 1 else 'wait'}: the invitation they"
        f" used is closed here. If you know who it is, let them in: openprod admit {log[:12]}"
    )


def unread_notice(count: int) -> str:
    """Returns the sentence for bundles this version does not understand."""
    changes = "1 change needs" if count == 1 else f"{count} changes need"
    return (
        f"{changes} a newer version of Openprod. {'It is' if count == 1 else 'They are'} kept and passed on; update to"
        f" see {'it' if count == 1 else 'them'}."
    )


def fork_notice(name: str, seq: int) -> str:
    """Returns the sentence for a log that two copies wrote on."""
    return (
        f"{possessive(name)} history splits at change {seq}: a copy or a restored backup of that laptop wrote too. Both"
        " sides are kept."
    )


def void_notice(name: str) -> str:
    """Returns the sentence for a write that claims to replace what its author cannot have seen."""
    return f"A change by {name} claims to replace something it cannot have known. It was not allowed to; both stand."


def automation_notice(name: str) -> str:
    """Returns the sentence for automation that tried to settle a question."""
    return (
        f"An automation set up by {name} tried to settle a question or to bring a record back. That takes a person;"
        " nothing was replaced."
    )


def late_notice(name: str, days: Sequence[int]) -> str:
    """Returns the sentence for one person's work that arrived so many days after it was made, a number a change."""
    least, most = min(days), max(days)
    made = f"{most} days" if least == most else f"{least} to {most} days"
    if len(days) == 1:
        return f"Work by {name} arrived late: it was made {made} before it came here."
    return f"Work by {name} arrived late: {len(days)} changes were made {made} before they came here."


def proposal_notice(count: int) -> str:
    """Returns the sentence about what somebody is asked for, which nothing waits for."""
    what = "1 proposal waits" if count == 1 else f"{count} proposals wait"
    return f"{what} for somebody's yes or no: openprod proposals"


def damaged_notice(count: int) -> str:
    """Returns the sentence about bundles whose stored bytes are damaged."""
    what = "1 bundle of changes is" if count == 1 else f"{count} bundles of changes are"
    return (
        f"{what} damaged on this disk and set aside. Sync with a device or a stick that has them, and they are mended."
    )


def link_notice(source: str, target: str, names: tuple[str, str], count: int) -> str:
    """Returns the sentence about records that others made and that a link has not put into its second table."""
    records = "1 record" if count == 1 else f"{count} records"
    return (
        f"{records} of {source} came from elsewhere and {'is' if count == 1 else 'are'} not in {target}, though the"
        f" tables are linked. To put {'it' if count == 1 else 'them'} there: openprod tables link {names[0]} {names[1]}"
    )
