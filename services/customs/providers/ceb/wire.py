"""The unified-version messages: canonical values to signed bytes, bytes to canonical values. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from lxml import etree

from services.customs import documents as doc
from services.customs.documents import Document, FormatReply, Kind, TaxBill, TaxBillChange, Transfer
from services.customs.providers.ceb import schema, statuses
from services.customs.providers.ceb.elements import NS, Node, Q, element_of, read_time, texts
from services.customs.providers.ceb.parser import MAX_BYTES, parse
from services.customs.providers.ceb.signature import Signer, Verifier, attach, verified_tree
from services.customs.receipts import NotUnderstood, Reading, Receipt
from shared.errors import BadInput, Unrecognised

_NSMAP: Final = {"ceb": NS}
TRANSFER: Final = Node(Transfer, "all", "BaseTransfer")


@dataclass(frozen=True, slots=True)
class Layout:
    """A declaring message: `head` is None where the business node is flat, `lines` where it has none."""

    number: str
    node: str
    value: Node[Any]
    head: str | None = None
    lines: Node[Any] | None = None

    @property
    def message(self) -> str:
        return f"CEB{self.number}Message"


LAYOUTS: Final = {
    Kind.ORDER: Layout(
        "311",
        "Order",
        Node(doc.OrderDocument, "311", "OrderHead"),
        "OrderHead",
        Node(doc.OrderItem, "311", "OrderList"),
    ),
    Kind.PAYMENT: Layout("411", "Payment", Node(doc.PaymentDocument, "411", "PaymentHead"), "PaymentHead"),
    Kind.WAYBILL: Layout("511", "Logistics", Node(doc.WaybillDocument, "511", "LogisticsHead"), "LogisticsHead"),
    Kind.INVENTORY: Layout(
        "621",
        "Inventory",
        Node(doc.InventoryDocument, "621", "InventoryHead"),
        "InventoryHead",
        Node(doc.InventoryItem, "621", "InventoryList"),
    ),
    Kind.CANCELLATION: Layout("623", "InvtCancel", Node(doc.CancelDocument, "623", "InvtCancel")),
    Kind.RETURN: Layout(
        "625",
        "InvtRefund",
        Node(doc.ReturnDocument, "625", "InvtRefundHead"),
        "InvtRefundHead",
        Node(doc.ReturnItem, "625", "InvtRefundList"),
    ),
}
KINDS: Final = {
    doc.OrderDocument: Kind.ORDER,
    doc.PaymentDocument: Kind.PAYMENT,
    doc.WaybillDocument: Kind.WAYBILL,
    doc.InventoryDocument: Kind.INVENTORY,
    doc.CancelDocument: Kind.CANCELLATION,
    doc.ReturnDocument: Kind.RETURN,
}
MUST_SIGN: Final = frozenset({Kind.INVENTORY, Kind.CANCELLATION, Kind.RETURN})
_BY_MESSAGE: Final = {layout.message: kind for kind, layout in LAYOUTS.items()}
_RECEIPT_NODES: Final = {
    "CEB312Message": (Kind.ORDER, "OrderReturn"),
    "CEB412Message": (Kind.PAYMENT, "PaymentReturn"),
    "CEB512Message": (Kind.WAYBILL, "LogisticsReturn"),
    "CEB514Message": (Kind.WAYBILL_STATUS, "LogisticsStatusReturn"),
    "CEB622Message": (Kind.INVENTORY, "InventoryReturn"),
    "CEB624Message": (Kind.CANCELLATION, "InvtCancelReturn"),
    "CEB626Message": (Kind.RETURN, "InvtRefundReturn"),
}
_TAX_BILL: Final = Node(TaxBill, "816", "TaxHeadRd")
_TAX_LINE: Final = Node(doc.TaxBillItem, "816", "TaxListRd")
_TAX_CHANGE: Final = Node(TaxBillChange, "818", "TaxHeadStatus")
_FORMAT: Final = Node(FormatReply, "900", "MessageReturn")


@dataclass(frozen=True, slots=True)
class Message:
    """A declaring message as read: 1 to 100 documents of one kind."""

    kind: Kind
    guid: str
    documents: tuple[Document, ...]
    transfer: Transfer


Incoming = Receipt | TaxBill | TaxBillChange | FormatReply


def message_name(kind: Kind) -> str:
    """The envelope's MsgType and the root's name."""
    return LAYOUTS[kind].message


def _items(document: Document) -> Sequence[object]:
    match document:
        case doc.OrderDocument() | doc.InventoryDocument() | doc.ReturnDocument():
            return document.items
        case _:
            return ()


def _tree(document: Document, transfer: Transfer) -> etree._Element:
    layout = LAYOUTS[KINDS[type(document)]]
    root = etree.Element(Q + layout.message, nsmap=_NSMAP)
    root.set("guid", document.guid)
    root.set("version", "1.0")
    node = etree.SubElement(root, Q + layout.node)
    layout.value.write(etree.SubElement(node, layout.value.tag) if layout.head else node, document)
    if layout.lines is not None:
        for item in _items(document):
            layout.lines.write(etree.SubElement(node, layout.lines.tag), item)
    TRANSFER.write(etree.SubElement(root, TRANSFER.tag), transfer)
    return root


def build(document: Document, transfer: Transfer, signer: Signer | None = None) -> bytes:
    """The final bytes: valid by schema, signed where a signer is given; store them and send exactly these.

    621, 623 and 625 without signer are refused by the schema. Characters that XML cannot carry are BadInput.
    """
    try:
        root = _tree(document, transfer)
    except ValueError as error:
        raise BadInput("a character that XML cannot carry", where=type(document).__name__) from error
    if signer is not None:
        attach(root, signer)
    schema.check(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _local(root: etree._Element) -> str:
    """The root's name, in the one namespace of these messages whatever the prefix."""
    name = etree.QName(root)
    if name.namespace != NS:
        raise Unrecognised("namespace of a customs message", name.namespace or "")
    return name.localname


