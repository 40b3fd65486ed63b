"""Where customs is put together."""

from __future__ import annotations

from services.customs import api
from services.customs.calls import Desk, calls
from services.customs.policy import Policy
from services.customs.process import make_process
from services.customs.providers.ceb.client import CebWindow
from services.customs.providers.ceb.signature import RsaSha1Verifier
from services.customs.settings import CustomsSettings
from services.customs.tables import TABLES
from services.customs.webhooks import WindowDoor
from shared.corridor import Corridor
from shared.http.aliases import Aliases
from shared.service import Parts, Resources, Service


def build(resources: Resources, settings: CustomsSettings) -> Service:
    folder, aliases = settings.secrets / "customs", Aliases(resources.read)
    desk = Desk.load(folder, sign_envelopes=settings.sign_envelopes)
    window = CebWindow(resources.http, settings.window, settings.link, settings.window_taken)
    policy = policy_of(settings, resources.corridor)
    process = make_process(policy)
    service = Service(resources, Parts(process, TABLES, calls(resources, desk, window, aliases)))
    pinned = RsaSha1Verifier.pinned((folder / "window.cert.pem").read_bytes())
    service.reception.add(service.router, WindowDoor(aliases, (pinned,), desk.sender_id, resources.clock))
    service.router.include_router(api.router(service, policy))
    return service


def policy_of(settings: CustomsSettings, corridor: Corridor) -> Policy:
    return Policy(
        corridor=corridor,
        proofs=settings.met_needs,
        transport=settings.second_line_transport,
        wrapping=settings.wrapping,
        receipt_patience=settings.minutes("receipt_patience"),
        stored_patience=settings.minutes("stored_patience"),
        retry_pause=settings.minutes("retry_pause"),
        waybill_patience=settings.minutes("waybill_patience"),
        resends=settings.resends,
        time_scale=settings.time_scale,
    )
