"""QLab tables out: the columns that the scripts which fill a QLab workspace ask for.

Knows those columns and the numbers of the continue mode. Which field is which is said by `[import.qlab]`, backwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from openprod.exchange.csv import write_csv
from openprod.exchange.listing import Listing
from openprod.exchange.words import in_words, need

if TYPE_CHECKING:
    from openprod.workspace.view import View

MODES = {"none": "0", "auto-continue": "1", "auto-follow": "2"}
CONTINUE = "Continue Mode"
NEEDED = ("Number", "Type", "Name")
HEADER = (
    *NEEDED, "Notes", CONTINUE, "Color", "Target", "File Target", "Pre Wait", "Post Wait", "Duration", "Page",
)  # fmt: skip
ALSO = {"Name": ("label",), "Notes": ("note",), CONTINUE: ("continue_mode", "follow"), "Color": ("colour",)}
TYPE_MEANT = "audio"


def write(view: View, listing: Listing) -> bytes:
    """Returns a table for QLab; columns that nothing fills are left out, a cue without a type is an audio cue.

    Raises:
        NotInThisForm: no row has a number, or none a name.
    """
    rows = in_words(view, listing, "qlab", HEADER, ALSO)
    need(rows, listing, ("Number", "Name"), "a table for QLab")
    for row in rows:
        row["Type"] = row["Type"] or TYPE_MEANT
        row[CONTINUE] = MODES.get(row[CONTINUE], "0")
    header = [word for word in HEADER if word in NEEDED or any(row[word] for row in rows)]
    return write_csv(header, ([row[word] for word in header] for row in rows))
