"""The WeChat Pay samples of the vectors folder, for every test that replays them.

`CORRIDOR_VECTORS` names the folder (default `tests/vectors`); whatever cases it holds are run. Besides the
cases themselves: the account they belong to, the platform keys, and for a callback what our store must hold
before it (`attempts`, `refunds`, `before`), so that it can be driven through the service's HTTP door.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from services.payments.providers.wechat.keys import KeyRing, Merchant, PlatformKey
from shared.money import Money

Case = dict[str, Any]


def folder() -> Path:
    """The payments samples."""
    return Path(os.environ.get("CORRIDOR_VECTORS", "tests/vectors")) / "payments"


@cache
def cases() -> tuple[Case, ...]:
    return tuple(json.loads((folder() / "wechat.json").read_text("utf-8"))["vectors"])


def of_kind(*kinds: str) -> tuple[Case, ...]:
    return tuple(case for case in cases() if case["kind"] in kinds)


def callbacks() -> tuple[Case, ...]:
    return of_kind("callback")


@cache
def config() -> dict[str, str]:
    """appid, mchid, serials, public_key_id, apiv3_key, apiv2_key, base_url."""
    settings: dict[str, str] = json.loads((folder() / "config.json").read_text("utf-8"))["wechat"]
    return settings


@cache
def private_key(reference: str) -> rsa.RSAPrivateKey:
    """`test_only_keys/private_numbers.json#name` or the bare name. Two primes and an exponent make the key."""
    file, _, name = reference.rpartition("#")
    numbers = json.loads((folder() / (file or "test_only_keys/private_numbers.json")).read_text("utf-8"))[name]
    p, q, e = int(numbers["p"], 16), int(numbers["q"], 16), numbers["e"]
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()


@cache
def merchant() -> Merchant:
    told = config()
    return Merchant.load(
        appid=told["appid"],
        mchid=told["mchid"],
        serial_no=told["merchant_cert_serial"],
        key=private_key("wechat_merchant"),
        apiv3_key=told["apiv3_key"],
        apiv2_key=told["apiv2_key"],
    )


@cache
def public_key() -> PlatformKey:
    """The platform key of the public key mode."""
    key = load_pem_public_key((folder() / "test_only_keys/wechat_pubkey_public.pem").read_bytes())
    assert isinstance(key, rsa.RSAPublicKey)
    return PlatformKey(config()["public_key_id"], key)


@cache
def certificate(name: str) -> PlatformKey:
    """`wechat_platform_cert` or `wechat_platform_next_cert`."""
    return PlatformKey.from_certificate((folder() / f"test_only_keys/{name}.pem").read_bytes())


@cache
def ring() -> KeyRing:
    """What we hold at the start: the public key and the present certificate, the next one not yet."""
    return KeyRing.of((public_key(), certificate("wechat_platform_cert")))


def now(case: Case) -> datetime:
    """The clock of a case: as told, else the moment at which its answer was signed."""
    seconds = case.get("now") or int(case.get("headers", {}).get("Wechatpay-Timestamp", "1772331330"))
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A payment attempt that the store must hold before a callback arrives."""

    out_trade_no: str
    amount: Money


@dataclass(frozen=True, slots=True)
class AskedRefund:
    """A refund that the store must hold, submitted, before its callback arrives."""

    out_trade_no: str
    out_refund_no: str
    amount: Money
    total: Money


def attempts(case: Case) -> tuple[Attempt, ...]:
    """As our own create requests asked for them; one that no request of the folder created is as the case tells it."""
    told = json.loads(case["plaintext"])
    asked = [attempt for attempt in _created() if attempt.out_trade_no == told["out_trade_no"]]
    amount = told["amount"]
    return (
        asked[0] if asked else Attempt(told["out_trade_no"], Money(amount["total"], amount.get("currency", "CNY"))),
    )


def refunds(case: Case) -> tuple[AskedRefund, ...]:
    told = json.loads(case["plaintext"])
    if "out_refund_no" not in told:
        return ()
    amount, total = Money(told["amount"]["refund"], "CNY"), Money(told["amount"]["total"], "CNY")
    return (AskedRefund(told["out_trade_no"], told["out_refund_no"], amount, total),)


def before(case: Case) -> Case | None:
    """Of a case that expects `duplicate`: the case that carried the same notification first."""
    if case["expect"] != "duplicate":
        return None
    event_id = json.loads(case["body"])["id"]
    return next(other for other in callbacks() if other is not case and json.loads(other["body"])["id"] == event_id)


def _created() -> Iterator[Attempt]:
    for case in of_kind("request"):
        body = json.loads(case["http"]["body"]) if case["http"].get("body") else {}
        if "out_trade_no" in body and "total" in body.get("amount", {}) and "refund" not in body["amount"]:
            yield Attempt(body["out_trade_no"], Money(body["amount"]["total"], body["amount"]["currency"]))
