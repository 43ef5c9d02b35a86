"""The order of cue numbers, scene numbers and decimals, as text that sorts the same byte by byte.

Knows how a numbering typed by people compares: the normal form (equal for what is the same number) and the sort key
(text whose BINARY order in SQLite is the natural order; two sort keys are equal exactly when the normal forms are).
Must not know values, fields or tables. Every function takes any text and never raises: what nobody would type still
has a place. The rules in words: docs/formats/values.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# Separators of a sort key, in ascending order and below every digit and letter: what ends earlier sorts earlier.
_TIE = " "  # then the exact form, where folding made two forms look alike
_PART = "!"  # then the next part of an outline
_TAIL = '"'  # then letters after a number, or a number after letters
_LOW = "#"  # stands for every character that would sort below it
_TEXT = "~"  # begins what does not begin with a number: after all numbers

_SIMPLE = re.compile(r"([0-9]+)(?:\.([0-9]+))?([A-Z]*)")
_NUMBER = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_WHOLE = re.compile(r"([0-9]+)()")
_ROMAN = re.compile(r"(?=[IVX])(X{0,3})(IX|IV|V?I{0,3})")
_DECIMAL = re.compile(r"(-?)([0-9]*)(?:\.([0-9]*))?")
_UNIT = {"": 0, "I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9}
_LOW_CHARACTERS = dict.fromkeys(range(35), _LOW)
_DIGITS_SHORT_MAX = 25
_LEADS = tuple(chr(0x40 + length) for length in range(_DIGITS_SHORT_MAX + 1))
# Reverses the order of what a positive number's key is made of.
_REVERSED = str.maketrans(
    "0123456789@ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "9876543210ZYXWVUTSRQPONMLKJIHGFEDCBA@",
)


def natural_key(text: str) -> str:
    """Returns the sort key of a cue number: 11.1 = 11.10 = 011.100 < 11.5 < 11.5A < 11.51 < 11.6 < 12 < PRE."""
    whole, dot, part = text.partition(".")
    # Nearly every cue number is digits or digits.digits; these two tests cost half of what the pattern does.
    if whole.isdecimal() and (part.isdecimal() or not dot) and text.isascii():
        return _number_key(whole, part)
    simple = _SIMPLE.fullmatch(text)
    if simple is not None:
        number, fraction, letters = simple.groups(default="")
        return f"{_number_key(number, fraction)}{_TAIL}{letters.lower()}"
    tokens = _tokens(text, _NUMBER)
    key = _tokens_key(tokens)
    if len(tokens) == 1 and tokens[0][0]:
        return key
    return f"{key}{_TIE}{_tokens_normal(tokens)}"


def natural_keys(texts: Sequence[str]) -> list[str]:
    """Returns `natural_key` of each; many whole numbers at once cost little."""
    joined = "".join(texts)
    if joined.isdecimal() and joined.isascii() and all(texts):
        digits = [text.lstrip("0") for text in texts]
        if max(map(len, digits)) <= _DIGITS_SHORT_MAX:
            return [_LEADS[len(one)] + one for one in digits]
    return list(map(natural_key, texts))


def natural_normal(text: str) -> str:
    """Returns the one form of all texts that are the same cue number: "011.100" gives "11.1", case is kept."""
    simple = _SIMPLE.fullmatch(text)
    if simple is not None:
        number, fraction, letters = simple.groups(default="")
        return _number_normal(number, fraction) + letters
    return _tokens_normal(_tokens(text, _NUMBER))


def outline_key(text: str) -> str:
    """Returns the sort key of a scene number, compared part by part: 1.9 < 1.9A < 1.10 < II.9A < Prologue."""
    parts = [_outline_part(part) for part in _outline_parts(text)]
    key = _PART.join(part_key for part_key, _, _ in parts)
    if all(exact for _, _, exact in parts):
        return key
    return f"{key}{_TIE}{'.'.join(normal for _, normal, _ in parts)}"


def outline_normal(text: str) -> str:
    """Returns the one form of all texts that are the same scene number: "01.09a" gives "1.9a"; 1.1 and 1.10 differ."""
    return ".".join(_outline_part(part)[1] for part in _outline_parts(text))


def decimal_key(text: str) -> str | None:
    """Returns the sort key of a decimal by its value, or None where the text is no decimal."""
    found = _decimal(text)
    if found is None:
        return None
    negative, number, fraction = found
    key = _number_key(number, fraction)
    return f"0{key.translate(_REVERSED)}~" if negative else f"1{key}"


def decimal_normal(text: str) -> str:
    """Returns the one form of all decimals of the same value: "1.50" gives "1.5"; other text comes back as it is."""
    found = _decimal(text)
    if found is None:
        return text
    negative, number, fraction = found
    return ("-" if negative else "") + _number_normal(number, fraction)


def roman_number(text: str) -> int | None:
    """Returns what an upper-case roman numeral up to XXXIX counts, or None for anything else.

    L, C, D and M are left out: acts and parts never get that far, but scenes C and D exist.
    """
    found = _ROMAN.fullmatch(text)
    return None if found is None else 10 * len(found[1]) + _UNIT[found[2]]


def _number_key(number: str, fraction: str) -> str:
    """Returns the length of the whole part as a letter, its digits, then the fraction's digits."""
    digits = number.lstrip("0")
    length = len(digits)
    lead = _LEADS[length] if length <= _DIGITS_SHORT_MAX else f"Z{length:07d}"
    part = fraction.rstrip("0")
    return f"{lead}{digits}.{part}" if part else lead + digits


