"""Every partner's client tells the same two things apart: nothing left the house, and nobody knows."""

from __future__ import annotations

import httpx
import pytest

from shared.errors import Transient, Unknown
from shared.http.client import sending


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (httpx.ConnectError("refused"), Transient),
        (httpx.ConnectTimeout("slow"), Transient),
        (httpx.PoolTimeout("busy"), Transient),
        (httpx.ReadTimeout("silent"), Unknown),
        (httpx.WriteError("cut"), Unknown),
        (httpx.RemoteProtocolError("half an answer"), Unknown),
        (httpx.DecodingError("not gzip"), Unknown),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_was_certainly_not_sent_is_told_apart_from_what_may_have_been_done(
    error: Exception, told: type[Exception]
) -> None:
    with pytest.raises(told) as caught, sending(Transient("unreachable"), Unknown("unanswered")):
        raise error

    assert caught.value.__cause__ is error


def test_what_is_no_trouble_of_the_wire_passes_as_it_is() -> None:
    with pytest.raises(ValueError, match="ours"), sending(Transient("unreachable"), Unknown("unanswered")):
        raise ValueError("ours")
