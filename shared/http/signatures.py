"""Signatures over raw bytes: HMAC with several candidate secrets, time windows, Standard Webhooks both ways.

One error for every bad input (SignatureRefused; Stale is one of its kind). Signatures are compared as text, in
constant time: what decodes to the same bytes but is written otherwise is refused too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.errors import BadInput, SignatureRefused, Stale

Digest = Callable[[bytes, bytes], str]  # (key, message) -> the signature as the partner writes it

MISSING: Final = "missing_signature"
BAD: Final = "bad_signature"
STALE: Final = "stale_timestamp"

_DECOY: Final = b"nobody's key"
_MOST_OFFERED: Final = 16


@dataclass(frozen=True, slots=True)
class Secret:
    """One key that a partner may have signed with; several are active while keys rotate. `key_id` may be logged."""

    key_id: str
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not self.key:
            raise BadInput("an empty secret verifies nothing", where=f"secret {self.key_id}")

    @classmethod
    def of_text(cls, key_id: str, text: str) -> Secret:
        """The key is the text itself, in UTF-8."""
        return cls(key_id, text.encode())


def base64_hmac_sha256(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()


def hex_hmac_sha256(key: bytes, message: bytes) -> str:
    """Lower case."""
    return hmac.digest(key, message, hashlib.sha256).hex()


def verify(secrets: Sequence[Secret], message: bytes, offered: Sequence[str], digest: Digest) -> str:
    """The key id of the secret that made one of the offered signatures.

    Every candidate is computed whatever matched before, and with no candidate at all the same work is done,
    so that the time tells nothing of which shop or key exists.
    """
    expected = [(secret.key_id, digest(secret.key, message).encode()) for secret in secrets]
    if not expected:
        digest(_DECOY, message)
    given = [text.encode("utf-8", "replace") for text in offered[:_MOST_OFFERED]]
    matched = [key_id for key_id, right in expected for one in given if hmac.compare_digest(right, one)]
    if not matched:
        raise SignatureRefused(BAD if any(given) else MISSING)
    return matched[0]


def verify_base64(secrets: Sequence[Secret], message: bytes, offered: str | None) -> str:
    """HMAC-SHA256 as base64 text."""
    return verify(secrets, message, [offered or ""], base64_hmac_sha256)


def verify_hex(secrets: Sequence[Secret], message: bytes, offered: str | None) -> str:
    """HMAC-SHA256 as hex digits of either case."""
    return verify(secrets, message, [(offered or "").lower()], hex_hmac_sha256)


def within(signed_at: datetime, now: datetime, tolerance: timedelta) -> None:
    """Refuse what was signed outside of the window, in either direction. Ask only about a time that is signed."""
    if abs(now - signed_at) > tolerance:
        raise Stale(STALE)


def lower_cased(headers: Mapping[str, str]) -> dict[str, str]:
    """Header names do not depend on case; one that then comes twice is refused, not chosen from."""
    lowered = {name.lower(): value for name, value in headers.items()}
    if len(lowered) != len(headers):
        raise SignatureRefused("duplicate_header")
    return lowered


# Standard Webhooks (its specification, read 2026-03): the warehouse, generic partners, our own outgoing ones.

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
TOLERANCE: Final = timedelta(minutes=5)  # the specification's advice, both ways

_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = range(24, 65)
# No full stop: it separates the signed parts, and a shifted boundary would read as another id, time and body.
_MESSAGE_ID: Final = re.compile(r"[!-\-/-~]{1,256}", re.ASCII)
_EPOCH: Final = re.compile(r"[0-9]{1,11}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A verified delivery: `message_id` is the same on every retry, `sent_at` is this attempt's."""

    message_id: str
    sent_at: datetime
    key_id: str


def standard_secret(key_id: str, text: str) -> Secret:
    """`whsec_` + base64 of 24 to 64 random bytes; the key is those bytes. Anything else is BadInput."""
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX).encode(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("not a webhook secret", where=f"secret {key_id}", fix="whsec_ + base64") from error
    if len(key) not in _KEY_BYTES:
        raise BadInput("a webhook secret has 24 to 64 bytes", where=f"secret {key_id}")
    return Secret(key_id, key)


def sign_standard(secrets: Sequence[Secret], message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one attempt. Two secrets while keys rotate: the receiver accepts either."""
    if not secrets or not _MESSAGE_ID.fullmatch(message_id):
        raise BadInput("nothing to sign with, or an id that cannot be signed", where=ID_HEADER)
    seconds = str(int(sent_at.timestamp()))
    content = _content(message_id, seconds, body)
    signatures = " ".join(f"v1,{base64_hmac_sha256(secret.key, content)}" for secret in secrets)
    return {ID_HEADER: message_id, TIMESTAMP_HEADER: seconds, SIGNATURE_HEADER: signatures}


def verify_standard(
    secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now: datetime, tolerance: timedelta = TOLERANCE
) -> Delivery:
    """Any listed `v1` signature that any secret made is enough; other versions are ignored. Then the time is judged."""
    given = lower_cased(headers)
    message_id, seconds = given.get(ID_HEADER, ""), given.get(TIMESTAMP_HEADER, "")
    listed = given.get(SIGNATURE_HEADER, "").split(" ")
    offered = [text.removeprefix("v1,") for text in listed if text.startswith("v1,")]
    if not message_id or not seconds or not offered:
        raise SignatureRefused(MISSING)
    if not _MESSAGE_ID.fullmatch(message_id) or not _EPOCH.fullmatch(seconds):
        raise SignatureRefused(BAD)
    key_id = verify(secrets, _content(message_id, seconds, body), offered, base64_hmac_sha256)
    sent_at = datetime.fromtimestamp(int(seconds), UTC)
    within(sent_at, now, tolerance)
    return Delivery(message_id, sent_at, key_id)


def _content(message_id: str, seconds: str, body: bytes) -> bytes:
    return f"{message_id}.{seconds}.".encode() + body
