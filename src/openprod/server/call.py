"""What a call is: its name, the types of what it takes and gives, and how its arguments are read.

The few types that most calls share are here too. Knows the JSON of arguments. Must not know any call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Generic, TypedDict, TypeVar

import msgspec
from msgspec import Meta, Struct

from openprod.model.errors import Missing, Refused

A = TypeVar("A", bound="Args")
S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)

IDS_MAX = 500

Given = dict[str, object]
Text = Annotated[str, Meta(max_length=65_536)]
Name = Annotated[str, Meta(min_length=1, max_length=1_024)]


class UnknownCall(Missing):
    """The page asked for a call this version does not have."""

    code = "server.unknown_call"

    def __init__(self, call: str) -> None:
        super().__init__(f"There is no call named {call[:80]!r}. Reload the page: it may be older than the program.")
        self.call = call


class BadArguments(Refused):
    """The page's arguments do not have the shape the call takes."""

    code = "server.bad_arguments"

    def __init__(self, call: str, why: str) -> None:
        super().__init__(
            f"The page asked for {call} in a way this version does not understand ({why}). Reload the page."
        )
        self.call = call
        self.why = why


class Args(Struct, frozen=True, forbid_unknown_fields=True):
    """Takes no arguments."""


class Done(TypedDict):
    """Nothing to say but that it is done."""

    done: bool


@dataclass(frozen=True, slots=True)
class Call(Generic[S_contra]):
    """One call: its name, the types of what it takes and gives, a sentence, and what it does with a page's seat."""

    name: str
    args: type[Args]
    gives: object
    about: str
    run: Callable[[S_contra, bytes | msgspec.Raw], object]


class Calls(Generic[S]):
    """Makes calls for seats of one kind, so that each reads its seat and its arguments with their types."""

    def __call__(self, name: str, args: type[A], gives: object, about: str, run: Callable[[S, A], object]) -> Call[S]:
        """Makes a call whose arguments are read and checked before it runs."""
        decoder = msgspec.json.Decoder(args)

        def decoded(seat: S, raw: bytes | msgspec.Raw) -> object:
            try:
                given = decoder.decode(raw)
            except (msgspec.ValidationError, msgspec.DecodeError, RecursionError) as error:
                raise BadArguments(name, str(error)) from error
            return run(seat, given)

        return Call(name, args, gives, about, decoded)
