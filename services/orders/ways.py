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
    readdressed: where the recipient can still be corrected while nothing stands at customs; what is at the supervised
    site has its last mile before it.
    told_at: what the channel is told of as "shipped": the hand-over at the origin, or the exit.
    """

    picked_at: Literal["waybill", "exit"]
    gate: frozenset[Carriage]
    readdressed: frozenset[Carriage]
    told_at: frozenset[Carriage]


_UNTOUCHED: Final = frozenset({Carriage.ASKED, Carriage.BOOKED})
WAYS: Final[Mapping[FlowKind, Way]] = {
    "bonded": Way(
        picked_at="exit",
        gate=frozenset({Carriage.BOOKED, Carriage.PACKED}),
        readdressed=_UNTOUCHED,
        told_at=frozenset({Carriage.EXITED, Carriage.DELIVERED}),
    ),
    "direct_mail": Way(
        picked_at="waybill",
        gate=frozenset({Carriage.CONSOLIDATED}),
        readdressed=_UNTOUCHED | {Carriage.PACKED, Carriage.HANDED_OVER, Carriage.CONSOLIDATED},
        told_at=frozenset({Carriage.HANDED_OVER, Carriage.CONSOLIDATED, Carriage.EXITED, Carriage.DELIVERED}),
    ),
}
