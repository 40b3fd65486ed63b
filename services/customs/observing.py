"""Orders that the platform declares: assessed here, declared there. What the channel tells is answered once. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.customs.dossier import Dossier, Observed
from services.customs.policy import Said
from shared.events.customs import DeclarationRejected, DeclarationReleased
from shared.events.orders import ClearanceObserved

FIX = (
    "The platform declares this order: ask it what customs refused.",
    "该订单由平台申报：请向平台了解海关退单原因。",
)


def observe(dossier: Dossier, fact: ClearanceObserved) -> Dossier:
    """A release is the last word; `clearing` after it is an older snapshot."""
    if fact.role != "import" or (dossier.observed is not None and dossier.observed.status == "released"):
        return dossier
    return replace(dossier, observed=Observed(fact.status, fact.at))


def clearance(dossier: Dossier, now: datetime) -> Said:
    """Told as soon as the order is assessed: only then the order can take it."""
    sale, seen = dossier.sale, dossier.observed
    if sale is None or seen is None or dossier.assessment is None or not sale.observed or dossier.said == "released":
        return Said(dossier)
    if not dossier.assessment.made:
        return Said(_inadmissible(dossier, seen, now))
    if seen.status == "released":
        return Said(replace(dossier, said="released"), (_released(dossier, seen),))
    if seen.status == "refused" and dossier.said != "rejected":
        return Said(replace(dossier, said="rejected"), (_refused(dossier),))
    return Said(dossier)


def _inadmissible(dossier: Dossier, seen: Observed, now: datetime) -> Dossier:
    """By our lists it may not travel in this flow; the platform cleared it all the same: a person looks once."""
    if seen.status != "released" or dossier.knows_case("platform_released_inadmissible"):
        return dossier
    assert dossier.assessment is not None
    return dossier.with_case("platform_released_inadmissible", dossier.assessment.reason, now)


def _released(dossier: Dossier, seen: Observed) -> DeclarationReleased:
    """No version of ours exists: its number is 0."""
    return DeclarationReleased(
        order_id=dossier.order_id, seller=dossier.seller, role="import", attempt=0, dossier_version=0, at=seen.at
    )


def _refused(dossier: Dossier) -> DeclarationRejected:
    return DeclarationRejected(
        order_id=dossier.order_id,
        seller=dossier.seller,
        role="import",
        attempt=dossier.asked,
        code="platform",
        reason="the platform says that customs refused it",
        fix_en=FIX[0],
        fix_zh=FIX[1],
    )
