"""Numbers of freight and their check digits. Pure.

For routing and for flags, never for rejecting what a carrier sent: carriers do misprint numbers.
Sources: UPU S10, GS1 General Specifications, ISO 6346, IMO, IATA; read through our logistics reference (2026-03).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import cycle
from typing import Final

_S10: Final = re.compile(r"[A-Z]{2}[0-9]{9}[A-Z]{2}", re.ASCII)
_CONTAINER: Final = re.compile(r"[A-Z]{3}[UJZ][0-9]{7}", re.ASCII)
_IMO: Final = re.compile(r"[0-9]{7}", re.ASCII)
_AWB: Final = re.compile(r"[0-9]{11}", re.ASCII)
_SSCC: Final = re.compile(r"[0-9]{18}", re.ASCII)
_GLN: Final = re.compile(r"[0-9]{13}", re.ASCII)
_UNLOCODE: Final = re.compile(r"[A-Z]{2}[A-Z2-9]{3}", re.ASCII)

# ISO 6346: 10 upwards, leaving out multiples of 11.
_LETTERS: Final = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (n for n in range(10, 39) if n % 11), strict=True))


def normalised(value: str) -> str:
    """Upper case, without the blanks and hyphens that printed groups have."""
    return re.sub(r"[\s-]", "", value).upper()


def is_s10(value: str) -> bool:
    """Postal item: two letters, eight digits, check digit, country of the issuing post."""
    if not _S10.fullmatch(value):
        return False
    check = 11 - _weighed(value[2:10], (8, 6, 4, 2, 3, 5, 9, 7)) % 11
    return int(value[10]) == {10: 0, 11: 5}.get(check, check)


def is_sscc(value: str) -> bool:
    """Serial shipping container code; the barcode's application identifier 00 in front is taken off."""
    digits = value[2:] if len(value) == 20 and value.startswith("00") else value
    return _SSCC.fullmatch(digits) is not None and _gs1(digits)


def is_gln(value: str) -> bool:
    return _GLN.fullmatch(value) is not None and _gs1(value)


def is_container(value: str) -> bool:
    """Freight container: owner, category U, J or Z, serial, check digit."""
    if not _CONTAINER.fullmatch(value):
        return False
    worth = sum((_LETTERS.get(sign) or int(sign)) << place for place, sign in enumerate(value[:10]))
    return worth % 11 % 10 == int(value[10])


def is_imo(value: str) -> bool:
    """Vessel number, with or without its prefix."""
    digits = value.removeprefix("IMO")
    return _IMO.fullmatch(digits) is not None and _weighed(digits[:6], (7, 6, 5, 4, 3, 2)) % 10 == int(digits[6])


def is_awb(value: str) -> bool:
    """Air waybill: airline prefix, seven-digit serial, check digit = serial mod 7."""
    return _AWB.fullmatch(value) is not None and int(value[3:10]) % 7 == int(value[10])


def is_unlocode_syntax(value: str) -> bool:
    return _UNLOCODE.fullmatch(value) is not None


CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    "s10": is_s10,
    "sscc": is_sscc,
    "gln": is_gln,
    "container": is_container,
    "imo": is_imo,
    "awb": is_awb,
    "unlocode_syntax": is_unlocode_syntax,
}


def is_valid(kind: str, value: str) -> bool:
    """One of `CHECKS`, after normalising."""
    return CHECKS[kind](normalised(value))


def _weighed(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def _gs1(digits: str) -> bool:
    worth = sum(int(digit) * weight for digit, weight in zip(reversed(digits[:-1]), cycle((3, 1)), strict=False))
    return (10 - worth % 10) % 10 == int(digits[-1])
