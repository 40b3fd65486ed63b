"""Where payments is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from services.payments import api, webhooks
from services.payments.app_accounts import alipay, wechat
from services.payments.calls import Counter, Desk, calls
from services.payments.policy import policy_of, providers_of
from services.payments.process import make_process
from services.payments.providers.alipay.client import Alipay
from services.payments.providers.wechat.client import WeChatPay
from services.payments.settings import PaymentsSettings
from services.payments.tables import TABLES
from services.payments.webhooks import ProviderDoor
from shared.errors import BadInput
from shared.http.aliases import Aliases
from shared.service import Parts, Resources, Service


def build(resources: Resources, settings: PaymentsSettings) -> Service:
    """With every provider that a shop of the profile collects through, and no other."""
    counters = {name: _counter(name, resources, settings) for name in providers_of(resources.corridor)}
    process = make_process(policy_of(resources.corridor, settings.time_scale))
    service = Service(resources, Parts(process, TABLES, calls(Desk(resources, counters))))
    aliases = Aliases(resources.read)
    for name, counter in counters.items():
        door = ProviderDoor(MANNERS[name], counter.provider, aliases, resources.columns)
        service.reception.add(service.router, door)
    service.router.include_router(api.router(service))
    return service


def _wechat(resources: Resources, settings: PaymentsSettings) -> Counter:
    merchant, ring = wechat(settings.secrets / "wechat", settings.wechat_platform_key)
    resources.http.base_url = settings.provider_url  # the other provider's calls name their whole URL
    provider = WeChatPay(
        resources.http, merchant, ring, now=resources.clock.now, platform_key=settings.wechat_platform_key
    )
    pay, refund = settings.door(webhooks.WECHAT_NOTIFY), settings.door(webhooks.WECHAT_REFUND_NOTIFY)
    return Counter(provider, pay, refund, provider.refresh_keys)


def _alipay(resources: Resources, settings: PaymentsSettings) -> Counter:
    account, trust = alipay(settings.secrets / "alipay")
    provider = Alipay(resources.http, settings.alipay_gateway, account, trust, now=resources.clock.now)
    return Counter(provider, settings.door(webhooks.ALIPAY_NOTIFY))


BUILDERS: Final[Mapping[str, Callable[[Resources, PaymentsSettings], Counter]]] = {
    "wechat": _wechat,
    "alipay": _alipay,
}
MANNERS: Final = {"wechat": webhooks.WECHAT, "alipay": webhooks.ALIPAY}


def _counter(name: str, resources: Resources, settings: PaymentsSettings) -> Counter:
    if name not in BUILDERS:
        raise BadInput(f"no adapter for payment provider {name!r}", where="shop.payment")
    return BUILDERS[name](resources, settings)
