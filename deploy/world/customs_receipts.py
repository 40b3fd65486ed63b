"""Receipts of the customs window: which statuses, with which words, in which envelope, under which numbers.

Source: our reference page on customs, sections 1.3 (receipt nodes) and 1.4 (statuses, observed texts).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from deploy.world import dxp, sender, times
from deploy.world.core import Core
from deploy.world.documents import Declared
from deploy.world.sender import Delivery

WORDS: Final = {
    "2": "新增申报成功",
    "120": "[Code:1800;Desc:逻辑校验通过]",
    "500": "查验",
    "501": "扣留移送通关",
    "700": "退运",
    "800": "[Code:2600;Desc:放行]",
    "399": "[Code:2300;Desc:审核通过]",
    "-301010": "订单编号重复",
    "-301011": "订单已申报海关,清单状态不允许操作",
    "-621004": "清单已申报",
    "-621029": "清单验签失败",
    "-623005": "清单的状态不符合撤单申报要求",
    "-623003": "未找到清单",
    "-625032": "未找到已放行的清单",
    "-625209": "退货商品序号与清单不符",
}
RECEIPTS: Final = {
    "311": ("312", "OrderReturn"),
    "621": ("622", "InventoryReturn"),
    "623": ("624", "InvtCancelReturn"),
    "625": ("626", "InvtRefundReturn"),
}
# Elements between guid and status, in the order of each receipt's schema.
NUMBERS: Final = {
    "312": ("ebpCode", "ebcCode", "orderNo"),
    "622": ("customsCode", "ebpCode", "ebcCode", "agentCode", "copNo", "preNo", "invtNo"),
    "624": ("customsCode", "agentCode", "ebpCode", "ebcCode", "copNo", "preNo", "invtNo"),
    "626": ("customsCode", "agentCode", "ebpCode", "ebcCode", "copNo", "preNo", "invtNo"),
}
LETTERS: Final = {"621": "B", "623": "C", "625": "T"}
CLEARED: Final = ("released", "withdrawn", "returned")


@dataclass(slots=True)
class Case:
    """One declaration in customs' files. state: declaring, stored, held, detained, released, rejected, withdrawn,
    returned, abroad. silent: nothing is said of it until the same bytes come again."""

    document: Declared
    pre_no: str = ""
    invt_no: str = ""
    state: str = "declaring"
    sent: list[list[dict[str, str]]] = field(default_factory=list)  # the nodes of every receipt message
    repeats: int = 0
    steps: int = 0
    silent: bool = False

    @property
    def cop_no(self) -> str:
        return self.document.head.get("copNo", "")


def status(code: str, at: datetime, words: str = "") -> tuple[str, str, datetime]:
    return code, words or WORDS[code], at


def soon(at: datetime, steps: int = 1) -> datetime:
    """Some moments later: returnTime has milliseconds, and two statuses of one document never share one."""
    return at + timedelta(milliseconds=7 * steps)


class Receipts:
    """Builds receipts and pushes them, signed, until they are taken."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def push(self, case: Case, statuses: Sequence[tuple[str, str, datetime]], *, after: float = 0.0) -> None:
        nodes = [self._node(case, *one) for one in statuses]
        case.sent.append(nodes)
        self._push(case, nodes, after)

    def push_again(self, case: Case) -> None:
        """Everything said so far about this document, with the same times: the answer to an identical resend."""
        for nodes in case.sent:
            self._push(case, nodes, 0.0)

    def format_error(self, envelope: dxp.Envelope, element: str, order_no: str) -> None:
        """CEB900: the only receipt without business keys; it is matched by the transport's message id."""
        node = {
            "guid": str(uuid4()).upper(),
            "returnStatus": "-1",
            "returnInfo": f"报文格式校验失败: {element}",
            "returnTime": times.stamp17(times.now()),
            "oriCopMsgId": envelope.message_id,
            "oriMessageType": envelope.message_type[:15],
            "oriBizMessage": envelope.data.decode(errors="replace"),
        }
        self._deliver("900", "MessageReturn", [node], (order_no or envelope.message_id,), 0.0)

    def _push(self, case: Case, nodes: list[dict[str, str]], after: float) -> None:
        kind, name = RECEIPTS[case.document.kind]
        numbers = (case.document.order_no, *((case.cop_no,) if case.cop_no else ()))
        self._deliver(kind, name, nodes, numbers, after)

    def _deliver(
        self, kind: str, name: str, nodes: list[dict[str, str]], numbers: tuple[str, ...], after: float
    ) -> None:
        core, at = self._core, times.now()
        body = dxp.message(
            dxp.receipts(kind, name, [*nodes]),
            message_type=f"CEB{kind}Message",
            sender=core.keys.window_dxp,
            receiver=core.keys.enterprise_dxp,
            key=core.keys.window,
            certificate=core.keys.window_certificate,
            at=at,
        )
        statuses = [node["returnStatus"] for node in nodes]
        core.books.file("receipts", numbers, {"type": f"CEB{kind}", "statuses": statuses})
        headers = {"Content-Type": "application/xml; charset=utf-8"}
        delivery = Delivery(core.config.doors.customs, lambda: (headers, body), sender.INVENTED)
        push_id = f"{kind}:{numbers[-1]}:{'+'.join(statuses)}"
        core.send(numbers, f"customs CEB{kind} {'+'.join(statuses)}", push_id, delivery, after=after)

    def _node(self, case: Case, code: str, words: str, at: datetime) -> dict[str, str]:
        kind, _ = RECEIPTS[case.document.kind]
        known = case.document.head | {"preNo": case.pre_no, "invtNo": case.invt_no}
        if code in {"2", "100"} and case.document.kind == "621":
            known["invtNo"] = ""  # customs gives the number when it stores the inventory
        numbers = {name: known[name] for name in NUMBERS[kind] if known.get(name)}
        return {
            "guid": str(uuid4()).upper(),
            **numbers,
            "returnStatus": code,
            "returnTime": times.stamp17(at),
            "returnInfo": words,
        }
