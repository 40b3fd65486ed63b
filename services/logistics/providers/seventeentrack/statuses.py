"""17TRACK's sub-statuses and stages as data. Events are mapped, never the snapshot's `latest_status`.

Source: our logistics reference, "Mapping tables" (2026-03): the published list of API v2.2, and two sub-statuses that
were only seen in live data (`InTransit_TransportArrived`, `InTransit_TransportDeparted`: bare movements).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.logistics.directions import EXPORT
from services.logistics.milestones import Milestone
from services.logistics.tracking import Customs, Reason

M = Milestone


@dataclass(frozen=True, slots=True)
class Meaning:
    """`customs`: which border is not said; the milestone stands for the export side until the shipment tells."""

    milestone: Milestone
    reason: Reason | None = None
    customs: Customs | None = None


def _at_customs(word: Customs, reason: Reason | None = None) -> Meaning:
    return Meaning(EXPORT[word], reason, word)


SUB_STATUS: Final[Mapping[str, Meaning]] = {
    "NotFound_Other": Meaning(M.INFO_UPDATE),
    "NotFound_InvalidCode": Meaning(M.EXCEPTION, Reason.OTHER),
    "InfoReceived": Meaning(M.LABEL_CREATED),
    "InTransit_PickedUp": Meaning(M.PICKED_UP),
    "InTransit_Other": Meaning(M.IN_TRANSIT),
    "InTransit_Departure": Meaning(M.DEPARTED_ORIGIN),
    "InTransit_Arrival": Meaning(M.ARRIVED_DESTINATION),
    "InTransit_TransportArrived": Meaning(M.IN_TRANSIT),
    "InTransit_TransportDeparted": Meaning(M.IN_TRANSIT),
    "InTransit_CustomsProcessing": _at_customs(Customs.STARTED),
    "InTransit_CustomsReleased": _at_customs(Customs.RELEASED),
    "InTransit_CustomsRequiringInformation": _at_customs(Customs.HELD, Reason.CUSTOMS_DOCUMENTS),
    "Expired_Other": Meaning(M.EXCEPTION, Reason.NO_SCAN),
    "AvailableForPickup_Other": Meaning(M.AVAILABLE_FOR_PICKUP),
    "OutForDelivery_Other": Meaning(M.OUT_FOR_DELIVERY),
    "DeliveryFailure_Other": Meaning(M.DELIVERY_ATTEMPT_FAILED, Reason.OTHER),
    "DeliveryFailure_NoBody": Meaning(M.DELIVERY_ATTEMPT_FAILED, Reason.RECIPIENT_UNAVAILABLE),
    "DeliveryFailure_Security": Meaning(M.DELIVERY_ATTEMPT_FAILED, Reason.SECURITY),
    "DeliveryFailure_Rejected": Meaning(M.DELIVERY_ATTEMPT_FAILED, Reason.RECIPIENT_REFUSED),
    "DeliveryFailure_InvalidAddress": Meaning(M.DELIVERY_ATTEMPT_FAILED, Reason.ADDRESS_INCORRECT),
    "Delivered_Other": Meaning(M.DELIVERED),
    "Exception_Other": Meaning(M.EXCEPTION, Reason.OTHER),
    "Exception_Returning": Meaning(M.RETURN_IN_TRANSIT),
    "Exception_Returned": Meaning(M.RETURNED),
    "Exception_NoBody": Meaning(M.EXCEPTION, Reason.RECIPIENT_UNAVAILABLE),
    "Exception_Security": Meaning(M.EXCEPTION, Reason.SECURITY),
    "Exception_Damage": Meaning(M.EXCEPTION, Reason.DAMAGED),
    "Exception_Rejected": Meaning(M.EXCEPTION, Reason.RECIPIENT_REFUSED),
    "Exception_Delayed": Meaning(M.EXCEPTION, Reason.DELAYED_CARRIER),
    "Exception_Lost": Meaning(M.LOST, Reason.LOST),
    "Exception_Destroyed": Meaning(M.DESTROYED),
    "Exception_Cancel": Meaning(M.CANCELLED),
}

STAGE: Final[Mapping[str, Meaning]] = {
    "InfoReceived": Meaning(M.LABEL_CREATED),
    "PickedUp": Meaning(M.PICKED_UP),
    "Departure": Meaning(M.DEPARTED_ORIGIN),
    "Arrival": Meaning(M.ARRIVED_DESTINATION),
    "AvailableForPickup": Meaning(M.AVAILABLE_FOR_PICKUP),
    "OutForDelivery": Meaning(M.OUT_FOR_DELIVERY),
    "Delivered": Meaning(M.DELIVERED),
    "Returning": Meaning(M.RETURN_IN_TRANSIT),
    "Returned": Meaning(M.RETURNED),
}

MOVEMENT: Final = Meaning(M.IN_TRANSIT)


def meaning(sub_status: str | None, stage: str | None) -> tuple[Meaning, bool]:
    """What a scan means, and whether its word is in no table: then it is a movement and a person should look.

    The stage counts only where there is no sub-status; a scan with neither is a movement that says no more.
    """
    if sub_status is not None:
        return SUB_STATUS.get(sub_status, MOVEMENT), sub_status not in SUB_STATUS
    if stage is not None:
        return STAGE.get(stage, MOVEMENT), stage not in STAGE
    return MOVEMENT, False
