"""Our answer at the door to an envelope of the platform: a `DxpRep`, with the original head where there was one.

Source: GACC enterprise message specification, edition 202205. The code for "taken" is printed nowhere (unconfirmed).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lxml import etree

from services.customs.documents import BEIJING
from services.customs.providers.ceb.dxp import NS, Envelope

TAKEN: Final = "0"
_Q: Final = "{" + NS + "}"
_LONGEST_INFO: Final = 300


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, _Q + name)
    child.text = text
    return child


def build(code: str, info: str, at: datetime, envelope: Envelope | None = None) -> bytes:
    """`RecevierId` is the schema's own spelling; it names whom the answer is for: the sender."""
    root = etree.Element(_Q + "DxpRep", nsmap={None: NS})
    root.set("ver", "1.0")
    _add(root, "RecevierId", envelope.sender_id if envelope else "")
    response = _add(root, "Response")
    _add(response, "ResponseCode", code)
    _add(response, "ResponseInfo", info[:_LONGEST_INFO])
    _add(response, "NoticeTime", _local(at))
    head = _add(response, "OriHead")
    if envelope is not None:
        _quote(head, envelope)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _quote(head: etree._Element, envelope: Envelope) -> None:
    _add(head, "CopMsgId", envelope.cop_msg_id)
    _add(head, "SenderId", envelope.sender_id)
    receivers = _add(head, "ReceiverIds")
    for receiver in envelope.receiver_ids:
        _add(receivers, "ReceiverId", receiver)
    _add(head, "CreatTime", _local(envelope.created_at))
    _add(head, "MsgType", envelope.message_type)


def _local(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y-%m-%dT%H:%M:%S")
