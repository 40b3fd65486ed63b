"""Where the tower is put together."""

from __future__ import annotations

from datetime import timedelta

from services.tower import api, pages
from services.tower.attention import Attended, Attention, told
from services.tower.client import Colleagues
from services.tower.pages_frame import Frame
from services.tower.pages_session import Sessions
from services.tower.process import make_process
from services.tower.settings import TowerSettings
from services.tower.stages import Pace
from services.tower.tables import TABLES
from shared.corridor import Corridor
from shared.http.operations import set_aside
from shared.service import Parts, Resources, Service


def build(resources: Resources, settings: TowerSettings, attention: Attention | None = None) -> Service:
    """attention: what the other services have set aside. None: they are asked over HTTP, each for its own; the tower
    reads no database but its own."""
    ways = {flow.id: flow.kind for flow in resources.corridor.flow}
    service = Service(resources, Parts(make_process(ways), TABLES))

    colleagues = Colleagues(resources.http, settings.urls, settings.ask_seconds)
    others = attention or colleagues.set_aside

    async def everything(authorization: str) -> Attended:
        own = await set_aside(resources.read, "tower", resources.clock.now())
        return await others(authorization) + told(own)

    sessions = Sessions(resources.columns, settings.session, secure=settings.production)
    frame = Frame(service, settings, pace(resources.corridor, settings), everything, sessions, colleagues)
    service.router.include_router(api.router(frame))
    service.router.include_router(pages.router(frame))
    return service


def pace(corridor: Corridor, settings: TowerSettings) -> Pace:
    """The longest of the profile's promises decides when a parcel on its way is late."""
    promises = [
        timedelta(days=promise.due.get("days", 0), hours=promise.due.get("hours", 0)) for promise in corridor.promise
    ]
    return Pace.of(
        promise=max(promises, default=timedelta(days=12)), hold=settings.hold, time_scale=settings.time_scale
    )
