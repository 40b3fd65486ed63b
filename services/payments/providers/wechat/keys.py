"""Keys of a WeChat Pay account and what is done with them: sign, verify, decrypt, encrypt a field. Pure.

Source: WeChat Pay API v3 developer documentation, "signature generation", "signature verification",
"certificate and callback decryption", "sensitive field encryption", as of mid 2026.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from shared.errors import BadInput, SignatureRefused, Stale, Transient, Unrecognised

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
PROBE: Final = "WECHATPAY/SIGNTEST/"
WINDOW_SECONDS: Final = 300  # either way; a redelivery carries a fresh timestamp, so genuine retries never age
ALGORITHM: Final = "AEAD_AES_256_GCM"
_HEADERS: Final = ("wechatpay-timestamp", "wechatpay-nonce", "wechatpay-signature", "wechatpay-serial")
# SHA-1 as in the vendor's samples and SDKs; one FAQ text says SHA-256 and is taken for an error.
_OAEP: Final = padding.OAEP(mgf=padding.MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)  # noqa: S303 - see above


class UnknownSerial(SignatureRefused):
    """Signed with a platform key that is not loaded: fetch the key set once and look again."""

    code: ClassVar[str] = "signature.unknown_key"


class Undecryptable(Transient):
    """Authentic, but sealed with another APIv3 key than ours: answered 500 so that it comes again, with an alert."""

    code: ClassVar[str] = "wechat.undecryptable"


@dataclass(frozen=True, slots=True)
class Merchant:
    """Our account. Keys are objects, loaded once; `serial_no` is that of the merchant certificate."""

    appid: str
    mchid: str
    serial_no: str
    key: RSAPrivateKey = field(repr=False)
    aead: AESGCM = field(repr=False)
    apiv2_key: str = field(repr=False)

    @classmethod
    def load(
        cls, *, appid: str, mchid: str, serial_no: str, key: RSAPrivateKey, apiv3_key: str, apiv2_key: str
    ) -> Self:
        """`apiv3_key`: 32 ASCII characters, used as they are (not hex)."""
        if len(apiv3_key) != 32 or not apiv3_key.isascii():
            raise BadInput("an APIv3 key has 32 ASCII characters", where="apiv3_key")
        aead = AESGCM(apiv3_key.encode("ascii"))
        return cls(appid, mchid, serial_no, key, aead, apiv2_key)

    def sign(self, text: bytes) -> str:
        """SHA256withRSA (PKCS#1 v1.5), Base64. Same text, same signature."""
        return base64.b64encode(self.key.sign(text, padding.PKCS1v15(), SHA256())).decode("ascii")

    def decrypt_field(self, ciphertext: str) -> str:
        """A sensitive answer field, sealed to our certificate."""
        try:
            return self.key.decrypt(decode64(ciphertext, "field"), _OAEP).decode("utf-8")
        except ValueError as error:
            raise BadInput("not sealed with our certificate", where="field") from error

    def unseal(self, nonce: str, associated_data: str, ciphertext: str) -> bytes:
        """AES-256-GCM as in callbacks and certificate lists; the tag is the ciphertext's last 16 bytes."""
        sealed = decode64(ciphertext, "resource.ciphertext")
        if not 8 <= len(nonce.encode()) <= 128 or len(sealed) < 16:
            raise BadInput("not an AEAD_AES_256_GCM resource", where="resource")
        try:
            return self.aead.decrypt(nonce.encode(), sealed, associated_data.encode() or None)
        except InvalidTag as error:
            raise Undecryptable("the APIv3 key does not open this resource") from error


@dataclass(frozen=True, slots=True)
class PlatformKey:
    """One public key of the provider. `serial`: certificate serial (40 hex) or PUB_KEY_ID_…, compared exactly."""

    serial: str
    key: RSAPublicKey = field(repr=False)
    effective: datetime | None = None  # None: a public key of the public key mode, which has no life span
    expires: datetime | None = None

    @classmethod
    def from_certificate(cls, pem: bytes) -> Self:
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            key = certificate.public_key()
            begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        except (ValueError, TypeError, x509.InvalidVersion) as error:
            raise BadInput("not a certificate", where="certificate") from error
        if not isinstance(key, RSAPublicKey):
            raise Unrecognised("certificate key", type(key).__name__)
        return cls(f"{certificate.serial_number:040X}", key, begins, ends)

    def live(self, now: datetime) -> bool:
        return self.expires is None or now < self.expires

    def encrypt_field(self, text: str) -> str:
        """RSAES-OAEP, Base64; the request must name `serial` in Wechatpay-Serial. At most 214 bytes for 2048 bits."""
        try:
            return base64.b64encode(self.key.encrypt(text.encode("utf-8"), _OAEP)).decode("ascii")
        except ValueError as error:  # too long, or a lone surrogate
            raise BadInput("cannot be encrypted as one field", where="field") from error


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Every platform key that may sign: during a switch between the modes both kinds arrive for about a week."""

    keys: Mapping[str, PlatformKey]

    @classmethod
    def of(cls, keys: Iterable[PlatformKey]) -> Self:
        return cls({key.serial: key for key in keys})

    def including(self, more: Iterable[PlatformKey], now: datetime) -> KeyRing:
        """Old keys stay until they expire: what they signed may still be on its way."""
        return KeyRing.of(key for key in (*self.keys.values(), *more) if key.live(now))

    def newest(self) -> PlatformKey | None:
        """The key for outgoing fields: the public key where the account has one, else the latest certificate."""
        timeless = [key for key in self.keys.values() if key.effective is None]
        dated = [(key.effective, key) for key in self.keys.values() if key.effective is not None]
        return timeless[0] if timeless else max(dated, key=lambda pair: pair[0])[1] if dated else None

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Whether WeChat Pay signed exactly these bytes in the last 300 s. Raises SignatureRefused, and nothing else.

        Every check but the last is cheap and comes first; the body is not parsed. Probes
        (`WECHATPAY/SIGNTEST/…`) are refused like any forgery, with a reason of their own so that nobody is woken.
        """
        timestamp, nonce, signature, serial = _signed_headers(headers)
        _check_window(timestamp, now)
        if signature.startswith(PROBE):
            raise SignatureRefused("probe")
        key = self.keys.get(serial)
        if key is None:
            raise UnknownSerial("unknown serial")
        if not key.live(now):
            raise SignatureRefused("expired key")
        text = b"%s\n%s\n%s\n" % (timestamp.encode("ascii"), nonce.encode("ascii"), body)
        try:
            key.key.verify(_signature_bytes(signature), text, padding.PKCS1v15(), SHA256())
        except InvalidSignature as error:
            raise SignatureRefused("forged") from error


def decode64(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadInput("not Base64", where=where) from error


def _signature_bytes(text: str) -> bytes:
    # One spelling only: the unused bits of the last Base64 digit would otherwise let an altered header pass.
    try:
        decoded = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise SignatureRefused("signature is not Base64") from error
    if base64.b64encode(decoded).decode("ascii") != text:
        raise SignatureRefused("signature is not Base64")
    return decoded


def _signed_headers(headers: Mapping[str, str]) -> tuple[str, str, str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    values = [lower.get(name, "") for name in _HEADERS]
    # Printable ASCII: a line feed inside a value would move the border between the signed lines.
    if not all(value and len(value) <= 1024 and value.isascii() and value.isprintable() for value in values):
        raise SignatureRefused("signature headers missing or malformed")
    timestamp, nonce, signature, serial = values
    return timestamp, nonce, signature, serial


def _check_window(timestamp: str, now: datetime) -> None:
    if not timestamp.isdigit() or len(timestamp) > 12:
        raise SignatureRefused("timestamp is not epoch seconds")
    if abs(now.timestamp() - int(timestamp)) > WINDOW_SECONDS:
        raise Stale("timestamp outside the window")
