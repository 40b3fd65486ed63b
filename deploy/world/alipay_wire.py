"""Alipay's bytes, from its side: whom to believe, and how answers and notifications are signed.

Source: our reference page on payments, sections 1.2 to 1.4. Shares no code with the services, so that it checks theirs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from deploy.world import rsa, times

Json = dict[str, Any]
CLOCK_SKEW: Final = 900  # seconds by which a request's timestamp may be off; the gateway's own window is not published


def stamp(at: datetime) -> str:
    return at.astimezone(times.CHINA).strftime("%Y-%m-%d %H:%M:%S")


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def fen(text: object) -> int:
    """Of an amount with exactly two places; 0 where it is none."""
    whole, point, places = str(text).partition(".")
    digits = whole + places
    return int(digits) if point and len(places) == 2 and digits.isascii() and digits.isdecimal() else 0


def parameters(query: str, body: str) -> dict[str, str]:
    """Public ones from the query, business ones from the body; a name twice is no request."""
    pairs = [*parse_qsl(query, keep_blank_values=True), *parse_qsl(body, keep_blank_values=True)]
    values = dict(pairs)
    return values if len(values) == len(pairs) else {}


def refuse_request(values: Mapping[str, str], key: RSAPublicKey, app_id: str, now: datetime) -> str:
    """The gateway's sub_code for a request that is not believed; "" for one that is."""
    if values.get("app_id") != app_id:
        return "isv.invalid-app-id"
    if values.get("sign_type") != "RSA2" or values.get("charset") != "utf-8" or values.get("version") != "1.0":
        return "isv.invalid-signature-type"
    try:
        sent = datetime.strptime(values.get("timestamp", ""), "%Y-%m-%d %H:%M:%S").replace(tzinfo=times.CHINA)
    except ValueError:
        return "isv.invalid-timestamp"
    if abs((now - sent).total_seconds()) > CLOCK_SKEW:
        return "isv.invalid-timestamp"
    believed = rsa.verifies(key, values.get("sign", ""), request_text(values).encode(), hashes.SHA256())
    return "" if believed else "isv.invalid-signature"


def request_text(values: Mapping[str, str]) -> str:
    """Without `sign` and what is empty; `sign_type` is part of it."""
    return "&".join(f"{name}={values[name]}" for name in sorted(values) if name != "sign" and values[name])


def business(values: Mapping[str, str]) -> Json | None:
    try:
        content: Any = json.loads(values.get("biz_content", ""))
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def answer(key: RSAPrivateKey, method: str, fields: Mapping[str, Any]) -> bytes:
    """The signature is over the node's exact text; slashes are escaped in it, as the real gateway does."""
    node = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
    name = f"{method.replace('.', '_')}_response"
    return f'{{"{name}":{node},"sign":"{rsa.sign_sha256(key, node.encode())}"}}'.encode()


def unsigned(method: str, fields: Mapping[str, Any]) -> bytes:
    """What the gateway says to whom it does not believe."""
    return json.dumps({f"{method.replace('.', '_')}_response": fields}, ensure_ascii=False).encode()


def notification(key: RSAPrivateKey, fields: Mapping[str, str]) -> bytes:
    """A form; empty values are left out, `sign_type` is not signed."""
    kept = {name: value for name, value in fields.items() if value}
    text = "&".join(f"{name}={kept[name]}" for name in sorted(kept))
    return urlencode(kept | {"sign_type": "RSA2", "sign": rsa.sign_sha256(key, text.encode())}).encode()