def _number_normal(number: str, fraction: str) -> str:
    part = fraction.rstrip("0")
    whole = number.lstrip("0") or "0"
    return f"{whole}.{part}" if part else whole


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _tokens(text: str, numbers: re.Pattern[str]) -> list[tuple[str, str, str]]:
    """Returns a text cut into (number, fraction, "") and ("", "", letters), in order; empty text gives nothing."""
    cleaned = _clean(text)
    if numbers is _NUMBER and cleaned[:1] == "." and cleaned[1:2].isdecimal() and cleaned[1:2].isascii():
        cleaned = "0" + cleaned
    tokens: list[tuple[str, str, str]] = []
    end = 0
    for found in numbers.finditer(cleaned):
        if found.start() > end:
            tokens.append(("", "", cleaned[end : found.start()]))
        tokens.append((found[1], found[2] or "", ""))
        end = found.end()
    if end < len(cleaned):
        tokens.append(("", "", cleaned[end:]))
    return tokens


def _tokens_key(tokens: list[tuple[str, str, str]]) -> str:
    key = _TAIL.join(
        _number_key(number, fraction) if number else letters.casefold().translate(_LOW_CHARACTERS)
        for number, fraction, letters in tokens
    )
    return key if tokens and tokens[0][0] else _TEXT + key


def _tokens_normal(tokens: list[tuple[str, str, str]]) -> str:
    return "".join(_number_normal(number, fraction) if number else letters for number, fraction, letters in tokens)


def _outline_parts(text: str) -> list[str]:
    return [part.strip() for part in _clean(text).split(".")]


def _outline_part(part: str) -> tuple[str, str, bool]:
    """Returns the key and the normal form of one part, and whether the key alone says the form."""
    roman = roman_number(part)
    if roman is not None:
        return _number_key(str(roman), ""), part, False
    tokens = _tokens(part, _WHOLE)
    exact = bool(tokens) and bool(tokens[0][0]) and (len(tokens) == 1 or _is_plain(tokens[1:]))
    return _tokens_key(tokens), _tokens_normal(tokens), exact


def _is_plain(tail: list[tuple[str, str, str]]) -> bool:
    letters = tail[0][2]
    return len(tail) == 1 and letters.isascii() and letters.isalpha() and letters.isupper()


def _decimal(text: str) -> tuple[bool, str, str] | None:
    found = _DECIMAL.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        return None
    fraction = (found[3] or "").rstrip("0")
    number = found[2].lstrip("0")
    return bool(found[1]) and bool(number or fraction), number, fraction
