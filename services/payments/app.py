"""Where payments is put together."""

from __future__ import annotations

from services.payments import api
from services.payments.app_account import merchant, pinned
from services.payments.calls import Desk, calls
from services.payments.policy import policy_of
from services.payments.process import make_process
from services.payments.providers.wechat.client import WeChatPay
from services.payments.settings import PaymentsSettings
from services.payments.tables import TABLES
from services.payments.webhooks import NOTIFY, REFUND_NOTIFY, WeChatDoor
from shared.http.aliases import Aliases
from shared.service import Parts, Resources, Service


def build(resources: Resources, settings: PaymentsSettings) -> Service:
    secrets = settings.secrets / "wechat"
    resources.http.base_url = settings.provider_url  # this service calls nobody else
    provider = WeChatPay(
        resources.http,
        merchant(secrets),
        pinned(secrets, settings.wechat_platform_key),
        now=resources.clock.now,
        platform_key=settings.wechat_platform_key,
    )
    desk = Desk(resources, provider, settings.door(NOTIFY), settings.door(REFUND_NOTIFY))
    process = make_process(policy_of(resources.corridor, settings.time_scale))
    service = Service(resources, Parts(process, TABLES, calls(desk)))
    service.reception.add(service.router, WeChatDoor(provider, Aliases(resources.read), resources.columns))
    service.router.include_router(api.router(service))
    return service
