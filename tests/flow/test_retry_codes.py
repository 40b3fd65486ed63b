"""What a try in vain leaves behind for people: the client's own code where the failure's is only its sort."""

from __future__ import annotations

import pytest

from shared.errors import Transient, Unknown
from shared.flow.work import _told


class Away(Transient):
    code = "payments.provider_busy"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Transient("shopify.unreachable"), "shopify.unreachable"),
        (Unknown("17track.answered-500"), "17track.answered-500"),
        (Transient("HTTP 503, and a long story"), "transient"),
        (Unknown("nobody knows whether it was done"), "unknown"),
        (Away("wechat.anything"), "payments.provider_busy"),
        (KeyError("a.b"), "KeyError"),
    ],
)
def test_a_try_in_vain_is_remembered_by_who_failed(error: Exception, code: str) -> None:
    assert _told(error) == code
