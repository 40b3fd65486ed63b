"""Quarantined receipts whose cause may have come: read again, as their door read them the first time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from shared.db.engine import Database
from shared.errors import Transient
from shared.flow.fold import RETRY_RECEIPT, RetryReceipt, TooEarly
from shared.flow.items import Leased, Poison
from shared.flow.work import Call, Redo
from shared.http.app import Inbound, Reception

RETRIES: Final = (5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 180.0)  # seconds; about seven minutes

_RECEIPT: Final = "SELECT door, received_at, headers, body FROM receipts WHERE id = $1"


class StillEarly(Transient):
    """What the receipt names is not known yet."""

    code = "flow.early"


def receipt_call(database: Database, reception: Reception) -> Mapping[str, Call]:
    """The work that reads a quarantined receipt again, as its door read it the first time."""

    async def again(leased: Leased) -> object:
        task = leased.task
        assert isinstance(task, RetryReceipt)
        async with database.connected(role="receipt") as connection:
            row = await connection.fetchrow(_RECEIPT, task.receipt_id)
            assert row is not None
            body = reception.columns.open_bytes(row["body"], place=f"receipts/{task.receipt_id}")
            kept = json.loads(row["headers"])
            path = {name.removeprefix(":path."): value for name, value in kept.items() if name.startswith(":path.")}
            inbound = Inbound(kept, body, path, kept.get(":query", ""))
            incoming = await reception.doors[row["door"]].read(inbound, row["received_at"])
            if isinstance(incoming.content, Poison):
                if isinstance(incoming.content.failure, TooEarly):
                    raise StillEarly(str(incoming.content.failure))
                raise incoming.content.failure
        return Redo(incoming.content)

    return {RETRY_RECEIPT: Call(RetryReceipt, again, unknown="resend", backoff=RETRIES)}
