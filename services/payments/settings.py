"""What payments is told at start."""

from __future__ import annotations

from shared.settings import Settings


class PaymentsSettings(Settings):
    """`wechat_url` is that provider's host (https://api.mch.weixin.qq.com), `alipay_url` the other one's gateway
    (https://openapi.alipay.com/gateway.do); empty: the partners' double at `world_url`.

    `public_url` is where the provider reaches us: https in life, without a query string.
    """

    world_url: str = "http://127.0.0.1:9100"
    wechat_url: str = ""
    alipay_url: str = ""
    public_url: str = ""
    wechat_platform_key: str = ""
    """PUB_KEY_ID_… where the account is in the public key mode: its answers are asked for under that key."""

    @property
    def provider_url(self) -> str:
        return self.wechat_url or self.world_url

    @property
    def alipay_gateway(self) -> str:
        return self.alipay_url or f"{self.world_url.rstrip('/')}/gateway.do"

    def door(self, path: str) -> str:
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/") + path
