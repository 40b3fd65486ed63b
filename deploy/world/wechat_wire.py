"""WeChat Pay APIv3 as the provider speaks it: whom it believes, how it signs, what it encrypts.

Source: our reference page on payments, sections 3.1 to 3.8 (merchant documentation, read in 2026).
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deploy.world import rsa, times

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
CLOCK_SECONDS: Final = 300
_PAIR: Final = re.compile(r'(\w+)="([^"]*)"')
_FIELDS: Final = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}


def authorization(header: str) -> dict[str, str] | None:
    """The five fields of a merchant's Authorization header; None when one is missing or the scheme differs."""
    scheme, _, rest = header.partition(" ")
    fields = dict(_PAIR.findall(rest))
    return fields if scheme == SCHEME and set(fields) == _FIELDS else None


def request_text(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """Five lines, each ended by LF, the last too. `target` is path and query as sent."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def refuse_request(
    header: str, method: str, target: str, body: bytes, merchant: RSAPublicKey, mchid: str, serial: str, epoch: int
) -> str | None:
    """Why the merchant's request is not believed; None when it is. Time is looked at before the signature."""
    fields = authorization(header)
    if fields is None:
        return "Authorization header malformed"
    if fields["mchid"] != mchid or fields["serial_no"] != serial:
        return "unknown merchant or certificate serial"
    if not fields["timestamp"].isdigit() or abs(epoch - int(fields["timestamp"])) > CLOCK_SECONDS:
        return "timestamp outside five minutes"
    text = request_text(method, target, fields["timestamp"], fields["nonce_str"], body)
    return None if rsa.verifies(merchant, fields["signature"], text, hashes.SHA256()) else "signature does not match"


def signed_headers(key: RSAPrivateKey, serial: str, body: bytes, epoch: int) -> dict[str, str]:
    """Headers of an answer or a callback over exactly these body bytes (a 204 signs an empty line)."""
    nonce = secrets.token_hex(16).upper()
    text = f"{epoch}\n{nonce}\n".encode() + body + b"\n"
    return {
        "Wechatpay-Timestamp": str(epoch),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": rsa.sign_sha256(key, text),
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature-Type": SCHEME,
    }


def probe_headers(serial: str, epoch: int) -> dict[str, str]:
    """A signature probe: a receiver that answers 2xx to this would believe anybody."""
    junk = base64.b64encode(secrets.token_bytes(230)).decode()
    return {
        "Wechatpay-Timestamp": str(epoch),
        "Wechatpay-Nonce": secrets.token_hex(16).upper(),
        "Wechatpay-Signature": f"WECHATPAY/SIGNTEST/{junk}",
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature-Type": SCHEME,
    }


def encrypt(key: bytes, plaintext: bytes, aad: str, nonce: str) -> str:
    """AEAD_AES_256_GCM: base64 of the encrypted bytes followed by the tag; IV and AAD are the UTF-8 texts."""
    sealed = AESGCM(key).encrypt(nonce.encode(), plaintext, aad.encode() or None)
    return base64.b64encode(sealed).decode()


def callback(
    key: bytes, *, event_id: str, event_type: str, summary: str, kind: str, content: dict[str, Any], at: datetime
) -> bytes:
    """The envelope of a notification; `kind` is both the original type and the associated data."""
    nonce = secrets.token_hex(6)
    resource = {
        "original_type": kind,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": encrypt(key, compact(content), kind, nonce),
        "associated_data": kind,
        "nonce": nonce,
    }
    return compact(
        {
            "id": event_id,
            "create_time": times.rfc3339(at),
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": summary,
            "resource": resource,
        }
    )


def certificates(key: bytes, pem: bytes, serial: str, start: datetime, end: datetime) -> bytes:
    """Answer of GET /v3/certificates with one certificate, encrypted under the APIv3 key."""
    nonce = secrets.token_hex(6)
    sealed = {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": nonce,
        "associated_data": "certificate",
        "ciphertext": encrypt(key, pem, "certificate", nonce),
    }
    entry = {
        "serial_no": serial,
        "effective_time": times.rfc3339(start),
        "expire_time": times.rfc3339(end),
        "encrypt_certificate": sealed,
    }
    return compact({"data": [entry]})


def compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
