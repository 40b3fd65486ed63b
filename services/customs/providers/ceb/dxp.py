"""The exchange platform's envelope, as a terminal node uses it: `DxpMsg` both ways, `DxpRep` as the answer at the door.

Source: GACC enterprise message specification, edition 202205. Time zone of CreatTime: Beijing (unconfirmed). Receipts
carry no signature of their own, so the envelope's is the only proof of where they come from.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from services.customs.documents import BEIJING
from services.customs.providers.base import WindowAnswer
from services.customs.providers.ceb.parser import MAX_BYTES, parse
from services.customs.providers.ceb.signature import Signer, Verifier, attach, verify
from shared.errors import BadInput, Unrecognised

NS: Final = "http://www.chinaport.gov.cn/dxp"
IMPORT_CUSTOMS: Final = "DXPEDCCEB0000002"  # receiver ids seen in the specification's samples
EXPORT_CUSTOMS: Final = "DXPEDCCEB0000003"
_Q: Final = "{" + NS + "}"
_LIMITS: Final = {"CopMsgId": 255, "SenderId": 16, "ReceiverId": 16, "MsgType": 30, "ResponseCode": 9}


@dataclass(frozen=True, slots=True)
class Envelope:
    """`cop_msg_id` is the sender's and unique: a CEB900 names it, so it is stored before the envelope leaves."""

    cop_msg_id: str
    sender_id: str
    receiver_ids: tuple[str, ...]
    created_at: datetime
    message_type: str
    data: bytes


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, _Q + name)
    if text is not None:
        child.text = _bounded(name, text)
    return child


def _bounded(name: str, text: str) -> str:
    if not 0 < len(text) <= _LIMITS.get(name, len(text)):
        raise BadInput("empty or too long", where=name)
    return text


def _tree(envelope: Envelope) -> etree._Element:
    root = etree.Element(_Q + "DxpMsg", nsmap={None: NS})
    root.set("ver", "1.0")
    info = _add(root, "TransInfo")
    _add(info, "CopMsgId", envelope.cop_msg_id)
    _add(info, "SenderId", envelope.sender_id)
    receivers = _add(info, "ReceiverIds")
    for receiver in envelope.receiver_ids:
        _add(receivers, "ReceiverId", receiver)
    _add(info, "CreatTime", envelope.created_at.astimezone(BEIJING).strftime("%Y-%m-%dT%H:%M:%S"))
    _add(info, "MsgType", envelope.message_type)
    _add(root, "Data", base64.b64encode(envelope.data).decode())
    return root


def build(envelope: Envelope, signer: Signer | None) -> bytes:
    """The bytes to store and to send, also when they are sent again. `None`: the platform asks for no signature."""
    if not 1 <= len(envelope.receiver_ids) <= 5:
        raise BadInput("one to five receivers", where="ReceiverIds")
    try:
        root = _tree(envelope)
    except ValueError as error:
        raise BadInput("a character that XML cannot carry", where="TransInfo") from error
    if signer is not None:
        attach(root, signer)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _one(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(_Q + name)
    if len(found) != 1:
        raise BadInput(f"{len(found)} elements instead of one", where=name)
    return found[0]


def _text(parent: etree._Element, name: str) -> str:
    element = _one(parent, name)
    if len(element):
        raise BadInput("text expected", where=name)
    return _bounded(name, (element.text or "").strip())


def _time(text: str, where: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput("not a date and time", where=where) from error
    return at.replace(tzinfo=BEIJING) if at.tzinfo is None else at


def _data(root: etree._Element) -> bytes:
    try:
        return base64.b64decode("".join(_text(root, "Data").split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("not base64", where="Data") from error


def _root(root: etree._Element, name: str) -> etree._Element:
    if root.tag != _Q + name:
        raise Unrecognised("exchange platform message", str(root.tag))
    return root


def read(root: etree._Element) -> Envelope:
    """An envelope from its tree; from outside only through `open_envelope`."""
    if _root(root, "DxpMsg").get("ver") != "1.0":
        raise Unrecognised("DxpMsg version", root.get("ver", ""))
    info = _one(root, "TransInfo")
    receivers = tuple(
        _bounded("ReceiverId", (one.text or "").strip()) for one in _one(info, "ReceiverIds").findall(_Q + "ReceiverId")
    )
    if not 1 <= len(receivers) <= 5:
        raise BadInput("one to five receivers", where="ReceiverIds")
    return Envelope(
        cop_msg_id=_text(info, "CopMsgId"),
        sender_id=_text(info, "SenderId"),
        receiver_ids=receivers,
        created_at=_time(_text(info, "CreatTime"), "CreatTime"),
        message_type=_text(info, "MsgType"),
        data=_data(root),
    )


def open_envelope(data: bytes, verifiers: Sequence[Verifier], now: datetime, *, limit: int = MAX_BYTES) -> Envelope:
    """Verify against the pinned certificates, then read what was signed and nothing else."""
    return read(verify(data, verifiers, now, limit=limit))


def read_answer(data: bytes, *, limit: int = 100_000) -> WindowAnswer:
    """A `DxpRep` with exactly one response: we send to one receiver."""
    root = _root(parse(data, limit=limit), "DxpRep")
    response = _one(root, "Response")
    noticed = response.findtext(_Q + "NoticeTime")
    quoted = next(_one(response, "OriHead").iter(_Q + "CopMsgId"), None)
    return WindowAnswer(
        cop_msg_id="" if quoted is None else (quoted.text or "").strip(),
        code=_text(response, "ResponseCode"),
        info=(response.findtext(_Q + "ResponseInfo") or "").strip()[:300],
        noticed_at=_time(noticed.strip(), "NoticeTime") if noticed else None,
    )
