"""Every Alipay notification of the vectors folder, through the service's own door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.payments import ledger
from services.payments.attempts import State
from services.payments.capturing import parts_of
from services.payments.commands import REFUND_CHECK, SendBack
from services.payments.ledger import Book
from services.payments.payment import Charge, Payment, Refund
from shared.money import Money
from tests.payments import alipay_cases as samples
from tests.payments.alipay_cases import Case
from tests.payments.alipay_provider import AlipayPeer
from tests.payments.conftest import OpenHouse
from tests.payments.house import House, account_of
from tests.payments.till import NOW, ORDER, TERMS, names
from tests.payments.wechat_provider import Provider

CASES = samples.notifications()
CAPTURED = ["payment.captured", "escrow.held"]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
async def test_a_notification_is_answered_stored_and_applied_as_the_sample_says(
    case: Case, open_house: OpenHouse, provider: Provider, vectors_alipay: AlipayPeer
) -> None:
    house = await prepared(open_house, provider, case)

    if (first := samples.before(case)) is not None:
        assert (await send(house, first)).content == b"success"
    answer = await send(house, case)

    match case["expect"].split(":"):
        case ["accept" | "duplicate", "success", *_] if case["params"]["trade_status"] != "TRADE_CLOSED":
            await taken(house, answer, CAPTURED)
        case ["accept" | "duplicate", "success", *_] if was_paid(case):
            await taken(house, answer, [])
            assert await house.work() == [REFUND_CHECK]
        case ["accept" | "duplicate", "success", *_]:
            await taken(house, answer, ["payment.failed"])
        case ["reject", "amount_mismatch"]:
            await taken(house, answer, ["payment.mismatched"])
            assert await money(house) == {"clearing/alipay": "stray", f"unallocated/{ORDER}": "stray"}
        case ["reject", "app_mismatch" | "seller_mismatch"]:
            assert (answer.status_code, answer.content) == (200, b"success")
            assert await house.receipts("alipay") == ["quarantined input.unrecognised"]
            assert await house.spoken() == []
        case ["reject", _]:
            assert (answer.status_code, answer.content) == (200, b"fail")
            assert (await house.receipts("alipay"), await house.spoken()) == ([], [])
        case other:
            pytest.fail(f"no verdict for {other}")


@pytest.fixture
def vectors_alipay(one_alipay: AlipayPeer, monkeypatch: pytest.MonkeyPatch) -> AlipayPeer:
    """The account of the vectors lies in the folder of secrets, with Alipay's key of the vectors."""
    told = samples.account()
    monkeypatch.setattr(one_alipay, "app_id", told.app_id)
    monkeypatch.setattr(one_alipay, "seller_id", told.seller_id)
    monkeypatch.setattr(one_alipay, "public", pem_of(samples.trust().keys[""]))
    return one_alipay


def pem_of(key: RSAPublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


async def prepared(open_house: OpenHouse, provider: Provider, case: Case) -> House:
    """The clock of the case, and an empty store but for the attempt as it stands before."""
    house = await open_house(account_of(provider))
    house.clock.skip(samples.now(case) - house.clock.now())
    number = case["params"]["out_trade_no"]
    amount = samples.asked(number)
    changes = [asked_back(number, amount)] if was_paid(case) else [closed] if "late_payment" in case["expect"] else []
    await house.preload(number, amount, *changes, provider="alipay")
    return house


def was_paid(case: Case) -> bool:
    told = case["params"]
    return told["trade_status"] == "TRADE_CLOSED" and ("gmt_refund" in told or "refund_fee" in told)


def closed(payment: Payment) -> Payment:
    """We closed the attempt before."""
    [attempt] = payment.attempts
    return payment.with_attempt(replace(attempt, state=State.CLOSED))


def asked_back(number: str, amount: Money) -> Callable[[Payment], Payment]:
    """The attempt is paid, and its refund is on its way."""

    def change(payment: Payment) -> Payment:
        charge = Charge("T-1", 1, number, amount, NOW, "held")
        task = SendBack(ORDER, number, "RF-1", "T-1", amount, amount, "", "alipay")
        book = Book.opened(TERMS.parties(ORDER, "alipay"), TERMS.terms, amount.currency)
        held = ledger.capture_and_hold(book, "J-1", parts_of(amount, None)).book
        return replace(payment, charges=(charge,), refunds=(Refund("R-1", task, NOW),), book=held)

    return change


async def send(house: House, case: Case) -> httpx.Response:
    http = case["http"]
    return await house.told({"Content-Type": http["content_type"]}, http["body"].encode(), "/alipay/notify")


async def taken(house: House, answer: httpx.Response, says: list[str]) -> None:
    assert (answer.status_code, answer.content) == (200, b"success")
    assert answer.headers["content-type"].startswith("text/plain")
    assert names(await house.spoken()) == says
    assert await house.receipts("alipay") == ["accepted"]


async def money(house: House) -> dict[str, str]:
    return {row["account"]: row["what"] for row in await house.rows("SELECT account, what FROM postings")}
