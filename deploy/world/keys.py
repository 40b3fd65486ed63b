"""The keys of both sides of every connection, as files. Made once, kept for ever after.

A file that exists is never touched, so a deployment may bring its own. `README.md` lists every file.
"""

from __future__ import annotations

import base64
import fcntl
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa as rsa_keys
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import NameOID

from deploy.world import rsa

# Pairs of key and self-signed certificate: who uses it, what its certificate is called.
PAIRS: Final = {
    "wechat/merchant": "corridor test merchant",
    "wechat/platform": "simulated WeChat Pay platform",
    "alipay/app": "corridor test application",
    "alipay/platform": "simulated Alipay",
    "customs/enterprise": "corridor test declarant",
    "customs/window": "simulated customs window",
}
PUBLICS: Final = ("alipay/platform",)  # whose public key is also there by itself
SERIALS: Final = ("wechat/merchant", "wechat/platform")
TEXTS: Final[dict[str, Callable[[], str]]] = {
    "wechat/appid.txt": lambda: "wx00000000c0ffee02",
    "wechat/mchid.txt": lambda: "1900999902",
    "wechat/apiv3.key.txt": lambda: secrets.token_hex(16),
    "wechat/apiv2.key.txt": lambda: secrets.token_hex(16),
    "alipay/app_id.txt": lambda: "2021000199990002",
    "alipay/seller_id.txt": lambda: "2088999900000002",
    "shopify/app_secret.txt": lambda: f"shpss_{secrets.token_hex(16)}",
    "shopify/admin_token.txt": lambda: f"shpat_{secrets.token_hex(16)}",
    "shopify/shop_domain.txt": lambda: "nairobi-roasters.myshopify.com",
    "standard/secret.txt": lambda: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
    "standard/ours.txt": lambda: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
    "standard/shop_id.txt": lambda: "lamu-tea-house-01",
    "xiaohongshu/app_key.txt": lambda: f"5f0tc{secrets.token_hex(6)}",
    "xiaohongshu/app_secret.txt": lambda: secrets.token_hex(16),
    "xiaohongshu/token.txt": lambda: f"token-{secrets.token_hex(16)}",
    "xiaohongshu/seller_id.txt": lambda: f"6100{secrets.token_hex(10)}",
    "cainiao/app_secret.txt": lambda: secrets.token_hex(16),
    "cainiao/partner_code.txt": lambda: "TWINCITY_TEST",
    "17track/api_key.txt": lambda: secrets.token_hex(16).upper(),
    "warehouse/secret.txt": lambda: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
    "customs/enterprise.dxp_id.txt": lambda: "DXPENT0000999999",
    "customs/window.dxp_id.txt": lambda: "DXPEDCCEB0000002",
}


@dataclass(frozen=True, slots=True)
class Keys:
    """Everything loaded. Private keys are here for the partners' side only; of ours only what verifies is kept."""

    appid: str
    mchid: str
    api_v3: bytes = field(repr=False)
    api_v2: str = field(repr=False)
    merchant: RSAPublicKey
    merchant_serial: str
    platform: RSAPrivateKey
    platform_pem: bytes
    platform_serial: str
    alipay_app: RSAPublicKey
    alipay_app_id: str
    alipay_seller_id: str
    alipay: RSAPrivateKey
    shop_domain: str
    app_secret: bytes = field(repr=False)
    admin_token: str = field(repr=False)
    standard_secret: str = field(repr=False)
    standard_ours: str = field(repr=False)
    standard_shop_id: str
    red_app_key: str
    red_app_secret: str = field(repr=False)
    red_token: str = field(repr=False)
    red_seller_id: str
    cainiao_secret: str = field(repr=False)
    partner_code: str
    tracking_key: str = field(repr=False)
    warehouse_secret: str = field(repr=False)
    enterprise: RSAPublicKey
    enterprise_dxp: str
    window: RSAPrivateKey
    window_certificate: x509.Certificate
    window_dxp: str


