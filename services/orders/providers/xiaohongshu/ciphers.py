"""Xiaohongshu's hidden texts: `#index#cipher#type##`. What is hidden, the request that opens it, the answer. Pure.

Member names of `data.batchDecrypt` are unconfirmed. Source: our marketplace reference, "Xiaohongshu".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from services.orders.canonical import Recipient
from shared.errors import Permanent
from shared.http.payload import Fields

_HIDDEN: Final = re.compile(r"#[^#]*#[^#]+#[1-5]##", re.ASCII)


class NotOpened(Permanent):
    """The platform did not open a receiver's text: without it nothing can be sent there."""

    code = "orders.receiver-hidden"


def of(receiver: Recipient) -> Mapping[str, str]:
    """The texts of a receiver that are hidden, by field."""
    texts = {"name": receiver.name, "phone": receiver.phone, "street": receiver.street}
    return {field: text for field, text in texts.items() if text and _HIDDEN.fullmatch(text)}


def build(external_order_id: str, hidden: Mapping[str, str]) -> dict[str, Any]:
    infos = [{"dataTag": external_order_id, "encryptedData": text} for text in hidden.values()]
    return {"baseInfos": infos, "actionType": "1"}


def opened(receiver: Recipient, answer: Fields, hidden: Mapping[str, str]) -> Recipient:
    """The receiver in plain text. NotOpened where a hidden field was not opened."""
    infos = answer.children("dataInfoList")
    plain = {info.text("encryptedData"): info.maybe_text("decryptedData") for info in infos}
    found = {field: plain.get(text) for field, text in hidden.items()}
    if missing := sorted(field for field, text in found.items() if not text):
        raise NotOpened(f"not opened: {', '.join(missing)}")
    return replace(
        receiver,
        name=found.get("name", receiver.name),
        phone=found.get("phone", receiver.phone),
        street=found.get("street", receiver.street),
    )
