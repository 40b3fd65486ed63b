"""The order of the gates, per kind of flow: what has to have happened to a parcel before the next gate opens. Data.

*bonded* declares before it picks: release, pick, exit. *direct mail* packs, weighs, hands over and consolidates before
it declares; the goods wait at the supervised site for their release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from services.orders.tracks import Carriage

FlowKind = Literal["direct_mail", "bonded", "export_parcel", "b2b_freight"]


@dataclass(frozen=True, slots=True)
class Way:
    """picked_at: what lets the warehouse begin, the waybill or our exit authorisation.
    gate: where a parcel stands to be declared, to be let out, or to be called back.
    told_at: what the channel is told of as "shipped": the hand-over at the origin, or the exit.
    """

    picked_at: Literal["waybill", "exit"]
    gate: frozenset[Carriage]
    told_at: frozenset[Carriage]


WAYS: Final[Mapping[FlowKind, Way]] = {
    "bonded": Way(
        picked_at="exit",
        gate=frozenset({Carriage.BOOKED, Carriage.PACKED}),
        told_at=frozenset({Carriage.EXITED, Carriage.DELIVERED}),
    ),
    "direct_mail": Way(
        picked_at="waybill",
        gate=frozenset({Carriage.CONSOLIDATED}),
        told_at=frozenset({Carriage.HANDED_OVER, Carriage.CONSOLIDATED, Carriage.EXITED, Carriage.DELIVERED}),
    ),
}
