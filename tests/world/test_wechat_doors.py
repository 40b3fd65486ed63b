"""WeChat Pay at its doors: what a merchant may ask twice, and what it may not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.world import rsa, times, wechat_v2, wechat_wire
from deploy.world.app import World
from deploy.world.keys import Keys
from deploy.world.people import buyer
from tests.world.conftest import NOWHERE


class Merchant:
    """Signs as a merchant does; the answer is the status and the code or the body."""

    def __init__(self, doors: httpx.AsyncClient, keys: Keys, secrets: Path) -> None:
        self._doors, self.keys = doors, keys
        self._key = rsa.load_private(secrets / "wechat/merchant.key.pem")

    async def ask(self, method: str, target: str, body: Any = None) -> httpx.Response:
        raw = b"" if body is None else json.dumps(body).encode()
        epoch, nonce = str(times.epoch()), "N" * 32
        signature = rsa.sign_sha256(self._key, wechat_wire.request_text(method, target, epoch, nonce, raw))
        fields = {"mchid": self.keys.mchid, "nonce_str": nonce, "signature": signature, "timestamp": epoch}
        pairs = {**fields, "serial_no": self.keys.merchant_serial}.items()
        header = f"{wechat_wire.SCHEME} " + ",".join(f'{name}="{value}"' for name, value in pairs)
        return await self._doors.request(method, target, content=raw, headers={"Authorization": header})

    async def native(self, total: int = 12900) -> httpx.Response:
        body = {
            "appid": self.keys.appid,
            "mchid": self.keys.mchid,
            "description": "x",
            "out_trade_no": "TC000001A1",
            "notify_url": f"{NOWHERE}/wx",
            "amount": {"total": total, "currency": "CNY"},
        }
        return await self.ask("POST", "/v3/pay/transactions/native", body)

    async def refund(self, amount: int, number: str = "R1") -> httpx.Response:
        money = {"refund": amount, "total": 12900, "currency": "CNY"}
        body = {"out_trade_no": "TC000001A1", "out_refund_no": number, "amount": money}
        return await self.ask("POST", "/v3/refund/domestic/refunds", body)

    async def close(self) -> httpx.Response:
        return await self.ask("POST", "/v3/pay/transactions/out-trade-no/TC000001A1/close", {"mchid": self.keys.mchid})

    async def state(self) -> str:
        target = f"/v3/pay/transactions/out-trade-no/TC000001A1?mchid={self.keys.mchid}"
        return str((await self.ask("GET", target)).json()["trade_state"])

    async def declare(self, door: str = "declareorder", **more: str) -> dict[str, str]:
        who = {"appid": self.keys.appid, "mch_id": self.keys.mchid}
        fields = {**who, "out_trade_no": "TC000001A1", "customs": "GUANGZHOU_ZS", **more}
        body = wechat_v2.build(fields, self.keys.api_v2)
        answer = wechat_v2.parse((await self._doors.post(f"/cgi-bin/mch/customs/custom{door}", content=body)).content)
        assert answer is not None
        assert wechat_v2.verifies(answer, self.keys.api_v2)
        return answer


@pytest.fixture
def merchant(doors: httpx.AsyncClient, keys: Keys, secrets: Path) -> Merchant:
    return Merchant(doors, keys, secrets)


async def test_the_same_order_twice_is_one_qr_and_another_amount_is_refused(merchant: Merchant) -> None:
    first, second, other = await merchant.native(), await merchant.native(), await merchant.native(1)

    assert first.json()["code_url"] == second.json()["code_url"]
    assert (other.status_code, other.json()["code"]) == (403, "OUT_TRADE_NO_USED")


async def test_an_answer_is_signed_over_its_bytes(merchant: Merchant, keys: Keys) -> None:
    answer = await merchant.native()
    head = f"{answer.headers['wechatpay-timestamp']}\n{answer.headers['wechatpay-nonce']}\n"
    text = head.encode() + answer.content + b"\n"

    assert answer.headers["wechatpay-signature"] == rsa.sign_sha256(keys.platform, text)


async def test_a_closed_order_cannot_be_paid_and_a_paid_one_not_closed(merchant: Merchant, world: World) -> None:
    code_url = (await merchant.native()).json()["code_url"]

    assert world.wechat.pay(code_url, buyer(1)) == "paid"
    assert world.wechat.pay(code_url, buyer(1)) == "already paid"
    assert (await merchant.close()).json()["code"] == "ORDER_PAID"
    assert await merchant.state() == "SUCCESS"


async def test_closing_twice_is_one_closing(merchant: Merchant, world: World) -> None:
    code_url = (await merchant.native()).json()["code_url"]

    assert [(await merchant.close()).status_code for _ in range(2)] == [204, 204]
    assert (world.wechat.pay(code_url, buyer(1)), await merchant.state()) == ("closed", "CLOSED")


async def test_refunds_never_exceed_the_charge_and_a_number_is_one_refund(merchant: Merchant, world: World) -> None:
    world.wechat.pay((await merchant.native()).json()["code_url"], buyer(1))
    asked = [(9000, "R1"), (9000, "R1"), (8000, "R1"), (4000, "R2")]
    answers = [await merchant.refund(amount, number) for amount, number in asked]

    assert [answer.status_code for answer in answers] == [200, 200, 400, 400]
    assert answers[0].json()["refund_id"] == answers[1].json()["refund_id"]
    assert await merchant.state() == "REFUND"


async def test_a_refund_of_what_nobody_paid_is_not_found(merchant: Merchant) -> None:
    await merchant.native()

    assert (await merchant.refund(1)).json()["code"] == "RESOURCE_NOT_EXISTS"


async def test_a_payment_is_declared_with_the_payers_identity(merchant: Merchant, world: World) -> None:
    world.wechat.pay((await merchant.native()).json()["code_url"], buyer(1))
    number = world.wechat.trades["TC000001A1"].charges[0].transaction_id
    person = {"cert_id": buyer(1).id_number, "name": buyer(1).name}
    wish = {"transaction_id": number, "mch_customs_no": "3599TEST01", **person}

    first, again = await merchant.declare(**wish), await merchant.declare(**wish)
    other = await merchant.declare(**{**wish, "name": "别人"})
    await world.core.sender.settle()
    later = await merchant.declare("declarequery")

    assert (first["state"], first["cert_check_result"], again["transaction_id"]) == ("UNDECLARED", "SAME", number)
    assert other["result_code"] == "FAIL"
    assert (later["state_0"], later["order_fee_0"]) == ("SUCCESS", "12900")


async def test_a_request_that_is_not_signed_is_refused_and_noted(doors: httpx.AsyncClient, world: World) -> None:
    answer = await doors.post("/v3/pay/transactions/native", content=b"{}")

    assert (answer.status_code, answer.json()["code"]) == (401, "SIGN_ERROR")
    assert [call["partner"] for call in world.core.books.refused_calls] == ["wechat"]
