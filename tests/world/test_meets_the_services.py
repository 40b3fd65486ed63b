"""The services' own clients at the world's doors: each side checks the other's signatures and words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from deploy.world import rsa, times
from deploy.world.app import World
from deploy.world.books import OrderBook
from deploy.world.keys import Keys
from deploy.world.people import buyer
from deploy.world.plan import plan_of
from services.customs.documents import Kind
from services.customs.providers.base import Link, Office
from services.customs.providers.ceb.client import CebWindow
from services.logistics.providers.base import BookingRequest, CarrierRefused, Consignee, ExitAuthorised, PickLine
from services.logistics.providers.cainiao.client import Cainiao
from services.logistics.providers.cainiao.link import LinkSettings
from services.logistics.providers.warehouse.client import PartnerWarehouse
from services.orders.providers.base import ShipmentNotice
from services.orders.providers.shopify.client import ShopAccess, ShopifyShop
from services.payments.providers.base import (
    DeclarationState,
    DeclareAsk,
    Identity,
    IdentityCheck,
    OpenAsk,
    ProviderRefused,
    RefundAsk,
    RefundState,
    TradeState,
)
from services.payments.providers.wechat.client import WeChatPay
from services.payments.providers.wechat.keys import KeyRing, Merchant
from shared.clock import SystemClock
from shared.http.signatures import Secret, standard_secret
from shared.money import Money
from tests.world import declarations
from tests.world.conftest import NOWHERE

TOTAL = Money(12900, "CNY")
ZERO = Money(0, "CNY")
NO = "TC000001A1"
NOTIFY = f"{NOWHERE}/webhooks/payments/wechat"


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://world") as client:
        yield client


@pytest.fixture
def book(world: World) -> OrderBook:
    opened = world.core.books.open(OrderBook("5902603020001", plan_of(), 12900, "CNY", []))
    for number in (NO, "O1"):
        world.core.books.alias(opened, number)
    return opened


@pytest.fixture
def wechat(http: httpx.AsyncClient, keys: Keys, secrets: Path) -> WeChatPay:
    """Without any platform key: it has to fetch and believe the certificate first."""
    merchant = Merchant.load(
        appid=keys.appid,
        mchid=keys.mchid,
        serial_no=keys.merchant_serial,
        key=rsa.load_private(secrets / "wechat/merchant.key.pem"),
        apiv3_key=keys.api_v3.decode(),
        apiv2_key=keys.api_v2,
    )
    return WeChatPay(http, merchant, KeyRing.of([]), now=times.now)


def ask_open() -> OpenAsk:
    return OpenAsk(NO, TOTAL, "咖啡", times.now() + timedelta(minutes=5), NOTIFY)


def ask_declare(number: str) -> DeclareAsk:
    person = Identity(buyer(1).name, buyer(1).id_number)
    return DeclareAsk(
        out_trade_no=NO, transaction_id=number, amount=TOTAL, place="GUANGZHOU_ZS", merchant_customs_no="3599TEST01",
        identity=person,
    )  # fmt: skip


async def test_a_payment_is_opened_found_and_refunded(wechat: WeChatPay, world: World, book: OrderBook) -> None:
    ask = ask_open()
    opened, again = await wechat.open(ask), await wechat.open(ask)
    before = await wechat.query(NO)
    world.wechat.pay(opened.qr, buyer(1))
    after = await wechat.query(NO)
    refund = await wechat.refund(RefundAsk(NO, "R1", TOTAL, TOTAL, NOTIFY))

    assert (opened.qr, before.state, after.state) == (again.qr, TradeState.PENDING, TradeState.PAID)
    assert after.capture is not None
    assert after.capture.amount == TOTAL
    assert refund.state is RefundState.PROCESSING
    with pytest.raises(ProviderRefused):
        await wechat.close(NO)


async def test_what_was_never_opened_is_absent(wechat: WeChatPay) -> None:
    assert (await wechat.query("TC999999A1")).state is TradeState.ABSENT
    assert await wechat.query_refund(RefundAsk(NO, "R9", TOTAL, TOTAL, NOTIFY)) is None


async def test_a_payment_is_declared_until_customs_has_it(wechat: WeChatPay, world: World, book: OrderBook) -> None:
    opened = await wechat.open(ask_open())
    world.wechat.pay(opened.qr, buyer(1))
    number = world.wechat.trades[NO].charges[0].transaction_id
    declared = await wechat.declare(ask_declare(number))
    await declarations.quiet()
    found = await wechat.query_declaration(ask_declare(number))

    assert (declared.state, declared.identity_check) == (DeclarationState.PENDING, IdentityCheck.SAME)
    assert found is not None
    assert (found.state, found.amount, found.order_no) == (DeclarationState.ACCEPTED, TOTAL, NO)
    assert [one["type"] for one in book.shelves["documents"]] == ["CEB411"]


async def test_a_parcel_is_booked_and_voided(http: httpx.AsyncClient, keys: Keys, book: OrderBook) -> None:
    secret = Secret("1", keys.cainiao_secret.encode())
    carrier = Cainiao(http, "http://world/cainiao/link", secret, LinkSettings("CORRIDOR"))
    consignee = Consignee("林测试", "10000000001", "CN", "福建省", "福州市", None, "测试路1号")
    request = BookingRequest("P1", NO, "fz-bonded", consignee, "咖啡", 307, ZERO, ZERO)

    booked, again = await carrier.book(request), await carrier.book(request)
    await carrier.void("P1", booked.waybill_no)

    assert booked == again
    assert [one["voided"] for one in book.shelves["waybills"]] == [True]
    with pytest.raises(CarrierRefused):
        await carrier.void("P2", "TCX1")


async def test_an_exit_is_authorised(http: httpx.AsyncClient, keys: Keys, book: OrderBook) -> None:
    secret = standard_secret("1", keys.warehouse_secret)
    warehouse = PartnerWarehouse(http, "http://world/warehouse/events", [secret], SystemClock())
    await warehouse.authorise_exit("m1", ExitAuthorised("O1", "P1", (PickLine("KE-COF-227", 1, "L"),), 3, times.now()))

    assert [one["dossier_version"] for one in book.shelves["exit_messages"]] == [3]


async def test_a_shipment_is_confirmed_once(http: httpx.AsyncClient, keys: Keys, book: OrderBook) -> None:
    shop = ShopifyShop(http, ShopAccess("http://world", keys.admin_token))
    notice = ShipmentNotice(external_order_id="5902603020001", carrier="Cainiao", tracking_no="TCX1")

    made, again = await shop.confirm_shipment(notice), await shop.confirm_shipment(notice)

    assert (made.already, again.already) == (False, True)
    assert [one["tracking_no"] for one in book.shelves["fulfilments"]] == ["TCX1"]


async def test_a_declaration_is_taken_by_the_window(http: httpx.AsyncClient, secrets: Path) -> None:
    window = CebWindow(http, "http://world/customs/dxp", Link.SIMULATED)
    content = declarations.message(declarations.order(), secrets)

    answer = await window.submit(declarations.envelope(content, Kind.ORDER, secrets), Office("3500", confirmed=False))

    assert answer.code == "0"
