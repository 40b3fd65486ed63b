"""Standard Webhooks, both ways (specification 1.0): HMAC-SHA256 over `id.timestamp.body`."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

TOLERANCE_SECONDS: Final = 300


def key_of(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"))


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()


def headers(secret: str, message_id: str, epoch: int, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(epoch),
        "webhook-signature": signature(secret, message_id, str(epoch), body),
    }


def refuse(headers_in: Mapping[str, str], body: bytes, secret: str, epoch: int) -> str | None:
    """Why a delivery is not believed; None when it is. Any listed v1 signature that matches is enough."""
    message_id, timestamp = headers_in.get("webhook-id", ""), headers_in.get("webhook-timestamp", "")
    if not message_id or not timestamp.isdigit() or abs(epoch - int(timestamp)) > TOLERANCE_SECONDS:
        return "webhook-id or webhook-timestamp missing or outside five minutes"
    wanted = signature(secret, message_id, timestamp, body).encode()
    given = headers_in.get("webhook-signature", "").split()
    if any(hmac.compare_digest(one.encode(), wanted) for one in given):
        return None
    return "no signature matches"