def _child(parent: etree._Element, name: str) -> etree._Element:
    found = parent.findall(Q + name)
    if len(found) != 1:
        raise BadInput(f"{len(found)} elements instead of one", where=name)
    return found[0]


def _document(layout: Layout, node: etree._Element) -> Document:
    head = _child(node, layout.head) if layout.head else node
    if layout.lines is None:
        return cast("Document", layout.value.read(head))
    items = tuple(layout.lines.read(line) for line in node.findall(layout.lines.tag))
    return cast("Document", layout.value.read(head, items=items))


def read(root: etree._Element) -> Message:
    """A declaring message from its tree, by name and without schema check (see `schema.errors`)."""
    kind = _BY_MESSAGE.get(_local(root))
    if kind is None:
        raise Unrecognised("declaring message", _local(root))
    layout = LAYOUTS[kind]
    nodes = tuple(_document(layout, node) for node in root.findall(Q + layout.node))
    if not nodes:
        raise BadInput("no business node", where=layout.node)
    return Message(kind, root.get("guid", ""), nodes, TRANSFER.read(_child(root, "BaseTransfer")))


def parse_message(data: bytes, verifiers: Sequence[Verifier], now: datetime, *, limit: int = MAX_BYTES) -> Message:
    """A signed declaring message of somebody else, verified and schema-checked: only then is it read."""
    root = parse(data, limit=limit)
    schema.check(root)
    return read(verified_tree(root, verifiers, now))


def _status(kind: Kind, status: str) -> Reading:
    try:
        return statuses.reading(kind, status)
    except Unrecognised:
        return NotUnderstood.NOT_UNDERSTOOD  # its neighbours in the same message are understood and must count


_NUMBERS: Final = {
    name: Q + element_of(name)
    for name in (
        "order_no",
        "ebp_code",
        "pay_code",
        "pay_transaction_id",
        "logistics_code",
        "logistics_no",
        "cop_no",
        "pre_no",
        "invt_no",
    )
}


def _receipt(kind: Kind, node: etree._Element) -> Receipt:
    found = texts(node)
    try:
        status, at = found[Q + "returnStatus"], read_time(found[Q + "returnTime"])
        guid, info = found[Q + "guid"], found[Q + "returnInfo"]
    except KeyError as error:
        raise BadInput("mandatory element is missing", where=str(error.args[0]).rpartition("}")[2]) from None
    except ValueError:
        raise BadInput("unreadable", where="returnTime") from None
    numbers = {name: found.get(tag) or None for name, tag in _NUMBERS.items()}
    return Receipt(kind=kind, guid=guid, status=status, reading=_status(kind, status), at=at, info=info, **numbers)


def _tax_bill(node: etree._Element) -> TaxBill:
    items = tuple(_TAX_LINE.read(line) for line in node.findall(_TAX_LINE.tag))
    return _TAX_BILL.read(_child(node, "TaxHeadRd"), items=items)


def parse_incoming(data: bytes, *, limit: int = MAX_BYTES) -> tuple[Incoming, ...]:
    """What customs sends of itself: receipts, tax bills, format replies. These carry no signature: the envelope does.

    Not checked by schema, on purpose: real receipts lack the mandatory preNo, real bills have elements of the text.
    Another message is Unrecognised; an unknown status is one receipt's reading, not the message's failure.
    """
    root = parse(data, limit=limit)
    name = _local(root)
    if name in _RECEIPT_NODES:
        kind, node = _RECEIPT_NODES[name]
        found: list[Incoming] = [_receipt(kind, one) for one in root.findall(Q + node)]
    else:
        found = _other(root, name)
    if not found or len(found) != len(root):
        raise BadInput(f"{len(root)} nodes, {len(found)} of the expected kind", where=name)
    return tuple(found)


def _other(root: etree._Element, name: str) -> list[Incoming]:
    match name:
        case "CEB816Message":
            return [_tax_bill(node) for node in root.findall(Q + "Tax")]
        case "CEB818Message":
            return [_TAX_CHANGE.read(_child(node, "TaxHeadStatus")) for node in root.findall(Q + "Tax")]
        case "CEB900Message":
            return [_FORMAT.read(node) for node in root.findall(_FORMAT.tag)]
        case _:
            raise Unrecognised("customs message", name)
