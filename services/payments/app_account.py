"""The WeChat Pay account of this installation, from the folder of secrets."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from services.payments.providers.wechat.keys import KeyRing, Merchant, PlatformKey
from shared.errors import BadInput


def merchant(folder: Path) -> Merchant:
    """`appid, mchid, apiv3.key, apiv2.key, merchant.serial` as .txt, and `merchant.key.pem`."""
    key = load_pem_private_key((folder / "merchant.key.pem").read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise BadInput("the merchant key is not RSA", where="merchant.key.pem")
    return Merchant.load(
        appid=_text(folder, "appid"),
        mchid=_text(folder, "mchid"),
        serial_no=_text(folder, "merchant.serial"),
        key=key,
        apiv3_key=_text(folder, "apiv3.key"),
        apiv2_key=_text(folder, "apiv2.key"),
    )


def pinned(folder: Path, platform_key: str) -> KeyRing:
    """Platform keys that are known before any is fetched: certificates, and the public key named `platform_key`.

    `platform*.cert.pem`; `platform.public.pem` where the account is in the public key mode.
    """
    keys = [PlatformKey.from_certificate(path.read_bytes()) for path in sorted(folder.glob("platform*.cert.pem"))]
    if platform_key:
        key = load_pem_public_key((folder / "platform.public.pem").read_bytes())
        if not isinstance(key, RSAPublicKey):
            raise BadInput("the platform key is not RSA", where="platform.public.pem")
        keys.append(PlatformKey(platform_key, key))
    return KeyRing.of(keys)


def _text(folder: Path, name: str) -> str:
    return (folder / f"{name}.txt").read_text().strip()
