"""What the tower itself has set aside: facts that it could not read."""

from __future__ import annotations

from datetime import datetime

from services.tower.attention import Attended, told
from shared.db.engine import ReadTx
from shared.http.operations import set_aside


async def own(read: ReadTx, now: datetime) -> Attended:
    return told(await set_aside(read, "tower", now))
