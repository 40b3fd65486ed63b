"""Where buyers pay: whichever provider gave the code."""

from __future__ import annotations

from deploy.world.alipay import CODE, Alipay
from deploy.world.people import Buyer
from deploy.world.wechat import WeChat


class Tills:
    def __init__(self, wechat: WeChat, alipay: Alipay) -> None:
        self._wechat, self._alipay = wechat, alipay

    def _of(self, code: str) -> WeChat | Alipay:
        return self._alipay if code.startswith(CODE) else self._wechat

    def pay(self, code: str, payer: Buyer, *, short_by: int = 0) -> str:
        """ "paid", or why not."""
        return self._of(code).pay(code, payer, short_by=short_by)

    def charge_again(self, code: str, payer: Buyer) -> None:
        self._of(code).charge_again(code, payer)
