"""The exchange platform's envelopes: DxpMsg both ways, DxpRep as the answer at the door.

Source: our reference page on customs, section 1.6. What the platform writes into `ResponseCode` for "taken" is not
documented; ours is 0.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509 import Certificate
from lxml import etree

from deploy.world import times, xmldsig

NS: Final = "http://www.chinaport.gov.cn/dxp"
CEB: Final = "http://www.chinaport.gov.cn/ceb"
TAKEN: Final = "0"
_ORDER_NO: Final = re.compile(rb"orderNo>([\x21-\x3b\x3d-\x7e]{1,60})<")
START: Final = f'<DxpMsg xmlns="{NS}" ver="1.0">'


@dataclass(frozen=True, slots=True)
class Envelope:
    message_id: str
    sender: str
    receiver: str
    message_type: str
    created: str
    data: bytes
    signed: bool
    authentic: bool

    @property
    def order_no(self) -> str:
        """As far as it can be seen without reading the message; the message id where it cannot."""
        found = _ORDER_NO.search(self.data)
        return found[1].decode() if found else self.message_id

    @property
    def head(self) -> str:
        """The original TransInfo, as it is quoted back."""
        return (
            f"<CopMsgId>{escape(self.message_id)}</CopMsgId><SenderId>{escape(self.sender)}</SenderId>"
            f"<ReceiverIds><ReceiverId>{escape(self.receiver)}</ReceiverId></ReceiverIds>"
            f"<CreatTime>{escape(self.created)}</CreatTime><MsgType>{escape(self.message_type)}</MsgType>"
        )


def read(body: bytes, key: RSAPublicKey) -> Envelope:
    """Raises XmlRefused where it is no DxpMsg at all."""
    root = xmldsig.parse(body)
    if root.tag != f"{{{NS}}}DxpMsg" or root.get("ver") != "1.0":
        raise xmldsig.XmlRefused("not a DxpMsg")
    signed = xmldsig.signature_of(root) is not None
    info = f"{{{NS}}}TransInfo/{{{NS}}}"
    receivers = root.findall(f"{info}ReceiverIds/{{{NS}}}ReceiverId")
    try:
        data = base64.b64decode("".join(_text(root, f"{{{NS}}}Data").split()), validate=True)
    except binascii.Error as error:
        raise xmldsig.XmlRefused("Data is not base64") from error
    return Envelope(
        message_id=_text(root, f"{info}CopMsgId"),
        sender=_text(root, f"{info}SenderId"),
        receiver=(receivers[0].text or "") if len(receivers) == 1 else "",
        message_type=_text(root, f"{info}MsgType"),
        created=_text(root, f"{info}CreatTime"),
        data=data,
        signed=signed,
        authentic=signed and xmldsig.verifies(root, key),
    )


def message(
    data: bytes,
    *,
    message_type: str,
    sender: str,
    receiver: str,
    key: RSAPrivateKey,
    certificate: Certificate,
    at: datetime,
) -> bytes:
    """A signed DxpMsg around one business message."""
    content = (
        f"<TransInfo><CopMsgId>{str(uuid4()).upper()}</CopMsgId><SenderId>{sender}</SenderId>"
        f"<ReceiverIds><ReceiverId>{receiver}</ReceiverId></ReceiverIds><CreatTime>{times.dxp(at)}</CreatTime>"
        f"<MsgType>{message_type}</MsgType></TransInfo><Data>{base64.b64encode(data).decode()}</Data>"
    )
    return xmldsig.signed(START, content, "DxpMsg", key, certificate)


def reply(envelope: Envelope | None, code: str, info: str, at: datetime) -> bytes:
    """DxpRep. `RecevierId` is spelled as the platform's schema spells it."""
    head = "" if envelope is None else envelope.head
    receiver = "" if envelope is None else escape(envelope.sender)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><DxpRep xmlns="{NS}" ver="1.0"><RecevierId>{receiver}</RecevierId>'
        f"<Response><ResponseCode>{code}</ResponseCode><ResponseInfo>{escape(info)}</ResponseInfo>"
        f"<NoticeTime>{times.dxp(at)}</NoticeTime><OriHead>{head}</OriHead></Response></DxpRep>"
    ).encode()


def receipts(kind: str, node: str, entries: list[Mapping[str, str]]) -> bytes:
    """A receipt message: default namespace, no transfer node, no signature, as the window sends them."""
    nodes = "".join(
        f"<{node}>" + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in entry.items()) + f"</{node}>"
        for entry in entries
    )
    guid = entries[0]["guid"]
    start = f'<?xml version="1.0" encoding="UTF-8"?>\n<CEB{kind}Message xmlns="{CEB}" guid="{guid}" version="1.0">'
    return f"{start}{nodes}</CEB{kind}Message>".encode()


def _text(root: etree._Element, path: str) -> str:
    return root.findtext(path) or ""
