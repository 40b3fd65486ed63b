"""The envelope of Alipay's gateway: how a request is signed, and which part of an answer is. Pure.

One URL for all methods. Signed is the text before percent-encoding; an answer's signature is over the exact substring
that stands behind its node's name, never over re-encoded JSON.
Source: Alipay Open Platform documentation (our reference page on payments, 1.1 to 1.3), as of mid 2026.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import urlencode

from services.payments.providers.alipay import statuses
from services.payments.providers.alipay.keys import Account, Trust
from services.payments.providers.base import Unanswered
from services.payments.providers.fields import MAX_BODY_BYTES, Fields
from shared.errors import BadInput, Failure, SignatureRefused

CHINA: Final = timezone(timedelta(hours=8))  # no daylight saving
CONTENT_TYPE: Final = "application/x-www-form-urlencoded;charset=utf-8"
# One `/` that no backslash precedes.
_BARE_SLASH: Final = re.compile(r"(?<!\\)/")
_DECODER: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method; `biz` is the JSON text exactly as it will be signed and sent."""

    method: str
    biz: str
    notify_url: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """What goes over the wire: every public parameter in the query, `biz_content` in the body."""

    query: str
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer's status is told by its content; HTTP says 200 to errors too."""

    status: int
    body: bytes = field(repr=False)


# Requests


def parameters(account: Account, call: Call, now: datetime) -> dict[str, str]:
    """Everything that is signed, as it reads before percent-encoding."""
    return {
        "app_id": account.app_id,
        "method": call.method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": stamp(now),
        "version": "1.0",
        "notify_url": _notify_url(call.notify_url),
        "app_auth_token": account.app_auth_token,
        "app_cert_sn": account.app_cert_sn,
        "alipay_root_cert_sn": account.root_cert_sn,
        "biz_content": call.biz,
    }


def text_to_sign(values: Mapping[str, str]) -> str:
    """Sorted by name, without `sign` and what is empty; `sign_type` stays in (in notifications it does not)."""
    return "&".join(f"{name}={values[name]}" for name in sorted(values) if name != "sign" and values[name])


def signed(account: Account, values: Mapping[str, str]) -> Signed:
    query = _with_signature(account, values)
    body = urlencode({"biz_content": query.pop("biz_content")})
    return Signed(urlencode(sorted(query.items())), body)


def page_query(account: Account, values: Mapping[str, str]) -> str:
    """Page methods are no calls of ours: this query behind the gateway's URL sends the buyer's browser there."""
    return urlencode(sorted(_with_signature(account, values).items()))


def _with_signature(account: Account, values: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in values.items() if value}
    return kept | {"sign": account.sign(text_to_sign(kept).encode("utf-8"))}


def stamp(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _notify_url(url: str) -> str:
    if len(url) > 256:
        raise BadInput("at most 256 characters", where="notify_url")
    return url


# Answers


def receive(answer: Answered, method: str, trust: Trust) -> Fields:
    """The fields of an answer that Alipay signed and that says 10000.

    Anything else is raised as what it means for us. SignatureRefused where it is not authentic; BadInput where it is
    no answer at all.
    """
    if answer.status != 200:
        raise Unanswered(f"Alipay answered HTTP {answer.status}")
    parts = members(answer.body)
    node = parts.get(node_name(method)) or parts.get("error_response")
    if node is None:
        raise BadInput("an answer to something else", where="body")
    if "sign" not in parts:
        raise _refusal(method, Fields.parse(node.encode()), signed=False)
    _verify(node, parts, trust)
    fields = Fields.parse(node.encode())
    if fields.text("code", limit=16) != statuses.SUCCESS:
        raise _refusal(method, fields, signed=True)
    return fields


def node_name(method: str) -> str:
    return f"{method.replace('.', '_')}_response"


def members(raw: bytes) -> dict[str, str]:
    """Name → the exact text of its value, of one JSON object. Braces and quotes inside strings are just text."""
    if len(raw) > MAX_BODY_BYTES:
        raise BadInput(f"{len(raw)} bytes are too many", where="body")
    try:
        return _members(raw.decode("utf-8").strip(" \t\r\n"))
    except (ValueError, IndexError, RecursionError) as error:
        raise BadInput("not one JSON object in UTF-8", where="body") from error


def _members(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = _expect(text, 0, "{")
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        start = _expect(text, _skip(text, at), ":")
        _, end = _DECODER.raw_decode(text, start)
        if not isinstance(name, str) or name in found:
            raise ValueError("a name that is none, or twice the same")
        found[name] = text[start:end]
        at = _skip(text, end)
        if text[at] != "}":
            at = _expect(text, at, ",")
    if at + 1 != len(text):
        raise ValueError("text behind the object")
    return found


def _expect(text: str, at: int, mark: str) -> int:
    """The place after `mark` and the blanks behind it."""
    if text[at] != mark:
        raise ValueError(f"{mark} is missing")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at


def _verify(node: str, parts: Mapping[str, str], trust: Trust) -> None:
    signature, sn = (_string(parts, name) for name in ("sign", "alipay_cert_sn"))
    try:
        trust.verify(node.encode("utf-8"), signature, sn)
    except SignatureRefused:
        escaped = _BARE_SLASH.sub(r"\\/", node)
        if escaped == node:
            raise
        # The vendor's own fallback: some answers were signed with every slash escaped.
        trust.verify(escaped.encode("utf-8"), signature, sn)


def _string(parts: Mapping[str, str], name: str) -> str:
    value = json.loads(parts.get(name, '""'))
    return value if isinstance(value, str) else ""


def _refusal(method: str, fields: Fields, *, signed: bool) -> Failure:
    """What an answer that is no success says. Unsigned words are told to nobody as more than an error."""
    code = fields.optional_text("code", limit=16)
    if code == statuses.SUCCESS:
        return SignatureRefused("a success without a signature")
    sub_code = fields.optional_text("sub_code", limit=128)
    return statuses.failure(method, code, sub_code, fields.optional_text("sub_msg"), signed=signed)
