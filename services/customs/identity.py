"""Persons in documents: how numbers, names and phones are normalised, what is masked."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# A bullet between letters is the dot of a transliterated name; at an end, or two of them, it hides something.
_MASK: Final = re.compile(r"[*＊﹡✱]|[•●]{2}|^[•●]|[•●]$")
_DOTS: Final = str.maketrans(dict.fromkeys("•・‧∙⋅●．", "·"))  # the dot of transliterated names, as keyboards give it
_PHONE_NOISE: Final = re.compile(r"[\s\-()（）.]")


def normal_id(number: str) -> str:
    """No blanks, full-width digits made plain, upper-case X."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", number)).upper()


def normal_text(text: str) -> str:
    """How documents are compared: NFC and no outer white space, nothing else (project rule; case counts)."""
    return unicodedata.normalize("NFC", text).strip()


def normal_name(name: str) -> str:
    """A name as we declare it: NFC, single blanks, the middle dot of transliterated names as U+00B7."""
    composed = " ".join(unicodedata.normalize("NFC", name).split())
    return composed if is_masked(composed) else composed.translate(_DOTS)


def normal_phone(phone: str) -> str:
    """Digits only, without China's country code: +86 138-0000-0001 is 13800000001."""
    digits = _PHONE_NOISE.sub("", unicodedata.normalize("NFKC", phone))
    for prefix in ("+86", "0086"):
        if digits.startswith(prefix):
            return digits[len(prefix) :]
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits


def is_masked(text: str) -> bool:
    """A channel hid part of it (张*, 138****0001): it can be compared with nothing."""
    return _MASK.search(text.strip()) is not None


def mask_name(name: str) -> str:
    return name[:1] + "*" * max(len(name) - 1, 1) if name else ""


def mask_number(number: str) -> str:
    """First and last two of an ID or a phone; short ones are hidden whole."""
    return number[:2] + "*" * (len(number) - 4) + number[-2:] if len(number) > 7 else "*" * len(number)


def mask_address(address: str) -> str:
    """Province and city are about the first six characters; the rest is the person's."""
    return address[:6] + "***" if len(address) > 6 else "***"
