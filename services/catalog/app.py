"""Where catalog is put together."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.catalog import api
from services.catalog.commands import Expiry, Wanted
from services.catalog.process import make_process
from services.catalog.reserving import EXPIRY, RETRY, Policy
from services.catalog.seed import read_seed
from services.catalog.settings import CatalogSettings
from services.catalog.tables import TABLES
from shared.flow.decision import Reply
from shared.flow.work import Call
from shared.http.app import Incoming
from shared.service import Parts, Resources, Service


def build(resources: Resources, settings: CatalogSettings) -> Service:
    policy = Policy(
        reservation_window=settings.reservation_window,
        retry_after=timedelta(minutes=settings.shortage_retry_minutes),
        shelf_life=timedelta(days=settings.shelf_life_days),
        bonded=frozenset(warehouse.id for warehouse in resources.corridor.warehouse if warehouse.ems_no),
        time_scale=settings.time_scale,
    )
    calls = {EXPIRY: Call(Expiry), RETRY: Call(Wanted)}

    async def first() -> None:
        """Begin with the seed's products and stock; each entry is taken once, however often the service starts."""
        if settings.seed is None:
            return
        text = await asyncio.to_thread(settings.seed.read_text, "utf-8")
        now = resources.clock.now()
        items = [
            service.reception.item("seed", Incoming(key, content, Reply(202)), b"", now)
            for key, content in read_seed(text, now.date())
        ]
        runner = service.runner("seed")
        await runner.run("receipts", items)
        runner.drop()

    service = Service(resources, Parts(make_process(policy), TABLES, calls, first))
    service.router.include_router(api.router(service))
    return service
