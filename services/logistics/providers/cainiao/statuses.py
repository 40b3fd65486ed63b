"""Cainiao's action and event codes as data. Its public list is open-ended: a code that is not here is Unrecognised.

`GTMS_STA_SIGNED` is the pickup point's signature, not the recipient's. Source: our logistics reference, "Mapping
tables" (2026-03), and for the waybill document the return statuses of CEB512.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.logistics.milestones import Milestone
from services.logistics.providers.base import DocumentState
from services.logistics.tracking import Reason
from shared.errors import Unrecognised

M = Milestone


@dataclass(frozen=True, slots=True)
class Meaning:
    milestone: Milestone
    reason: Reason | None = None


_WORDS: Final[tuple[tuple[Meaning, str], ...]] = (
    (Meaning(M.LABEL_CREATED), "CONSIGN OM_CONSIGN GTMS_ASN GWMS_ACCEPT GWMS_PICK GWMS_PACKAGE PRE_READY_TO_SHIP"),
    (Meaning(M.LABEL_CREATED), "WMS_CONFIRMED LAST_MILE_ASN_NOTIFY"),
    (Meaning(M.ORIGIN_HUB_OUT), "GWMS_OUTBOUND GWMS_HANDOVER CW_OUTBOUND SC_OUTBOUND_SUCCESS SC_HO_OUT_SUCCESS"),
    (Meaning(M.ORIGIN_HUB_OUT), "SC_TRANS_OUTBOUND_SUCCESS SORTING_CENTER_OUTBOUND_CALLBACK"),
    (Meaning(M.ORIGIN_HUB_OUT), "SORTING_CENTER_HO_OUT_CALLBACK"),
    (Meaning(M.CANCELLED), "GWMS_CANCEL"),
    (Meaning(M.EXCEPTION, Reason.OTHER), "GWMS_REJECT GWMS_EXCEPTION SC_INBOUND_FAILURE SC_OUTBOUND_FAILURE"),
    (Meaning(M.EXCEPTION, Reason.OTHER), "SC_HO_OUT_FAILURE SC_SIGN_IN_FAILURE LH_HO_IN_FAILURE LH_POST_COLLECTION"),
    (Meaning(M.EXCEPTION, Reason.OTHER), "LH_ARRIVE_FAILURE LH_HO_OUT_FAILURE GTMS_SC_ARRIVE_FAILURE"),
    (Meaning(M.EXCEPTION, Reason.OTHER), "GTMS_STA_SIGN_FAILURE GTMS_FAILURE GSTAHUB_INBOUND_FAIL GSTA_INBOUND_FAIL"),
    (Meaning(M.EXCEPTION, Reason.OTHER), "GSTA_SIGN_FAIL STA_SIGN_FAIL GSTA_BUYER_SIGN_FAIL RT_WH_HO_IN_FAIL"),
    (Meaning(M.EXCEPTION, Reason.OTHER), "RT_WH_INBOUND_FAILURE EXCEPTION"),
    (Meaning(M.EXCEPTION, Reason.SECURITY), "LH_HO_AIRLINE_FAILURE"),
    (Meaning(M.PICKED_UP), "PU_PICKUP_SUCCESS PU_SIGN_IN_SUCCESS GOT"),
    (Meaning(M.PICKUP_FAILED), "PU_PICKUP_FAILURE PU_SIGN_IN_FAILURE REJECT"),
    (Meaning(M.ORIGIN_HUB_IN), "SC_INBOUND_SUCCESS SC_SIGN_IN_SUCCESS SC_TRANS_INBOUND_SUCCESS CW_INBOUND"),
    (Meaning(M.ORIGIN_HUB_IN), "CW_SIGN_IN_SUCCESS LH_HO_IN_SUCCESS SORTING_CENTER_INBOUND_CALLBACK"),
    (Meaning(M.IN_TRANSIT), "TD_TRANS_ARRIVE TD_TRANS_DEPART CW_COMMON_PROCESSING1 COMMON_INTRANSIT LH_OTHER"),
    (Meaning(M.IN_TRANSIT), "LH_HO_OUT_SUCCESS DEPARTURE ARRIVAL SC_DEPART OE_DEPART TRANSIT_PORT_REROUTE_CALLBACK"),
    (Meaning(M.IN_TRANSIT), "GTMS_STATION_IN GTMS_STATION_OUT GTMS_RELABEL CC_TRANS_START CC_TRANS_SUCCESS"),
    (Meaning(M.TRANSIT_ARRIVED), "TD_TRANS_ARRIVE_C"),
    (Meaning(M.TRANSIT_DEPARTED), "TD_TRANS_DEPART_C"),
    (Meaning(M.EXPORT_CUSTOMS_STARTED), "CC_EX_START"),
    (Meaning(M.EXPORT_CUSTOMS_RELEASED), "CC_EX_SUCCESS"),
    (Meaning(M.EXPORT_CUSTOMS_HELD, Reason.CUSTOMS_OTHER), "CC_EX_FAILURE"),
    (Meaning(M.HANDED_TO_LINEHAUL), "LH_HO_AIRLINE LINEHAUL_HO_AIRLINE_CALLBACK"),
    (Meaning(M.DEPARTED_ORIGIN), "LH_DEPART"),
    (Meaning(M.ARRIVED_DESTINATION), "LH_ARRIVE LH_LINEHAUL_ARRIVE GTMS_ACCEPT"),
    (Meaning(M.EXCEPTION, Reason.CUSTOMS_OTHER), "CC_TRANS_FAILURE"),
    (Meaning(M.IMPORT_CUSTOMS_STARTED), "CC_IM_START CC_IM_PROCESS CC_HO_IN_SUCCESS CUS_DECLARE"),
    (Meaning(M.IMPORT_CUSTOMS_STARTED), "CUSTOMS_ARRIVED_IN_AREA_CALLBACK"),
    (Meaning(M.IMPORT_CUSTOMS_RELEASED), "CC_IM_SUCCESS CC_HO_OUT_SUCCESS CUS_SUCCESS"),
    (Meaning(M.INFO_UPDATE), "CIQ_SUCCESS CHECK_WEIGHT_CALLBACK CONFIRM_CALLBACK UPLOAD_RECORDFORM_CALLBACK"),
    (Meaning(M.INFO_UPDATE), "GTMS_STA_WAIT_CUST_CHANGE_ADDRESS GTMS_STA_CUST_TO_DOOR GTMS_STA_CHANGE"),
    (Meaning(M.INFO_UPDATE), "GTMS_STA_CN_TO_DOOR GTMS_STA_CN_CHANGE GTMS_STA_CNCP_TO_DOOR GTMS_STA_CNCP_CHANGE"),
    (Meaning(M.INFO_UPDATE), "GTMS_OTHER GSTA_OTHER"),
    (Meaning(M.IMPORT_CUSTOMS_HELD, Reason.CUSTOMS_OTHER), "CC_IM_FAILURE CC_IM_EXCEPTION CC_HO_IN_FAILURE"),
    (Meaning(M.IMPORT_CUSTOMS_HELD, Reason.CUSTOMS_OTHER), "CC_HO_OUT_FAILURE CUS_FAILURE"),
    (Meaning(M.IMPORT_CUSTOMS_HELD, Reason.CUSTOMS_DUTY_UNPAID), "CUS_TAX"),
    (Meaning(M.IMPORT_CUSTOMS_HELD, Reason.CUSTOMS_INSPECTION), "CIQ_FAILURE"),
    (Meaning(M.DESTINATION_HUB_IN), "GTMS_SC_ARRIVE SC_ARRIVE GSTAHUB_INBOUND"),
    (Meaning(M.AT_DELIVERY_STATION), "GTMS_DO_ARRIVE"),
    (Meaning(M.OUT_FOR_DELIVERY), "GTMS_DO_DEPART GTMS_DELIVERING GTMS_RE_DELIVERING SENT_SCAN"),
    (Meaning(M.DELIVERY_ATTEMPT_FAILED, Reason.OTHER), "GTMS_DEL_FAILURE GTMS_SIGN_FAILURE FAILED"),
    (
        Meaning(M.AVAILABLE_FOR_PICKUP),
        "GTMS_WAIT_SELF_PICK GTMS_STA_SIGNED GSTA_INBOUND GSTA_INFORM_BUYER POSTMAN_POST",
    ),
    (Meaning(M.DELIVERED), "GTMS_SIGNED SIGNED GSTA_SIGN GSTA_BUYER_SIGN STA_SIGN LAST_MILE_GTMS_SIGNED_CALLBACK"),
    (Meaning(M.RETURN_IN_TRANSIT), "RT_INBOUND RT_OUTBOUND RT_HO_OUT RT_TRANSWH_HO_IN RT_TRANSWH_INBOUND"),
    (Meaning(M.RETURN_IN_TRANSIT), "RT_TRANSWH_OUTBOUND RT_TMS_ACCEPT RT_WH_OUTBOUND RT_WH_HO_OUT"),
    (Meaning(M.RETURNED), "RETURNED RT_WH_HO_IN RT_WH_INBOUND"),
    (Meaning(M.DESTROYED), "RT_DESTROY RT_WH_DESTROY"),
)
ACTIONS: Final = {code: meaning for meaning, codes in _WORDS for code in codes.split()}

# A status code other than 0 turns an event into its failure.
SUCCESS: Final = "0"
_FAILED_DELIVERY: Final = Meaning(M.DELIVERY_ATTEMPT_FAILED, Reason.OTHER)
_FAILED: Final = Meaning(M.EXCEPTION, Reason.OTHER)
_SIGNED: Final = "LAST_MILE_GTMS_SIGNED_CALLBACK"

# What we make of an unknown code after it was reported: a movement, and nothing more.
UNKNOWN: Final = Meaning(M.IN_TRANSIT)


def meaning(action: str) -> Meaning:
    if action not in ACTIONS:
        raise Unrecognised("Cainiao action code", action)
    return ACTIONS[action]


def failure(action: str) -> Meaning:
    """The meaning of an event whose status code says that it failed."""
    return _FAILED_DELIVERY if action == _SIGNED else _FAILED


# Return status of CEB512: 120 (stored by customs) is final, 2 and 3 are on the way, 100 and every code below 0 refuse.
_DOCUMENT: Final = {
    "2": DocumentState.PENDING,
    "3": DocumentState.PENDING,
    "4": DocumentState.REFUSED,
    "100": DocumentState.REFUSED,
    "120": DocumentState.ACCEPTED,
}


def document_state(return_status: str) -> DocumentState:
    if return_status.startswith("-") and return_status[1:].isdecimal():
        return DocumentState.REFUSED
    if return_status not in _DOCUMENT:
        raise Unrecognised("CEB512 return status", return_status)
    return _DOCUMENT[return_status]
