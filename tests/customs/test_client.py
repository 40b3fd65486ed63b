"""The window's client: what each end of a call means, and that it sends the stored bytes and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from services.customs.providers.base import Link, Office, OfficeUnconfirmed, WindowRefused
from services.customs.providers.ceb import dxp
from services.customs.providers.ceb.client import CebWindow
from shared.errors import Failure, Transient, Unknown, Unrecognised
from tests.customs.test_dxp import ANSWER, ENVELOPE

ENVELOPE_BYTES = dxp.build(ENVELOPE, None)
NINGBO, FUZHOU = Office("3105", confirmed=True), Office("3500", confirmed=False)
Handler = Callable[[httpx.Request], httpx.Response]


async def submit(handler: Handler, office: Office = NINGBO, link: Link = Link.LIVE) -> str:
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as http:
        return (await CebWindow(http, "https://window.test/customs/dxp", link).submit(ENVELOPE_BYTES, office)).code


def answers(code: str, status: int = 200) -> Handler:
    return lambda _: httpx.Response(status, content=(ANSWER % code).encode())


def breaks(error: Exception) -> Handler:
    def handler(_: httpx.Request) -> httpx.Response:
        raise error

    return handler


async def test_the_stored_bytes_go_out_and_the_answer_comes_back() -> None:
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answers("0")(request)

    assert await submit(handler) == "0"
    assert [(request.method, request.content) for request in sent] == [("POST", ENVELOPE_BYTES)]
    assert sent[0].headers["content-type"] == "application/xml; charset=utf-8"


async def test_the_real_customs_is_never_sent_an_unconfirmed_office() -> None:
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answers("0")(request)

    with pytest.raises(OfficeUnconfirmed):
        await submit(handler, FUZHOU)
    assert sent == []

    assert await submit(handler, FUZHOU, Link.SIMULATED) == "0"


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        (breaks(httpx.ConnectError("refused")), Transient),
        (breaks(httpx.ReadTimeout("late")), Unknown),
        (breaks(httpx.WriteError("cut")), Unknown),
        (breaks(httpx.RemoteProtocolError("cut")), Unknown),
        (answers("0", 503), Transient),
        (answers("0", 429), Transient),
        (answers("0", 500), Unknown),
        (answers("0", 502), Unknown),
        (answers("0", 400), WindowRefused),
        (answers("0", 302), WindowRefused),
        (answers("1004"), WindowRefused),
        (answers("3002"), Transient),
        (answers("77"), Unrecognised),
        (lambda _: httpx.Response(200, content=b"<html>ok</html>"), Unknown),
        (lambda _: httpx.Response(200, content=b"OK"), Unknown),
    ],
)
async def test_each_end_of_a_call_says_what_may_be_done(handler: Handler, error: type[Failure]) -> None:
    with pytest.raises(error):
        await submit(handler)
