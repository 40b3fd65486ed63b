"""Fetching and confirming at Xiaohongshu: what is asked, in which order, and how every way of failing ends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from services.orders.canonical import Protection
from services.orders.providers.base import Confirmation, ConfirmationRefused, ShipmentNotice
from services.orders.providers.xiaohongshu.ciphers import NotOpened
from services.orders.providers.xiaohongshu.client import Fetched, Seller, Xiaohongshu
from services.orders.providers.xiaohongshu.wire import App, ChannelRefused
from shared.errors import BadInput, Transient, Unknown
from tests.orders.providers import red
from tests.orders.providers.platform import Platform

NOTICE = ShipmentNotice(red.ORDER, "cainiao", "TCX1")
LOOK, RECEIVER, DECRYPT, DELIVER = (
    "order.getOrderDetail", "order.getOrderReceiverInfo", "data.batchDecrypt", "order.orderDeliver",
)  # fmt: skip


def platform(status: int = 4, **changes: Any) -> Platform:
    made = Platform(red.APP_KEY, red.SECRET, red.TOKEN)
    made.orders[red.ORDER] = red.detail(status, **changes)
    return made


def shop(http: httpx.AsyncClient) -> Xiaohongshu:
    seller = Seller("https://ark.test", red.SELLER, App(red.APP_KEY, red.SECRET, red.TOKEN))
    return Xiaohongshu(http, seller, red.NOW, {"cainiao": "cn-cainiao"})


async def fetch(partner: Platform, order: str = red.ORDER) -> Fetched:
    async with httpx.AsyncClient(transport=httpx.MockTransport(partner.answers)) as http:
        return await shop(http).fetch(order)


async def confirm(partner: Platform, *trouble: httpx.Response | Exception) -> Confirmation:
    """`trouble` befalls the delivery; the look before it is answered."""

    def answer(request: httpx.Request) -> httpx.Response:
        partner.trouble = list(trouble) if DELIVER.encode() in request.content else []
        return partner.answers(request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        return await shop(http).confirm_shipment(NOTICE)


def answers(*statuses: int) -> Iterable[httpx.Response]:
    return [httpx.Response(status) for status in statuses]


async def test_the_receiver_is_asked_for_only_while_the_order_is_to_be_shipped() -> None:
    before, then, after = platform(3), platform(4), platform(6)

    found = [await fetch(each) for each in (before, then, after)]

    assert [each.asked for each in (before, then, after)] == [[LOOK], [LOOK, RECEIVER], [LOOK]]
    assert [each.receiver is not None for each in found] == [False, True, False]
    receiver = found[1].receiver
    assert receiver is not None
    assert (receiver.name, receiver.street, receiver.city, receiver.protection) == (
        "林晓舟", "测试路1号", "福州市", Protection.PLAIN,
    )  # fmt: skip
    assert found[1].order.recipient.protection is Protection.ABSENT  # the order itself never says it


async def test_hidden_texts_of_the_receiver_are_opened_by_the_platform() -> None:
    partner = platform()
    partner.receivers[red.ORDER] = {"receiverName": "#i#c1#2##", "receiverPhone": "#i#c2#3##"}
    partner.plain = {"#i#c1#2##": "林晓舟", "#i#c2#3##": "10012345678"}

    receiver = (await fetch(partner)).receiver

    assert partner.asked == [LOOK, RECEIVER, DECRYPT]
    assert receiver is not None
    assert (receiver.name, receiver.phone, receiver.street) == ("林晓舟", "10012345678", "测试路1号")


async def test_a_text_that_stays_hidden_is_never_taken_for_a_name() -> None:
    partner = platform()
    partner.receivers[red.ORDER] = {"receiverName": "#i#c1#2##"}

    with pytest.raises(NotOpened):
        await fetch(partner)


async def test_an_address_that_changed_meanwhile_is_fetched_again() -> None:
    partner = platform()
    partner.receivers[red.ORDER] = {"matched": False}

    with pytest.raises(Transient):
        await fetch(partner)


@pytest.mark.parametrize(
    "trouble",
    [
        *answers(429, 500, 502, 503, 504), httpx.ConnectError("no"), httpx.ReadTimeout("late"),
        httpx.Response(200, content=b"<html>"), httpx.Response(200, json={"success": False, "error_code": 503}),
    ],
)  # fmt: skip
async def test_a_question_that_went_wrong_may_be_asked_again(trouble: httpx.Response | Exception) -> None:
    partner = platform()
    partner.trouble = [trouble]

    with pytest.raises(Transient):
        await fetch(partner)


@pytest.mark.parametrize("trouble", [*answers(301, 400, 401, 403, 404)])
async def test_a_platform_that_turns_us_away_is_not_asked_again(trouble: httpx.Response) -> None:
    partner = platform()
    partner.trouble = [trouble]

    with pytest.raises(ChannelRefused):
        await fetch(partner)


async def test_an_order_that_the_platform_does_not_know_or_confuses_is_refused() -> None:
    with pytest.raises(ChannelRefused):
        await fetch(platform(), "P0")
    partner = platform()
    partner.orders["P0"] = red.detail(4)
    with pytest.raises(BadInput):
        await fetch(partner, "P0")


async def test_a_shipment_is_confirmed_once_with_the_platforms_code_of_the_carrier() -> None:
    partner = platform()

    first, second = await confirm(partner), await confirm(partner)

    assert (first.already, second.already) == (False, True)
    (delivered,) = partner.delivered
    assert (delivered["orderId"], delivered["expressNo"], delivered["expressCompanyCode"]) == (
        red.ORDER, "TCX1", "cn-cainiao",
    )  # fmt: skip
    assert (delivered["deliveringTime"], delivered["unpack"]) == (int(red.NOW.timestamp() * 1000), False)


@pytest.mark.parametrize("status", [2, 3])
async def test_before_status_4_it_is_too_early_and_nothing_is_sent(status: int) -> None:
    partner = platform(status)

    with pytest.raises(Transient):
        await confirm(partner)
    assert partner.asked == [LOOK]


async def test_a_confirmation_whose_answer_was_lost_is_found_and_not_made_twice() -> None:
    partner = platform()

    with pytest.raises(Unknown):
        await confirm(partner, httpx.ReadTimeout("late"))

    assert (await confirm(partner)).already
    assert len(partner.delivered) == 1


@pytest.mark.parametrize("status", [6, 7])
async def test_shipped_under_another_number_is_for_a_person(status: int) -> None:
    with pytest.raises(ConfirmationRefused):
        await confirm(platform(status, expressTrackingNo="OTHER"))


async def test_a_delivery_that_the_platform_refuses_is_refused() -> None:
    partner = platform(9)

    with pytest.raises(ChannelRefused):
        await confirm(partner)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_delivery_that_failed_over_there_may_have_been_done(status: int) -> None:
    with pytest.raises(Unknown):
        await confirm(platform(), httpx.Response(status))
