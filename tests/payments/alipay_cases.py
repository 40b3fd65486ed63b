"""The Alipay samples of the vectors folder, for every test that replays them.

`CORRIDOR_VECTORS` names the folder (default `tests/vectors`); whatever cases it holds are run. Besides the cases
themselves: the account they belong to, the keys, and for a notification what our store must hold before it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from services.payments.providers.alipay.keys import Account, Trust, certificate_sn, certificates, root_sn
from shared.money import Money
from tests.payments import wechat_cases

Case = dict[str, Any]


def folder() -> Path:
    return wechat_cases.folder()


@cache
def cases() -> tuple[Case, ...]:
    return tuple(json.loads((folder() / "alipay.json").read_text("utf-8"))["vectors"])


def of_kind(*kinds: str) -> tuple[Case, ...]:
    return tuple(case for case in cases() if case["kind"] in kinds)


def notifications() -> tuple[Case, ...]:
    return of_kind("notify")


@cache
def config() -> dict[str, str]:
    """app_id, seller_id, gateway, legacy_md5_key."""
    settings: dict[str, str] = json.loads((folder() / "config.json").read_text("utf-8"))["alipay"]
    return settings


@cache
def account() -> Account:
    return Account(config()["app_id"], config()["seller_id"], wechat_cases.private_key("alipay_app"))


@cache
def certified() -> Account:
    """The same account in the certificate mode."""
    ours, roots = pem("alipay_app_cert"), pem("alipay_root_certs")
    named = certificate_sn(certificates(ours)[0]), root_sn(certificates(roots))
    return Account(account().app_id, account().seller_id, account().key, *named)


def pem(name: str) -> bytes:
    return (folder() / f"test_only_keys/{name}.pem").read_bytes()


@cache
def trust(name: str = "test_only_keys/alipay_platform_public.pem") -> Trust:
    """The public key mode, with the key that a case is verified with."""
    key = load_pem_public_key((folder() / name).read_bytes())
    assert isinstance(key, rsa.RSAPublicKey)
    return Trust.of_key(key)


@cache
def chained() -> Trust:
    """The certificate mode."""
    return Trust.of_certificates(pem("alipay_platform_cert"), pem("alipay_root_certs"), pem("alipay_intermediate_cert"))


def now(case: Case) -> datetime:
    """When the case's request was signed, or its notification sent; China time."""
    told = case["params"].get("timestamp") or case["params"]["notify_time"]
    return datetime.fromisoformat(f"{told}+08:00").astimezone(UTC)


def asked(out_trade_no: str) -> Money:
    """What our own create request asked under this number; one that no request created asked what it tells."""
    for case in of_kind("request"):
        biz = json.loads(case["params"]["biz_content"])
        if biz.get("out_trade_no") == out_trade_no and "product_code" in biz:
            return Money.parse(biz["total_amount"], "CNY")
    return Money.parse("288.00", "CNY")  # the one order that nearly all cases share


def before(case: Case) -> Case | None:
    """Of a case that expects `duplicate`: the case that carried the same notification first."""
    if not case["expect"].startswith("duplicate"):
        return None
    told = case["params"]["notify_id"]
    return next(
        (other for other in notifications() if other is not case and other["params"]["notify_id"] == told), None
    )
