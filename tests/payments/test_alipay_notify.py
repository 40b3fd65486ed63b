"""A notification that is truly Alipay's and cannot be read is acknowledged and kept: it would never say more."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from services.payments.providers.alipay import notify, wire
from services.payments.providers.alipay.keys import Account, Trust
from services.payments.providers.base import Capture
from shared.errors import BadInput, SignatureRefused, Unrecognised

KEY = rsa.generate_private_key(65537, 2048)
ACCOUNT, TRUST = Account("2021000000000001", "2088000000000001", KEY), Trust.of_key(KEY.public_key())
PAID = {
    "notify_id": "n1", "notify_type": "trade_status_sync", "notify_time": "2026-03-02 20:00:01", "charset": "utf-8",
    "app_id": ACCOUNT.app_id, "seller_id": ACCOUNT.seller_id, "trade_status": "TRADE_SUCCESS", "trade_no": "T1",
    "out_trade_no": "A1", "total_amount": "12.00", "gmt_payment": "2026-03-02 20:00:00",
}  # fmt: skip


def body(fields: dict[str, str], key: rsa.RSAPrivateKey = KEY) -> bytes:
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields))
    sign = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), SHA256())).decode()
    return urlencode({**fields, "sign": sign, "sign_type": "RSA2"}).encode()


BROKEN = [
    *({name: ""} for name in ("total_amount", "trade_no", "out_trade_no", "notify_id", "notify_time", "app_id")),
    *({"total_amount": amount} for amount in ("12", "-1.00", "1e3")),
    *({"gmt_payment": at} for at in ("yesterday", "0001-01-01 00:00:00", "9999-12-31 23:59:59")),
]


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_what_cannot_be_read_is_acknowledged_and_kept(broken: dict[str, str]) -> None:
    with pytest.raises(Unrecognised) as unread:
        notify.notified(body(PAID | broken), ACCOUNT, TRUST)

    assert notify.reply(unread.value) == notify.SUCCESS
    assert next(iter(broken)) in str(unread.value)


def test_the_same_from_somebody_else_is_refused() -> None:
    other = rsa.generate_private_key(65537, 2048)

    assert isinstance(notify.notified(body(PAID), ACCOUNT, TRUST).content, Capture)
    for fields in (PAID, PAID | {"total_amount": ""}):
        with pytest.raises(SignatureRefused):
            notify.notified(body(fields, other), ACCOUNT, TRUST)


@pytest.mark.parametrize("year", ["0001", "1999", "2100", "9999"])
def test_a_time_of_another_century_is_refused(year: str) -> None:
    with pytest.raises(BadInput):
        wire.moment(f"{year}-06-01 12:00:00", "gmt_payment")
    assert wire.moment("2099-12-31 23:59:59", "gmt_payment").year == 2099
