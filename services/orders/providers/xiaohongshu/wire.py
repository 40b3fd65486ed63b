"""Xiaohongshu's pushes and its one API address: verify, look, parse, sign, read answers. Pure.

A push is signed over its path, its query and two headers; the **body is not signed**. So nothing that a push says moves
anything: it names orders to be fetched, and the fetched order is believed. API answers come over a connection that
we opened to the platform; our requests are signed over method, app and time, the token opens the seller's data.
Source: our marketplace reference, "Xiaohongshu" (open platform documentation, read 2026-03).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from services.orders.canonical import Refund, RefundStatus
from services.orders.providers.base import OrderTouched, Push
from services.orders.providers.xiaohongshu import statuses
from services.orders.providers.xiaohongshu.snapshot import MARKETPLACE, at_milliseconds
from shared.errors import BadInput, Permanent, SignatureRefused, Stale, Transient, Unrecognised
from shared.http.payload import Fields, read_list, read_object
from shared.http.signatures import BAD, Secret, lower_cased, within
from shared.http.signatures import verify as verify_any
from shared.money import Money

MAX_AGE: Final = timedelta(minutes=15)  # project rule: the one retry comes after 5; whether it is refreshed is unknown
ACK: Final = b'{"success":true,"error_code":0,"error_msg":""}'
_BAD_SIGN: Final = b'{"success":false,"error_code":401,"error_msg":"bad sign"}'
_STALE: Final = b'{"success":false,"error_code":401,"error_msg":"stale"}'
_VERSION: Final = "2.0"
_BUSY: Final = frozenset({429, 500, 502, 503, 504})  # error codes that pass by themselves (unconfirmed)


# --- pushes -----------------------------------------------------------------------------------------------------------


def verify(
    secrets: Sequence[Secret],
    path: str,
    query: str,
    headers: Mapping[str, str],
    now: datetime,
    max_age: timedelta = MAX_AGE,
) -> str:
    """The key id of the secret that signed. SignatureRefused, or Stale beyond `max_age`; nothing else."""
    given = lower_cased(headers)
    seconds = given.get("timestamp", "")
    pairs = [*parse_qsl(query, keep_blank_values=True), ("app-key", given.get("app-key", "")), ("timestamp", seconds)]
    content = path + "?" + "&".join(f"{name}={value}" for name, value in sorted(pairs))
    key_id = verify_any(secrets, content.encode(), [given.get("sign", "").lower()], _md5)
    within(_epoch(seconds), now, max_age)
    return key_id


def _md5(key: bytes, content: bytes) -> str:
    # The platform's scheme, not ours: a suffixed MD5. The unguessable path and the fetch make up for it.
    return hashlib.md5(content + key, usedforsecurity=False).hexdigest()


def _epoch(seconds: str) -> datetime:
    if not seconds.isascii() or not seconds.isdigit() or len(seconds) > 11:
        raise SignatureRefused(BAD)
    return datetime.fromtimestamp(int(seconds), UTC)


def refused(failure: Exception) -> bytes:
    """The platform's own words for no."""
    return _STALE if isinstance(failure, Stale) else _BAD_SIGN


def is_url_test(body: bytes) -> bool:
    """`{"test":true}` asks whether anybody listens; whoever sent it is answered (whether it is signed is unknown)."""
    try:
        return read_object(body).values == {"test": True}
    except BadInput:
        return False


def read(body: bytes, connections: Mapping[str, str], key_id: str, now: datetime) -> tuple[Push, ...]:
    """One push per message. `connections`: connection by seller, of all sellers who may come by this door.

    BadInput where the body is no list of messages.
    """
    messages = read_list(body)
    if not messages:
        raise BadInput("a push without messages", where="body")
    return tuple(_look(message, connections, key_id, now) for message in messages)


def _look(message: Fields, connections: Mapping[str, str], key_id: str, now: datetime) -> Push:
    raw = json.dumps(message.values, ensure_ascii=False, separators=(",", ":"), default=str).encode()
    digest = hashlib.sha256(raw).hexdigest()
    claims = _claims(message, now)
    return Push(
        connection=connections.get(claims.seller, ""),
        marketplace=MARKETPLACE,
        shop_id=claims.seller,
        key_id=key_id,
        topic=claims.tag,
        kind=statuses.TAGS.get(claims.tag),
        delivery_key=claims.key if claims.order_id else f"{MARKETPLACE}:{claims.seller}:{claims.tag}:{digest}",
        effect_key=claims.key if claims.order_id else None,
        body_sha256=digest,
        triggered_at=claims.at,
        external_order_id=claims.order_id,
        external_status=claims.status,
        body=raw,
        fields=claims.data,
        external_refund_id=claims.refund_id,
    )


