"""The shape of the declarations that we accept: element order, lengths, what is mandatory.

Written from the element tables of our reference page on customs, section 1.3 (message specification, edition 202205),
not from any schema file, so that it checks the sender's schema too. `name:36` is exactly 36 characters, `name:60-` up
to 60, `n` a decimal with at most five places, `i` an integer; a leading `?` marks an optional element.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from deploy.world import xmldsig
from deploy.world.documents import Declared

NS: Final = "http://www.chinaport.gov.cn/ceb"
_PARTIES: Final = "ebpCode:18- ebpName:100- ebcCode:18- ebcName:100-"
_CARRIAGE: Final = "logisticsNo:60- logisticsCode:18- logisticsName:100-"
_START: Final = "guid:36 appType:1 appTime:14 appStatus:3-"
_PERSON: Final = "buyerIdType:1 buyerIdNumber:60- buyerName:60- buyerTelephone:30-"
_CLAIM: Final = (
    f"{_START} customsCode:4 orderNo:60- {_PARTIES} {_CARRIAGE} ?copNo:20- ?preNo:18- invtNo:18- {_PERSON} "
    "agentCode:18- agentName:100- reason:1000- ?note:1000-"
)


@dataclass(frozen=True, slots=True)
class Shape:
    node: str
    head: str  # "": the node itself is the head
    head_table: str
    line: str = ""
    line_table: str = ""
    must_be_signed: bool = True


SHAPES: Final = {
    "311": Shape(
        node="Order",
        head="OrderHead",
        head_table=(
            f"{_START} orderType:1 orderNo:60- {_PARTIES} goodsValue:n freight:n discount:n taxTotal:n acturalPaid:n "
            "currency:3 buyerRegNo:60- buyerName:60- buyerTelephone:30- buyerIdType:1 buyerIdNumber:60- ?payCode:18- "
            "?payName:100- ?payTransactionId:60- ?batchNumbers:100- consignee:100- consigneeTelephone:50- "
            "consigneeAddress:200- ?consigneeDistrict:6 ?note:1000-"
        ),
        line="OrderList",
        line_table=(
            "gnum:i ?itemNo:30- itemName:250- gmodel:510- ?itemDescribe:1000- ?barCode:50- unit:3 qty:n price:n "
            "totalPrice:n currency:3 country:3 ?note:1000-"
        ),
        must_be_signed=False,
    ),
    "621": Shape(
        node="Inventory",
        head="InventoryHead",
        head_table=(
            f"{_START} orderNo:60- {_PARTIES} {_CARRIAGE} ?copNo:20- ?preNo:18- assureCode:30- ?emsNo:30- ?invtNo:18- "
            f"ieFlag:1 declTime:8 customsCode:4 portCode:4 ?ieDate:8 {_PERSON} consigneeAddress:200- agentCode:18- "
            "agentName:100- ?areaCode:18- ?areaName:100- tradeMode:4 trafMode:1 ?trafNo:100- ?voyageNo:32- ?billNo:37- "
            "?loctNo:10- ?licenseNo:19- country:3 freight:n insuredFee:n currency:3 ?wrapType:1 packNo:i grossWeight:n "
            "netWeight:n ?note:1000-"
        ),
        line="InventoryList",
        line_table=(
            "gnum:i ?itemRecordNo:30- ?itemNo:20- ?itemName:250- gcode:10 gname:250- gmodel:510- ?barCode:50- "
            "country:3 ?tradeCountry:3- currency:3 qty:n unit:3 qty1:n unit1:3 ?qty2:n ?unit2:3 price:n "
            "totalPrice:n ?note:1000-"
        ),
    ),
    "623": Shape(node="InvtCancel", head="", head_table=_CLAIM),
    "625": Shape(
        node="InvtRefund",
        head="InvtRefundHead",
        head_table=_CLAIM,
        line="InvtRefundList",
        line_table="gnum:i gcode:10 gname:250- qty:n unit:3 ?note:1000-",
    ),
}
_TRANSFER: Final = "copCode:18- copName:100- dxpMode:3 dxpId:30- ?note:1000-"
_DECIMAL: Final = re.compile(r"-?\d{1,14}(\.\d{1,5})?")


class FormatRefused(Exception):
    """The message does not have the shape; the text names the element."""


def read(message: bytes, kind: str) -> Declared:
    """One declaration. More than one business node is allowed by the specification; ours never send that."""
    root, shape = xmldsig.parse(message), SHAPES[kind]
    if root.tag != f"{{{NS}}}CEB{kind}Message" or len(root.get("guid") or "") != 36 or not root.get("version"):
        raise FormatRefused("root element, guid or version")
    signed = xmldsig.signature_of(root) is not None
    _check_children(root, shape, signed=signed)
    node = root[0]
    head_element = node if not shape.head else _first(node, shape.head)
    lines = node.findall(f"{{{NS}}}{shape.line}") if shape.line else []
    if shape.line and (not lines or len(node) != 1 + len(lines)):
        raise FormatRefused(f"children of {shape.node}")
    return Declared(
        kind=kind,
        guid=str(root.get("guid")),
        head=_fields(head_element, shape.head_table),
        lines=tuple(_fields(line, shape.line_table) for line in lines),
        sha256=hashlib.sha256(message).hexdigest(),
        signed=signed,
    )


def _check_children(root: etree._Element, shape: Shape, *, signed: bool) -> None:
    """Business node, transfer, subscriptions, extension, and the signature as the last one."""
    tags = [child.tag for child in root]
    known = [f"{{{NS}}}{shape.node}", f"{{{NS}}}BaseTransfer"]
    if tags[:2] != known or (signed and tags[-1] != f"{{{xmldsig.DS}}}Signature"):
        raise FormatRefused("order of nodes")
    middle = tags[2:-1] if signed else tags[2:]
    if any(tag not in {f"{{{NS}}}BaseSubscribe", f"{{{NS}}}ExtendMessage"} for tag in middle):
        raise FormatRefused("unknown node")
    if shape.must_be_signed and not signed:
        raise FormatRefused("Signature missing")
    _fields(root[1], _TRANSFER)


def _first(node: etree._Element, name: str) -> etree._Element:
    if not len(node) or node[0].tag != f"{{{NS}}}{name}":
        raise FormatRefused(name)
    return node[0]


def _fields(element: etree._Element, table: str) -> dict[str, str]:
    """Texts by name, checked against the table in its order."""
    found: dict[str, str] = {}
    children = list(element)
    for column in table.split():
        name, _, rule = column.removeprefix("?").partition(":")
        if children and children[0].tag == f"{{{NS}}}{name}":
            child = children.pop(0)
            text = child.text or ""
            if len(child) or not _fits(text, rule, optional=column.startswith("?")):
                raise FormatRefused(name)
            found[name] = text
        elif not column.startswith("?"):
            raise FormatRefused(name)
    if children:
        raise FormatRefused(etree.QName(children[0]).localname)
    return found


def _fits(text: str, rule: str, *, optional: bool) -> bool:
    if rule == "n":
        return _DECIMAL.fullmatch(text) is not None
    if rule == "i":
        return text.isdigit() and len(text) <= 9
    if rule.endswith("-"):
        return (0 if optional else 1) <= len(text) <= int(rule[:-1])
    return len(text) == int(rule)
