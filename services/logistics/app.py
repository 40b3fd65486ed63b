"""Where logistics is put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from services.logistics import api
from services.logistics.calls import calls
from services.logistics.policy import policy_of
from services.logistics.process import make_process
from services.logistics.promises import Promises
from services.logistics.providers.cainiao.client import Cainiao
from services.logistics.providers.cainiao.link import LinkSettings
from services.logistics.providers.seventeentrack.client import SeventeenTrack
from services.logistics.providers.warehouse.client import PartnerWarehouse
from services.logistics.settings import LogisticsSettings
from services.logistics.tables import TABLES
from services.logistics.webhooks import CAINIAO, SEVENTEENTRACK, CainiaoDoor, SeventeenTrackDoor, WarehouseDoor
from shared.http.aliases import Aliases
from shared.http.signatures import Secret, standard_secret
from shared.service import Parts, Resources, Service


def build(resources: Resources, settings: LogisticsSettings) -> Service:
    names = _link(settings)
    link_secrets = _secrets(settings.secrets / "cainiao" / "app_secret", Secret.of_text)
    warehouse_secrets = _secrets(settings.secrets / "warehouse" / "secret", standard_secret)
    tracking_keys = _secrets(settings.secrets / "17track" / "api_key", Secret.of_text)
    carriers = {CAINIAO: Cainiao(resources.http, settings.cainiao_gateway, link_secrets[0], names)}
    gateway, carrier = settings.seventeentrack_gateway, settings.seventeentrack_carrier
    trackers = {SEVENTEENTRACK: SeventeenTrack(resources.http, gateway, tracking_keys[0], carrier)}
    warehouse = PartnerWarehouse(resources.http, settings.warehouse_gateway, warehouse_secrets, resources.clock)

    policy = policy_of(
        resources.corridor, carriers.keys(), time_scale=settings.time_scale, watched=settings.watch_parcels
    )
    process = make_process(policy)
    service = Service(resources, Parts(process, TABLES, calls(carriers, trackers, warehouse, resources.facts)))
    aliases = Aliases(resources.read)
    service.reception.add(service.router, CainiaoDoor(aliases, link_secrets, names))
    service.reception.add(service.router, SeventeenTrackDoor(aliases, tracking_keys))
    service.reception.add(service.router, WarehouseDoor(aliases, warehouse_secrets))
    service.router.include_router(api.router(service, Promises(resources.corridor, settings.time_scale)))
    return service


def _link(settings: LogisticsSettings) -> LinkSettings:
    return LinkSettings(
        provider_id=(settings.secrets / "cainiao" / "partner_code.txt").read_text("utf-8").strip(),
        to_code=settings.cainiao_to_code,
        event_callback=settings.cainiao_event_callback,
        trace_push=settings.cainiao_trace_push,
        document_answer=settings.cainiao_document_answer,
        book=settings.cainiao_book,
        void=settings.cainiao_void,
        intercept=settings.cainiao_intercept,
        encoding=settings.cainiao_encoding,
    )


def _secrets(stem: Path, read: Callable[[str, str], Secret]) -> Sequence[Secret]:
    """The current secret, and while keys rotate the previous one beside it (`<name>.previous.txt`): both verify."""
    current = read("current", stem.with_suffix(".txt").read_text("utf-8").strip())
    previous = stem.with_suffix(".previous.txt")
    return (current, read("previous", previous.read_text("utf-8").strip())) if previous.exists() else (current,)
