"""The accounts at payment providers of this installation, from the folder of secrets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from services.payments.providers.alipay import keys as alipay_keys
from services.payments.providers.alipay.keys import Account, Trust
from services.payments.providers.wechat.keys import KeyRing, Merchant, PlatformKey
from shared.errors import BadInput


def wechat(folder: Path, platform_key: str) -> tuple[Merchant, KeyRing]:
    """`appid, mchid, apiv3.key, apiv2.key, merchant.serial` as .txt, and `merchant.key.pem`."""
    merchant = Merchant.load(
        appid=_text(folder, "appid"),
        mchid=_text(folder, "mchid"),
        serial_no=_text(folder, "merchant.serial"),
        key=_private(folder / "merchant.key.pem"),
        apiv3_key=_text(folder, "apiv3.key"),
        apiv2_key=_text(folder, "apiv2.key"),
    )
    return merchant, _pinned(folder, platform_key)


def _pinned(folder: Path, platform_key: str) -> KeyRing:
    """Platform keys that are known before any is fetched: certificates, and the public key named `platform_key`.

    `platform*.cert.pem`; `platform.public.pem` where the account is in the public key mode.
    """
    keys = [PlatformKey.from_certificate(path.read_bytes()) for path in sorted(folder.glob("platform*.cert.pem"))]
    if platform_key:
        keys.append(PlatformKey(platform_key, _public(folder / "platform.public.pem")))
    return KeyRing.of(keys)


def alipay(folder: Path) -> tuple[Account, Trust]:
    """`app_id`, `seller_id` as .txt and `app.key.pem`; in the public key mode `platform.public.pem`.

    In the certificate mode instead: `app.cert.pem`, `platform.cert.pem` with its issuers, `root.certs.pem`.
    """
    account = Account(_text(folder, "app_id"), _text(folder, "seller_id"), _private(folder / "app.key.pem"))
    if not (folder / "root.certs.pem").exists():
        return account, Trust.of_key(_public(folder / "platform.public.pem"))
    roots = (folder / "root.certs.pem").read_bytes()
    [ours, *_] = alipay_keys.certificates((folder / "app.cert.pem").read_bytes())
    named = replace(
        account,
        app_cert_sn=alipay_keys.certificate_sn(ours),
        root_cert_sn=alipay_keys.root_sn(alipay_keys.certificates(roots)),
    )
    return named, Trust.of_certificates((folder / "platform.cert.pem").read_bytes(), roots)


def _private(path: Path) -> RSAPrivateKey:
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise BadInput("the key is not RSA", where=path.name)
    return key


def _public(path: Path) -> RSAPublicKey:
    key = load_pem_public_key(path.read_bytes())
    if not isinstance(key, RSAPublicKey):
        raise BadInput("the key is not RSA", where=path.name)
    return key


def _text(folder: Path, name: str) -> str:
    return (folder / f"{name}.txt").read_text().strip()
