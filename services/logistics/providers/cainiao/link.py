"""Cainiao LINK, the envelope: a form whose digest covers one of its fields. Pure, both ways.

`data_digest` = base64(MD5(logistics_interface + secret)), raw 16 bytes. `msg_type` and the codes beside it are not
covered: they choose a reader, nothing more. Source: our logistics reference, "Cainiao LINK" (2026-03).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from shared.errors import BadInput, SignatureRefused
from shared.http.payload import read_form
from shared.http.signatures import MISSING, Secret, verify

FORM: Final = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}

# The acknowledgements, to the byte. S02 is Cainiao's own code for a failed digest.
ACCEPTED: Final = b'{"success":"true"}'
REFUSED: Final = b'{"success":"false","errorCode":"S02","errorMsg":"digest check failed"}'


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Names that are agreed per partner. Only `event_callback` is confirmed.

    `provider_id`: what we are called in calls to Cainiao; `encoding`: UTF-8 unless GBK was agreed.
    """

    provider_id: str
    to_code: str = ""
    event_callback: str = "CAINIAO_GLOBAL_PARCEL_EVENT_CALLBACK"
    trace_push: str = "TRACEPUSH"
    document_answer: str = "CORRIDOR_WAYBILL_DECLARED"
    book: str = "CORRIDOR_WAYBILL_BOOK"
    void: str = "CORRIDOR_WAYBILL_CANCEL"
    intercept: str = "CORRIDOR_PARCEL_INTERCEPT"
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A verified message, not yet understood. `delivery_key`: LINK numbers nothing, so it is the content's digest."""

    msg_type: str
    key_id: str
    delivery_key: str
    received_at: datetime
    content: str = field(repr=False)


def digest(key: bytes, message: bytes) -> str:
    return base64.b64encode(hashlib.md5(message + key, usedforsecurity=False).digest()).decode()


def open_envelope(secrets: Sequence[Secret], body: bytes, now: datetime, settings: LinkSettings) -> Envelope:
    """The message of a pushed form. SignatureRefused for whatever is no form, has no digest or a wrong one."""
    try:
        form = read_form(body, settings.encoding)
        content = form["logistics_interface"]
        # A sender that does not encode "+" makes it arrive as a blank.
        given = form["data_digest"].replace(" ", "+")
        message = content.encode(settings.encoding)
    except (BadInput, KeyError, UnicodeEncodeError) as error:
        raise SignatureRefused(MISSING) from error
    key_id = verify(secrets, message, [given], digest)
    msg_type = form.get("msg_type", "")[:100]
    return Envelope(msg_type, key_id, _delivery_key(msg_type, message), now, content)


def _delivery_key(msg_type: str, message: bytes) -> str:
    return f"cainiao:{msg_type}:{hashlib.sha256(message).hexdigest()}"


def sealed(msg_type: str, content: Mapping[str, Any], secret: Secret, settings: LinkSettings) -> bytes:
    """A form to Cainiao. The same content gives the same bytes: a resend is identical."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    form = {
        "msg_type": msg_type,
        "logistic_provider_id": settings.provider_id,
        **({"to_code": settings.to_code} if settings.to_code else {}),
        "data_digest": digest(secret.key, text.encode(settings.encoding)),
        "logistics_interface": text,
    }
    return urlencode(form, encoding=settings.encoding).encode("ascii")
