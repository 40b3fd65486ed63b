"""Numbers as people type them: with spaces, without hyphens, or only the last characters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from shared.ids import short

SHORTEST: Final = 4
_NOISE: Final = re.compile(r"[\s#\-–_.]+")
_TAIL: Final = "~"


def plain(text: str) -> str:
    """Upper case, without what people add or leave out."""
    return _NOISE.sub("", text).upper()[:64]


def public_code(order_id: str) -> str:
    """What people say on the telephone instead of the order's id; made from it, so it needs no register."""
    code = short(8, "public", order_id)
    return f"CR-{code[:4]}-{code[4:]}"


def index_words(ids: Iterable[str]) -> list[str]:
    """What the index holds of these numbers: each whole, and its last four characters marked as such."""
    whole = list(dict.fromkeys(word for word in map(plain, ids) if word))
    tails = dict.fromkeys(_TAIL + word[-SHORTEST:] for word in whole if len(word) > SHORTEST)
    return [*whole, *tails]


def question_words(text: str) -> tuple[str, str]:
    """The words under which a number may stand in the index: whole, and by its tail. What is too short to be a tail
    is asked for whole twice; both are empty for nothing at all."""
    word = plain(text)
    return (word, _TAIL + word[-SHORTEST:] if len(word) >= SHORTEST else word)


def answers(text: str, ids: Iterable[str]) -> bool:
    """Whether one of these numbers is, or ends with, what was asked for; less than four characters must be all."""
    word = plain(text)
    if len(word) < SHORTEST:
        return bool(word) and word in map(plain, ids)
    return any(plain(known).endswith(word) for known in ids)
