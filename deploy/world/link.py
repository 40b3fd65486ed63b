"""Cainiao LINK: a form with a digest over one of its fields.

Source: our reference page on logistics, section 2.5. The message types of booking and of the declared waybill are
agreed per partner and unconfirmed; they are settings.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

FORM: Final = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
ACCEPTED: Final = b'{"success":"true"}'


def digest(content: str, secret: str) -> str:
    """base64 of the raw 16 bytes of MD5(content + secret), both UTF-8."""
    return base64.b64encode(hashlib.md5((content + secret).encode()).digest()).decode()  # noqa: S324


def form(msg_type: str, content: Mapping[str, Any], *, secret: str, partner: str, from_code: str) -> bytes:
    """What Cainiao sends: the content is serialised once and signed as it is."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    fields = {
        "msg_type": msg_type,
        "from_code": from_code,
        "partner_code": partner,
        "data_digest": digest(text, secret),
        "logistics_interface": text,
    }
    return urlencode(fields).encode()


def parse(body: bytes) -> dict[str, str]:
    """Fields of a form; blanks in the digest become `+` again (a sender may forget to encode it)."""
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    except (UnicodeDecodeError, ValueError):
        return {}
    if "data_digest" in fields:
        fields["data_digest"] = fields["data_digest"].replace(" ", "+")
    return fields


def verifies(fields: Mapping[str, str], secret: str) -> bool:
    expected = digest(fields.get("logistics_interface", ""), secret)
    return hmac.compare_digest(fields.get("data_digest", "").encode(), expected.encode())


def accepted(body: bytes) -> bool:
    """Cainiao takes the partner's word in the body, not the HTTP status alone; `success` is a text or a boolean."""
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("success") in ("true", True)


def refusal(code: str, message: str) -> bytes:
    answer = {"success": "false", "errorCode": code, "errorMsg": message}
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
