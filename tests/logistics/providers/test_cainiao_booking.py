from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs

import httpx
import pytest

from services.logistics.providers.base import Booked, BookingRequest, CarrierRefused, Consignee
from services.logistics.providers.cainiao import link, wire
from services.logistics.providers.cainiao.client import Cainiao
from services.logistics.providers.cainiao.link import LinkSettings
from shared.errors import BadInput, Transient, Unknown
from shared.http.signatures import Secret
from shared.money import Money

SETTINGS = LinkSettings(provider_id="TWINCITY_TEST")
SECRET = Secret.of_text("current", "cn-test")
REQUEST = BookingRequest(
    parcel_id="P1",
    order_no="T1A1",
    warehouse="fz-bonded",
    consignee=Consignee("林晓舟", "+8613800000000", "CN", "福建省", "福州市", None, "测试路1号"),
    goods="咖啡豆",
    gross_grams=1307,
    freight=Money(1000, "CNY"),
    insurance=Money(0, "CNY"),
)
BOOKED = {"success": "true", "mailNo": "TCX1", "logisticsOrderCode": "LP1"}


def test_a_booking_carries_what_the_waybill_document_needs_under_an_authentic_digest() -> None:
    form = {name: value[0] for name, value in parse_qs(wire.build_booking(REQUEST, SECRET, SETTINGS).decode()).items()}

    text = form.pop("logistics_interface")
    assert form.pop("data_digest") == link.digest(SECRET.key, text.encode())
    assert form == {"msg_type": "CORRIDOR_WAYBILL_BOOK", "logistic_provider_id": "TWINCITY_TEST"}
    assert json.loads(text) == {
        "parcelId": "P1",
        "orderNo": "T1A1",
        "warehouse": "fz-bonded",
        "consignee": "林晓舟",
        "consigneeTelephone": "+8613800000000",
        "consigneeAddress": "福建省福州市测试路1号",
        "consigneeCountry": "CN",
        "goodsInfo": "咖啡豆",
        "weight": "1.307",
        "packNo": 1,
        "freight": "10.00",
        "insuredFee": "0.00",
        "currency": "142",
    }


def test_the_same_booking_is_the_same_bytes() -> None:
    assert wire.build_booking(REQUEST, SECRET, SETTINGS) == wire.build_booking(REQUEST, SECRET, SETTINGS)


def test_freight_in_another_currency_is_not_declared() -> None:
    with pytest.raises(BadInput):
        wire.build_booking(replace(REQUEST, freight=Money(1, "KES")), SECRET, SETTINGS)


def carrier(http: httpx.AsyncClient) -> Cainiao:
    return Cainiao(http, "https://link.example.org/gateway", SECRET, SETTINGS)


async def calls(answer: Callable[[httpx.Request], httpx.Response]) -> Booked:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        return await carrier(http).book(REQUEST)


async def test_the_answer_gives_the_waybill_number() -> None:
    assert await calls(lambda _: httpx.Response(200, json=BOOKED)) == Booked("P1", "TCX1", "LP1")
    assert await calls(lambda _: httpx.Response(200, json=BOOKED | {"success": True})) == Booked("P1", "TCX1", "LP1")


async def test_a_waybill_is_voided_by_parcel_and_number() -> None:
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        form = {name: value[0] for name, value in parse_qs(request.content.decode()).items()}
        asked.append(json.loads(form["logistics_interface"]) | {"msg_type": form["msg_type"]})
        return httpx.Response(200, json={"success": "true"})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        await carrier(http).void("P1", "TCX1")

    assert asked == [{"msg_type": "CORRIDOR_WAYBILL_CANCEL", "parcelId": "P1", "logisticsNo": "TCX1"}]


async def test_a_refusal_keeps_the_carriers_code_and_words() -> None:
    no = {"success": "false", "errorCode": "B01", "errorMsg": "address not served"}

    with pytest.raises(CarrierRefused) as refused:
        await calls(lambda _: httpx.Response(200, json=no))

    assert (refused.value.refusal, refused.value.words) == ("B01", "address not served")


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (httpx.Response(200, json={"success": "true"}), Unknown),
        (httpx.Response(200, json={"success": []}), Unknown),
        (httpx.Response(200, json={"success": "perhaps"}), Unknown),
        (httpx.Response(200, content=b"<html>"), Unknown),
        (httpx.Response(502), Unknown),
        (httpx.Response(429), Transient),
        (httpx.ConnectError("refused"), Transient),
        (httpx.ReadTimeout("silent"), Unknown),
        (httpx.RemoteProtocolError("cut"), Unknown),
    ],
    ids=range(9),
)
async def test_what_may_have_been_booked_is_unknown(
    reply: httpx.Response | httpx.TransportError, failure: type[Exception]
) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        if isinstance(reply, httpx.Response):
            return reply
        raise reply

    with pytest.raises(failure):
        await calls(answer)
