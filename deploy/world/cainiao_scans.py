"""A parcel's scans, told in three ways: LINK events, LINK trace lists (numbers that a channel gave), 17TRACK pushes.

Cainiao's own action codes are the words of all three. Source: our reference page on logistics, sections 2.5 and 3.6.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from deploy.world import link, sender, times
from deploy.world.core import Core
from deploy.world.sender import Delivery

Json = dict[str, Any]

RETURNING: Final = ("RT_TMS_ACCEPT", "RT_WH_INBOUND")
REFUSED: Final = ("GTMS_SIGN_FAILURE", *RETURNING)
WORDS: Final = {
    "PU_PICKUP_SUCCESS": "揽收成功 Picked up",
    "LH_DEPART": "航班起飞 Flight departed",
    "LH_ARRIVE": "航班到达 Flight arrived",
    "CC_IM_SUCCESS": "清关完成 Released by import customs",
    "GTMS_ACCEPT": "国内段承运 Accepted by the domestic carrier",
    "GTMS_SC_ARRIVE": "到达分拨中心 Arrived at the sorting centre",
    "GTMS_DO_DEPART": "派送中 Out for delivery",
    "GTMS_SIGNED": "已签收 Delivered",
    "GTMS_SIGN_FAILURE": "拒收 Refused by the recipient",
    "RT_TMS_ACCEPT": "退回中 On its way back",
    "RT_WH_INBOUND": "已退回入库 Back at the warehouse",
    "LOST": "丢失 Lost",
}
ABROAD: Final = {"PU_PICKUP_SUCCESS", "LH_DEPART"}


@dataclass(frozen=True, slots=True)
class Scan:
    code: str
    at: datetime
    abroad: bool = False  # at the origin, in Kenya

    @property
    def words(self) -> str:
        return WORDS.get(self.code, self.code)


class Teller(Protocol):
    """scans: everything that is told so far, the newest of the telling last."""

    def tell(self, number: str, lp: str, scans: list[Scan], *, after: float = 0.0) -> None: ...


def push(core: Core, number: str, msg_type: str, content: Json, name: str, *, after: float = 0.0) -> None:
    keys, settings = core.keys, core.config.cainiao
    body = link.form(
        msg_type, content, secret=keys.cainiao_secret, partner=keys.partner_code, from_code=settings.from_code
    )
    delivery = Delivery(
        core.config.doors.cainiao,
        lambda: (link.FORM, body),
        sender.INVENTED,
        lambda answer: answer.status == 200 and link.accepted(answer.body),
    )
    core.send((number,), f"cainiao {name}", f"{number}:{name}", delivery, after=after)


class Events:
    """One message per scan."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def tell(self, number: str, lp: str, scans: list[Scan], *, after: float = 0.0) -> None:
        settings, scan = self._core.config.cainiao, scans[-1]
        content = {
            "logisticsOrderCode": lp,
            "currentCPResCode": settings.resource_code,
            "eventTime": times.wall(scan.at),
            "operator": "auto",
            "eventCode": scan.code,
            "statusCode": "0",
            "reason": "",
            "location": "福州",
            "timeZone": "+8",
        }
        push(self._core, number, settings.event_msg_type, content, scan.code, after=after)


class Traces:
    """The whole list with every message, newest first: for numbers whose LP only the channel knows."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def tell(self, number: str, lp: str, scans: list[Scan], *, after: float = 0.0) -> None:  # noqa: ARG002
        details = [
            {
                "time": int(scan.at.timestamp() * 1000),
                "timeStr": times.wall(scan.at),
                "desc": scan.words,
                "standerdDesc": scan.words,
                "actionCode": scan.code,
                "timeZone": "+8",
            }
            for scan in sorted(scans, key=lambda scan: scan.at, reverse=True)
        ]
        content = {"mailNo": number, "status": scans[-1].code, "latestTrace": details[0], "detailList": details}
        name = f"trace {len(scans)} {scans[-1].code}"
        push(self._core, number, self._core.config.cainiao.trace_msg_type, content, name, after=after)
