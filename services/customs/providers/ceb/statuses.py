"""Return statuses and error codes in our words, from the code lists; an unknown positive code is never guessed.

Source: GACC edition 202205, tables of return statuses and of processing exceptions; the classes of the latter are ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from services.customs.codebook import rows
from services.customs.documents import Kind
from services.customs.receipts import Reading, Trouble, Word
from shared.errors import BadInput, Unrecognised

RECEIPT_OF: Final = {
    Kind.ORDER: "CEB312",
    Kind.PAYMENT: "CEB412",
    Kind.WAYBILL: "CEB512",
    Kind.WAYBILL_STATUS: "CEB514",
    Kind.INVENTORY: "CEB622",
    Kind.CANCELLATION: "CEB624",
    Kind.RETURN: "CEB626",
}

_WORDS: Final = {
    "1": Word.DRAFT,
    "2": Word.DECLARING,
    "3": Word.FORWARDED,
    "4": Word.SEND_FAILED,
    "100": Word.REJECTED,
    "120": Word.STORED,
    "300": Word.REVIEW,
    "399": Word.EXAMINED,
    "500": Word.INSPECTION,
    "501": Word.DETAINED,
    "502": Word.DETAINED,
    "503": Word.DETAINED,
    "599": Word.DETAINED,
    "700": Word.RETURNED_ABROAD,
    "800": Word.RELEASED,
    "899": Word.CLOSED,
}
_CODE: Final = re.compile(r"-?\d{1,9}", re.ASCII)
_BRACKETED: Final = re.compile(r"^\[Code:(\d+);Desc:(.*?)\]")


@cache
def _listed() -> frozenset[tuple[str, str]]:
    return frozenset((row["message"], row["return_status"]) for row in rows("ceb_return_status"))


@cache
def _classes() -> Mapping[str, Trouble]:
    return {row["code"]: Trouble(row["suggested_class"]) for row in rows("ceb_error_codes")}


def reading(kind: Kind, status: str) -> Reading:
    """What a return status says on a receipt of this kind.

    A negative code that is in no list is `manual` (-451 was seen and is in none); a positive one is Unrecognised.
    """
    if not _CODE.fullmatch(status):
        raise BadInput("not a return status", where="returnStatus")
    if status.startswith("-"):
        return _classes().get(status, Trouble.MANUAL)
    word = _WORDS.get(status)
    if word is None or (RECEIPT_OF[kind], status) not in _listed():
        raise Unrecognised(f"return status of {RECEIPT_OF[kind]}", status)
    return word


def platform_class(code: str) -> Trouble:
    """An exchange-platform code (0001 to 3999) of a DxpRep."""
    trouble = _classes().get(code)
    if trouble is None or code.startswith("-"):
        raise Unrecognised("exchange platform code", code)
    return trouble


def explained(info: str) -> tuple[str | None, str]:
    """Customs' inner code and text where `returnInfo` has them in brackets; for people, nothing depends on it."""
    found = _BRACKETED.match(info)
    return (found[1], found[2] + info[found.end() :]) if found else (None, info)
