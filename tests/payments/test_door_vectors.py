"""Every WeChat Pay callback of the vectors folder but the foreign-currency one, through the service's own door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from services.payments import ledger
from services.payments.capturing import parts_of
from services.payments.commands import SendBack
from services.payments.ledger import Book
from services.payments.payment import Charge, Payment, Refund
from tests.payments import wechat_cases as samples
from tests.payments.conftest import OpenHouse
from tests.payments.house import Account, House
from tests.payments.till import NOW, ORDER, TERMS, names
from tests.payments.wechat_cases import AskedRefund, Case

CASES = [case for case in samples.callbacks() if case["id"] != "WX-CB-17"]
CAPTURED = ["payment.captured", "escrow.held"]
REFUND_SAYS = {
    "refund_success": ["refund.completed"],
    "refund_abnormal_manual": ["refund.stalled"],
    "refund_closed_new_out_refund_no": ["refund.stalled"],
}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
async def test_a_callback_is_answered_stored_and_applied_as_the_sample_says(case: Case, open_house: OpenHouse) -> None:
    house = await prepared(open_house, case)

    if (first := samples.before(case)) is not None:
        assert (await send(house, first)).status_code == 204
    answer = await send(house, case)

    match case["expect"].split(":"):
        case ["accept", refund]:
            await taken(house, answer, REFUND_SAYS[refund])
        case ["accept" | "duplicate" | "unknown_serial", *_]:
            await taken(house, answer, CAPTURED)
        case ["reject", "amount_mismatch"]:
            await taken(house, answer, ["payment.mismatched"])
            assert await money(house) == {"clearing/wechat": "stray", f"unallocated/{ORDER}": "stray"}
        case ["reject", reason]:
            await refused(house, answer, 500 if reason == "decrypt_failed" else 401)
        case other:
            pytest.fail(f"no verdict for {other}")


async def prepared(open_house: OpenHouse, case: Case) -> House:
    """The clock of the case, an empty store but for the attempt, and a provider that hands out its certificates."""
    house = await open_house(account())
    house.clock.skip(samples.now(case) - house.clock.now())
    [certificates] = samples.of_kind("certificates")
    house.answer_with(lambda _: httpx.Response(200, headers=certificates["headers"], text=certificates["body"]))
    for attempt in samples.attempts(case):
        asked = [asked_back(refund) for refund in samples.refunds(case)]
        await house.preload(attempt.out_trade_no, attempt.amount, *asked)
    return house


def account() -> Account:
    """The account of the vectors: both modes at once, the present certificate pinned, the next one not."""
    told, ours = samples.config(), samples.merchant()
    present = (samples.folder() / "test_only_keys/wechat_platform_cert.pem").read_bytes()
    return Account(
        ours.appid, ours.mchid, ours.serial_no, ours.key, told["apiv3_key"], told["apiv2_key"], (present,),
        told["public_key_id"], samples.public_key(),
    )  # fmt: skip


def asked_back(asked: AskedRefund) -> Callable[[Payment], Payment]:
    """The attempt is paid, and this refund of it is on its way."""

    def change(payment: Payment) -> Payment:
        charge = Charge("T-1", 1, asked.out_trade_no, asked.total, NOW, "held")
        task = SendBack(ORDER, asked.out_trade_no, asked.out_refund_no, "T-1", asked.amount, asked.total, "")
        book = Book.opened(TERMS.parties(ORDER), TERMS.terms, asked.total.currency)
        held = ledger.capture_and_hold(book, "J-1", parts_of(asked.total, None)).book
        return replace(payment, charges=(charge,), refunds=(Refund("R-1", task, NOW),), book=held)

    return change


async def send(house: House, case: Case) -> httpx.Response:
    return await house.told(case["headers"], case["body"].encode())


async def taken(house: House, answer: httpx.Response, says: list[str]) -> None:
    assert (answer.status_code, answer.content) == (204, b"")
    assert names(await house.spoken()) == says
    assert await house.receipts() == ["accepted"]


async def refused(house: House, answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.json()["code"] == "FAIL"
    assert await house.spoken() == []
    assert await house.receipts() == []


async def money(house: House) -> dict[str, str]:
    return {row["account"]: row["what"] for row in await house.rows("SELECT account, what FROM postings")}
