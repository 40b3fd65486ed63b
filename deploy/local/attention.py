"""What every service of this process has set aside for a person, for the tower's pages: the same as each would answer
over HTTP, asked directly."""

from __future__ import annotations

from collections.abc import Sequence

from services.tower.attention import Attended, Attention, told
from shared.http.operations import set_aside
from shared.service import Service


def reader(services: Sequence[Service]) -> Attention:
    async def attention(_: str) -> Attended:
        found = Attended()
        for service in services:
            resources = service.resources
            found += told(await set_aside(resources.read, service.name, resources.clock.now()))
        return found

    return attention