def make_keys(folder: Path) -> None:
    """Create what is missing below `folder`; two programs may call it at once."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _locked(folder / ".lock"):
        for name, subject in PAIRS.items():
            _make_pair(folder / name, subject)
        for name in SERIALS:
            serial = rsa.serial_of(rsa.load_certificate(folder / f"{name}.cert.pem"))
            _write_missing(folder / f"{name}.serial.txt", serial.encode())
        for name in PUBLICS:
            public = rsa.public_of(rsa.load_certificate(folder / f"{name}.cert.pem"))
            _write_missing(folder / f"{name}.public.pem", _public_pem(public))
        for name, make in TEXTS.items():
            _write_missing(folder / name, make().encode())


def load_keys(folder: Path) -> Keys:
    def text(name: str) -> str:
        return (folder / name).read_text().strip()

    window = rsa.load_certificate(folder / "customs/window.cert.pem")
    return Keys(
        appid=text("wechat/appid.txt"),
        mchid=text("wechat/mchid.txt"),
        api_v3=text("wechat/apiv3.key.txt").encode(),
        api_v2=text("wechat/apiv2.key.txt"),
        merchant=rsa.public_of(rsa.load_certificate(folder / "wechat/merchant.cert.pem")),
        merchant_serial=text("wechat/merchant.serial.txt"),
        platform=rsa.load_private(folder / "wechat/platform.key.pem"),
        platform_pem=(folder / "wechat/platform.cert.pem").read_bytes(),
        platform_serial=text("wechat/platform.serial.txt"),
        alipay_app=rsa.public_of(rsa.load_certificate(folder / "alipay/app.cert.pem")),
        alipay_app_id=text("alipay/app_id.txt"),
        alipay_seller_id=text("alipay/seller_id.txt"),
        alipay=rsa.load_private(folder / "alipay/platform.key.pem"),
        shop_domain=text("shopify/shop_domain.txt"),
        app_secret=text("shopify/app_secret.txt").encode(),
        admin_token=text("shopify/admin_token.txt"),
        standard_secret=text("standard/secret.txt"),
        standard_ours=text("standard/ours.txt"),
        standard_shop_id=text("standard/shop_id.txt"),
        red_app_key=text("xiaohongshu/app_key.txt"),
        red_app_secret=text("xiaohongshu/app_secret.txt"),
        red_token=text("xiaohongshu/token.txt"),
        red_seller_id=text("xiaohongshu/seller_id.txt"),
        cainiao_secret=text("cainiao/app_secret.txt"),
        partner_code=text("cainiao/partner_code.txt"),
        tracking_key=text("17track/api_key.txt"),
        warehouse_secret=text("warehouse/secret.txt"),
        enterprise=rsa.public_of(rsa.load_certificate(folder / "customs/enterprise.cert.pem")),
        enterprise_dxp=text("customs/enterprise.dxp_id.txt"),
        window=rsa.load_private(folder / "customs/window.key.pem"),
        window_certificate=window,
        window_dxp=text("customs/window.dxp_id.txt"),
    )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make_pair(stem: Path, subject: str) -> None:
    key_path, certificate_path = stem.with_name(f"{stem.name}.key.pem"), stem.with_name(f"{stem.name}.cert.pem")
    if certificate_path.exists():
        return
    key = rsa.load_private(key_path) if key_path.exists() else rsa_keys.generate_private_key(65537, 2048)
    _write_missing(key_path, _pem(key))
    _write_missing(certificate_path, _self_signed(key, subject).public_bytes(serialization.Encoding.PEM))


def _pem(key: RSAPrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def _public_pem(key: RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _self_signed(key: RSAPrivateKey, subject: str) -> x509.Certificate:
    """A serial of exactly 20 bytes: WeChat writes 40 hex digits and peers compare them as text."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    start = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), secrets.randbits(156) | (0x5 << 156))
    return builder.not_valid_before(start).not_valid_after(start + timedelta(days=3650)).sign(key, hashes.SHA256())


def _write_missing(path: Path, content: bytes) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(path.name + ".part")
    part.touch(mode=0o600)
    part.write_bytes(content)
    part.replace(path)
