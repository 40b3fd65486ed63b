"""The signature of Alipay's older gateway (MAPI), for merchants whose customs contract is still there. Pure.

Source: Alipay documentation of alipay.acquire.customs (our reference page on payments, 1.9), as of mid 2026. The
parameter names of the buyer's identity are not confirmed, so no call is built here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import urlencode

from services.payments.providers.alipay.keys import Account


def text_to_sign(values: Mapping[str, str]) -> str:
    """Sorted by name, without `sign` and `sign_type` and what is empty."""
    kept = sorted(name for name in values if name not in ("sign", "sign_type") and values[name])
    return "&".join(f"{name}={values[name]}" for name in kept)


def sign_md5(values: Mapping[str, str], key: str) -> str:
    """The key follows the text without a separator; lower-case hex."""
    return hashlib.md5((text_to_sign(values) + key).encode("utf-8"), usedforsecurity=False).hexdigest()


def sign_rsa2(values: Mapping[str, str], account: Account) -> str:
    return account.sign(text_to_sign(values).encode("utf-8"))


def query(values: Mapping[str, str], sign_type: str, signature: str) -> str:
    return urlencode({**values, "sign_type": sign_type, "sign": signature})
