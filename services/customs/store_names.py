"""Whose a number is: what customs says, given to the orders that it is about."""

from __future__ import annotations

from collections.abc import Sequence

from services.customs.commands import FormatRefused, Heard, Spoken
from services.customs.declaring import customs_name, inventory_name, message_name, order_name
from services.customs.documents import Kind, TaxBill, TaxBillChange
from services.customs.receipts import Receipt
from shared.errors import Unrecognised
from shared.flow.fold import TooEarly
from shared.flow.items import Poison
from shared.http.aliases import Aliases
from shared.ids import OrderId


def name_of(word: Spoken) -> str:
    """The name under which its order is known here; empty for documents that are not ours to send."""
    match word:
        case Receipt(kind=Kind.INVENTORY | Kind.CANCELLATION | Kind.RETURN, cop_no=str(number)):
            return inventory_name(number)
        case Receipt(kind=Kind.ORDER, ebp_code=str(platform), order_no=str(number)):
            return order_name(platform, number)
        case FormatRefused(message_id=message_id):
            return message_name(message_id)
        case TaxBill(invt_no=number) | TaxBillChange(invt_no=number):
            return customs_name(number)
        case _:
            return ""


async def attributed(aliases: Aliases, words: Sequence[Spoken]) -> Heard | Poison:
    """Each word to its order. What nobody knows yet waits by itself; alone, the whole delivery does."""
    named = [(name_of(word), word) for word in words]
    known = await aliases.of([name for name, _ in named if name])
    parts = tuple((OrderId(known[name]), word) for name, word in named if name in known)
    if parts:
        return Heard(parts, tuple(word for name, word in named if name not in known and isinstance(word, Receipt)))
    if not any(name for name, _ in named):
        return Poison(Unrecognised("receipt of a document that we do not send", type(words[0]).__name__))
    return Poison(TooEarly("nobody here knows these numbers yet", where="numbers"))