@dataclass(frozen=True, slots=True)
class _Claims:
    """What a message says of itself, as far as it can be read."""

    seller: str
    tag: str
    data: Fields | None
    at: datetime
    order_id: str | None = None
    refund_id: str | None = None
    status: str | None = None

    @property
    def key(self) -> str:
        updated = int(self.at.timestamp() * 1000)
        named = self.refund_id or self.order_id
        return f"{MARKETPLACE}:{self.seller}:{self.tag}:{named}:{self.status or ''}:{updated}"


def _claims(message: Fields, now: datetime) -> _Claims:
    try:
        seller, tag = message.identifier("sellerId"), message.identifier("msgTag")
    except BadInput:
        return _Claims("", "", None, now)
    try:
        data = read_object(message.text("data").encode())
        at = at_milliseconds(data, "updateTime") or now
        refund_id = data.maybe_identifier("returnsId")
        status = str(data.integer("orderStatus")) if data.has("orderStatus") else None
        return _Claims(seller, tag, data, at, data.identifier("orderId"), refund_id, status)
    except BadInput:
        return _Claims(seller, tag, None, now)


def parse(push: Push) -> OrderTouched:
    """Which order to fetch. Unrecognised for an unknown tag or status, BadInput where no order is named.

    Both are for quarantine. A status is only looked at to see whether we know the word: what counts is the fetched one.
    """
    if push.topic not in statuses.TAGS:
        raise Unrecognised("msgTag", push.topic)
    if not push.connection:
        raise Unrecognised("sellerId", push.shop_id)
    if push.fields is None or push.external_order_id is None:
        raise BadInput("the message names no order", where="data.orderId")
    if push.external_status is not None:
        statuses.known(statuses.ORDER, int(push.external_status), "orderStatus")
    claim = _claim(push.fields) if push.topic in statuses.AFTER_SALE else None
    return OrderTouched(push.external_order_id, push.topic, claim)


def _claim(data: Fields) -> Refund | None:
    """The after-sale's id and amount in **yuan**; the order shows neither. None where it does not say both."""
    if not data.has("returnsId") or not data.has("refundFee"):
        return None
    kind = statuses.known(statuses.RETURN_TYPE, data.integer("returnType"), "returnType")
    fen = data.decimal("refundFee", below=10**9) * 100
    if fen != fen.to_integral_value():
        data.refuse("refundFee", "an amount in yuan")
    return Refund(data.identifier("returnsId"), kind, RefundStatus.REQUESTED, Money(int(fen), "CNY"))


# --- our calls --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class App:
    """Our application on the platform and one seller's token for it."""

    key: str
    secret: str = field(repr=False)
    token: str = field(repr=False)


class ChannelRefused(Permanent):
    """The platform refused the call; it says so to identical ones too."""

    code = "orders.channel-refused"


def sign(method: str, app_key: str, seconds: str, secret: str) -> str:
    """Neither business parameters nor the token are signed."""
    return _md5(secret.encode(), f"{method}?appId={app_key}&timestamp={seconds}&version={_VERSION}".encode())


def build(app: App, method: str, parameters: Mapping[str, Any], now: datetime) -> bytes:
    seconds = str(int(now.timestamp()))
    common = {
        "method": method,
        "appId": app.key,
        "timestamp": seconds,
        "version": _VERSION,
        "sign": sign(method, app.key, seconds, app.secret),
        "accessToken": app.token,
    }
    return json.dumps({**common, **parameters}, ensure_ascii=False, separators=(",", ":")).encode()


def parse_answer(body: bytes) -> Fields:
    """The whole answer of a call that succeeded. Transient where the platform is busy, else ChannelRefused."""
    answer = read_object(body)
    if answer.flag("success"):
        return answer
    code = answer.integer("error_code", least=-(10**9)) if answer.has("error_code") else -1
    if code in _BUSY:
        raise Transient(f"xiaohongshu.{code}")
    raise ChannelRefused(f"the platform answered {code}")
