"""Whose a number is: what customs says, given to the orders that it is about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import select

from services.customs.commands import FormatRefused, Heard, Spoken
from services.customs.declaring import customs_name, inventory_name, message_name, order_name
from services.customs.documents import Kind, TaxBill, TaxBillChange
from services.customs.receipts import Receipt
from services.customs.tables import metadata
from shared.db.engine import ReadTx
from shared.errors import Unrecognised
from shared.flow.fold import TooEarly
from shared.flow.items import Poison
from shared.ids import OrderId

_ALIASES: Final = metadata.tables["aliases"]
REMEMBERED: Final = 50_000


class Names:
    """Which order a number of ours, or of customs', belongs to. A name never changes its order, so it is remembered."""

    def __init__(self, read: ReadTx) -> None:
        self._read = read
        self._known: dict[str, str] = {}

    async def of(self, names: Collection[str]) -> Mapping[str, str]:
        """Name → order id, for those that are known."""
        asked = [name for name in names if name not in self._known]
        if asked:
            self._remember(await self._look_up(asked))
        return {name: self._known[name] for name in names if name in self._known}

    async def _look_up(self, names: Sequence[str]) -> Mapping[str, str]:
        async with self._read.begin() as tx:
            rows = await tx.execute(select(_ALIASES.c.name, _ALIASES.c.lane).where(_ALIASES.c.name.in_(names)))
            return {row.name: row.lane for row in rows}

    def _remember(self, found: Mapping[str, str]) -> None:
        if len(self._known) > REMEMBERED:
            self._known.clear()
        self._known.update(found)


def name_of(word: Spoken) -> str:
    """The name under which its order is known here; empty for documents that are not ours to send."""
    match word:
        case Receipt(kind=Kind.INVENTORY, cop_no=str(number)):
            return inventory_name(number)
        case Receipt(kind=Kind.ORDER, ebp_code=str(platform), order_no=str(number)):
            return order_name(platform, number)
        case FormatRefused(message_id=message_id):
            return message_name(message_id)
        case TaxBill(invt_no=number) | TaxBillChange(invt_no=number):
            return customs_name(number)
        case _:
            return ""


async def attributed(names: Names, words: Sequence[Spoken]) -> Heard | Poison:
    """Each word to its order. What nobody knows yet waits by itself; alone, the whole delivery does."""
    named = [(name_of(word), word) for word in words]
    known: Mapping[str, str] = await names.of([name for name, _ in named if name])
    parts = tuple((OrderId(known[name]), word) for name, word in named if name in known)
    if parts:
        return Heard(parts, tuple(word for name, word in named if name not in known and isinstance(word, Receipt)))
    if not any(name for name, _ in named):
        return Poison(Unrecognised("receipt of a document that we do not send", type(words[0]).__name__))
    return Poison(TooEarly("nobody here knows these numbers yet", where=named[0][0]))
