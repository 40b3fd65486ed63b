"""The world's Alipay and our own adapter, each written from the vendor's pages, against each other."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from deploy.world import rsa, times
from deploy.world.app import World
from deploy.world.books import OrderBook
from deploy.world.http_client import NoAnswer
from deploy.world.keys import Keys
from deploy.world.people import buyer
from deploy.world.plan import plan_of
from services.payments.app_accounts import alipay as account_of
from services.payments.providers.alipay.client import Alipay
from services.payments.providers.alipay.keys import Account
from services.payments.providers.base import (
    AlreadyPaid,
    Capture,
    DeclarationState,
    DeclareAsk,
    Identity,
    IdentityCheck,
    NotFound,
    OpenAsk,
    ProviderRefused,
    RefundAsk,
    RefundState,
    TradeState,
)
from shared.errors import SignatureRefused
from shared.money import Money
from tests.world import declarations
from tests.world.conftest import NOWHERE

NO, TOTAL = "TC000001A1", Money(12900, "CNY")
NOTIFY = f"{NOWHERE}/alipay/notify"
EXPIRES = times.now().replace(microsecond=0) + timedelta(hours=2)  # made when the suite is collected


@pytest.fixture
def book(world: World) -> OrderBook:
    return opened_book(world)


def opened_book(world: World, *kinds: str) -> OrderBook:
    opened = world.core.books.open(OrderBook("5902603020001", plan_of(*kinds), 12900, "CNY", []))
    world.core.books.alias(opened, NO)
    return opened


@pytest.fixture
def alipay(doors: httpx.AsyncClient, secrets: Path) -> Alipay:
    account, trust = account_of(secrets / "alipay")
    return Alipay(doors, "http://world/gateway.do", account, trust, now=times.now)


def ask_open(total: Money = TOTAL) -> OpenAsk:
    return OpenAsk(NO, total, "肯尼亚红茶 / 100克", EXPIRES, NOTIFY)


def ask_refund(number: str, minor: int, transaction: str = "") -> RefundAsk:
    return RefundAsk(NO, number, Money(minor, "CNY"), TOTAL, "", "buyer", transaction)


async def paid(alipay: Alipay, world: World, *, short_by: int = 0) -> str:
    """The number of the charge."""
    assert world.alipay.pay((await alipay.open(ask_open())).qr, buyer(1), short_by=short_by) == "paid"
    return world.alipay.trades[NO].charges[0].trade_no


async def test_a_code_is_given_twice_the_same_and_not_for_another_amount(alipay: Alipay, world: World) -> None:
    opened, again = await alipay.open(ask_open()), await alipay.open(ask_open())

    assert (opened.qr, opened.expires_at) == (again.qr, EXPIRES)
    with pytest.raises(ProviderRefused, match="CONTEXT_INCONSISTENT"):
        await alipay.open(ask_open(Money(12901, "CNY")))


async def test_a_trade_exists_from_the_buyers_first_look(alipay: Alipay, world: World) -> None:
    opened = await alipay.open(ask_open())
    before = await alipay.query(NO)
    world.alipay.scan(opened.qr)
    looked = await alipay.query(NO)
    world.alipay.pay(opened.qr, buyer(1))
    after = await alipay.query(NO)

    assert [trade.state for trade in (before, looked, after)] == [
        TradeState.ABSENT, TradeState.PENDING, TradeState.PAID,
    ]  # fmt: skip
    assert after.capture is not None
    assert (after.capture.amount, after.capture.transaction_id) == (TOTAL, world.alipay.trades[NO].charges[0].trade_no)


async def test_closing_says_what_it_found(alipay: Alipay, world: World) -> None:
    opened = await alipay.open(ask_open())
    with pytest.raises(NotFound):
        await alipay.close(NO)
    world.alipay.scan(opened.qr)
    await alipay.close(NO)

    assert world.alipay.pay(opened.qr, buyer(1)) == "closed"
    assert (await alipay.query(NO)).state is TradeState.CLOSED
    with pytest.raises(AlreadyPaid):  # in another state: which one is to be asked
        await alipay.close(NO)


async def test_closing_what_is_paid_is_refused(alipay: Alipay, world: World) -> None:
    await paid(alipay, world)

    with pytest.raises(AlreadyPaid):
        await alipay.close(NO)


async def test_a_refund_moves_once_and_is_found(alipay: Alipay, world: World, book: OrderBook) -> None:
    await paid(alipay, world)
    first, again = await alipay.refund(ask_refund("R1", 2900)), await alipay.refund(ask_refund("R1", 2900))
    found, none = await alipay.query_refund(ask_refund("R1", 2900)), await alipay.query_refund(ask_refund("R2", 100))

    assert (first.state, again.state) == (RefundState.SUCCEEDED, RefundState.PROCESSING)
    assert found is not None
    assert (found.state, found.amount, none) == (RefundState.SUCCEEDED, Money(2900, "CNY"), None)
    assert [(one["out_refund_no"], one["amount"]) for one in book.shelves["refunds"]] == [("R1", 2900)]
    with pytest.raises(ProviderRefused, match="DISCORDANT"):
        await alipay.refund(ask_refund("R1", 2901))
    with pytest.raises(ProviderRefused, match="REFUND_AMT"):
        await alipay.refund(ask_refund("R2", 10001))


async def test_of_two_charges_of_one_number_the_named_one_goes_back(alipay: Alipay, world: World) -> None:
    await paid(alipay, world)
    world.alipay.charge_again(world.alipay.trades[NO].qr_code, buyer(2))
    first, second = world.alipay.trades[NO].charges
    await alipay.refund(ask_refund("R1", 12900, second.trade_no))

    assert (first.refunded, second.refunded) == (0, 12900)
    assert (await alipay.query(NO)).state is TradeState.PAID


async def test_all_sent_back_is_a_closed_trade_that_was_paid(alipay: Alipay, world: World) -> None:
    await paid(alipay, world)
    assert (await alipay.refund(ask_refund("R1", 12900))).state is RefundState.SUCCEEDED

    assert world.alipay.trades[NO].status == "TRADE_CLOSED"
    assert (await alipay.query(NO)).state is TradeState.PAID


async def test_cancelling_sends_back_what_is_paid(alipay: Alipay, world: World, book: OrderBook) -> None:
    await paid(alipay, world)

    assert await alipay.cancel(NO) is True
    assert [one["amount"] for one in book.shelves["refunds"]] == [12900]


def ask_declare(number: str, person: int, code: str = "3599TEST02") -> DeclareAsk:
    named = Identity(buyer(person).name, buyer(person).id_number)
    return DeclareAsk(NO, number, "ZONGSHU", code, TOTAL, identity=named, merchant_customs_name="海岸种植者")


@pytest.mark.parametrize(("person", "check"), [(1, IdentityCheck.SAME), (2, IdentityCheck.DIFFERENT)])
async def test_a_payment_is_declared_compared_once_and_known_by_customs(
    alipay: Alipay, world: World, book: OrderBook, person: int, check: IdentityCheck
) -> None:
    ask = ask_declare(await paid(alipay, world), person)
    declared, again = await alipay.declare(ask), await alipay.push_declaration(ask)
    await declarations.quiet()
    found = await alipay.query_declaration(ask)

    assert (declared.state, declared.identity_check, again.identity_check) == (
        DeclarationState.PENDING, check, IdentityCheck.UNKNOWN,
    )  # fmt: skip
    assert (declared.pay_code, declared.ver_dept, declared.amount, declared.order_no) == ("31222699S7", "2", TOTAL, NO)
    assert found is not None
    assert (found.state, found.pay_transaction_id) == (DeclarationState.ACCEPTED, declared.pay_transaction_id)
    assert [one["type"] for one in book.shelves["documents"]] == ["CEB411"]


async def test_a_declaration_under_another_registration_is_refused(alipay: Alipay, world: World) -> None:
    with pytest.raises(ProviderRefused, match="MERCHANT_CUSTOMS_CODE"):
        await alipay.declare(ask_declare(await paid(alipay, world), 1, "0000000000"))


async def test_a_request_of_a_stranger_is_not_believed(doors: httpx.AsyncClient, secrets: Path, world: World) -> None:
    account, trust = account_of(secrets / "alipay")
    stranger = Account(account.app_id, account.seller_id, rsa.load_private(secrets / "wechat/merchant.key.pem"))

    with pytest.raises(ProviderRefused, match=r"isv\.invalid-signature"):
        await Alipay(doors, "http://world/gateway.do", stranger, trust, now=times.now).open(ask_open())
    assert [call["partner"] for call in world.core.books.refused_calls] == ["alipay"]


# --- notifications ----------------------------------------------------------------------------------------------------


@pytest.fixture
def sent(world: World, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the world posts, instead of the network."""
    bodies: list[bytes] = []

    async def call(_method: str, _url: str, *, body: bytes = b"", **_: object) -> object:
        bodies.append(body)
        raise NoAnswer("refused")

    monkeypatch.setattr(world.core.sender, "call", call)
    return bodies


@pytest.mark.parametrize("short_by", [0, 1])
async def test_a_notification_is_one_that_we_believe(
    alipay: Alipay, world: World, keys: Keys, sent: list[bytes], short_by: int
) -> None:
    number = await paid(alipay, world, short_by=short_by)
    await world.core.sender.settle()

    told = await alipay.notified({}, sent[0])
    assert isinstance(told.content, Capture)
    assert (told.content.out_trade_no, told.content.transaction_id) == (NO, number)
    assert told.content.amount == Money(12900 - short_by, "CNY")


async def test_a_forged_notification_is_one_that_we_refuse(alipay: Alipay, world: World, sent: list[bytes]) -> None:
    opened_book(world, "forged_notice")
    await paid(alipay, world)
    await world.core.sender.settle()

    believed = []
    for body in sent:
        try:
            believed.append((await alipay.notified({}, body)).once[0])
        except SignatureRefused:
            believed.append("")
    assert believed.count("") == 1
    assert len(set(believed)) == 2  # every delivery of the true one has the same id
