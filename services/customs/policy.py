"""What customs is told at start, as values, and what one decision says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from services.customs.assessment import Rules
from services.customs.codebook import customs_country
from services.customs.compose import Company, Parties
from services.customs.documents import BEIJING, CHINA, TradeMode
from services.customs.dossier import Dossier
from services.customs.goods import GoodsEntry, goods_entries
from services.customs.parts import Sale
from services.customs.returns import APPLY_WITHIN_DAYS
from services.customs.tariff import limits_on
from shared.clock import scaled
from shared.corridor import Corridor, Customs, Flow, Registration, Shop
from shared.errors import BadInput
from shared.events.base import Event
from shared.flow.decision import Put, Work, WorkName

# Customs' code of the transport mode, by the word for a leg in the profile.
MODES: Final = {"air": "5", "sea": "2", "sea_reefer": "2", "rail": "3", "road": "4"}


class PersonNeeded(Exception):
    """Not an error: the person's lane and yearly amount are needed too, and were not asked for beforehand."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__(fingerprint)
        self.fingerprint = fingerprint


@dataclass(frozen=True, slots=True)
class Said:
    """A dossier as it now is, and everything that goes with it."""

    dossier: Dossier
    facts: tuple[Event, ...] = ()
    work: tuple[Work, ...] = ()
    cancel: tuple[WorkName, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    puts: tuple[Put, ...] = ()

    def then(self, more: Said) -> Said:
        """`more` was decided on this one's dossier."""
        return Said(
            more.dossier,
            self.facts + more.facts,
            self.work + more.work,
            self.cancel + more.cancel,
            {**self.aliases, **more.aliases},
            self.puts + more.puts,
        )


@dataclass(frozen=True)
class Policy:
    """Durations are business time; `time_scale` shortens them.

    receipt_patience, stored_patience: how long the first word and the final one about a document may take (project
    rule; customs documents no limit). resends: identical bytes after the first, then a person. return_within: from the
    release (GACC Announcement 2020 No. 45). transport: code of the leg out of the bonded zone; wrapping: one-digit
    package kind.
    """

    corridor: Corridor
    proofs: frozenset[str] = frozenset({"positive_list", "label_zh"})
    transport: str = "4"
    wrapping: str = "2"
    receipt_patience: timedelta = timedelta(minutes=10)
    stored_patience: timedelta = timedelta(minutes=60)
    retry_pause: timedelta = timedelta(minutes=1)
    waybill_patience: timedelta = timedelta(minutes=10)
    return_within: timedelta = timedelta(days=APPLY_WITHIN_DAYS)
    resends: int = 3
    time_scale: float = 1.0

    def after(self, now: datetime, duration: timedelta) -> datetime:
        return now + scaled(duration, self.time_scale)

    @cached_property
    def entries(self) -> tuple[GoodsEntry, ...]:
        return goods_entries(entry.model_dump(by_alias=True) for entry in self.corridor.goods)

    def rules(self, sale: Sale, now: datetime) -> Rules:
        """Limits and goods list of the day of the assessment, by China's calendar."""
        day = now.astimezone(BEIJING).date()
        return Rules(self.entries, self.proofs, limits_on(day), day, self.corridor.shop_of(sale.shop).tax)

    def parties(self, sale: Sale) -> Parties:
        """Raises BadInput where the profile leaves out a registration that a document names."""
        shop, flow = self.corridor.shop_of(sale.shop), self.corridor.flow_of(sale.flow)
        warehouse, bonded = self.corridor.warehouse_of(sale.warehouse), flow.customs_mode == TradeMode.BONDED
        office = self.corridor.customs_of(warehouse.customs) if bonded else self.entry_office(flow)
        return Parties(
            platform=_company(shop, "ebp", shop.ebp),
            seller=_company(shop, "ebc", shop.ebc),
            agent=_company(shop, "agent", shop.agent),
            guarantor=shop.assure_code,
            office=office.office,
            office_confirmed=office.confirmed,
            trade_mode=flow.customs_mode,
            area=Company(warehouse.area.code, warehouse.area.name) if warehouse.area else None,
            transport=self.transport if bonded else _mode(flow),
            wrapping=self.wrapping,
            departure=CHINA if bonded else customs_country(self._origin),
        )

    def trade_mode(self, flow: str) -> str:
        return self.corridor.flow_of(flow).customs_mode

    def entry_office(self, flow: Flow) -> Customs:
        """Where a parcel from abroad is declared: the first office of China that the profile names for this mode."""
        offices = (one for one in self.corridor.customs if one.country == "CN" and flow.customs_mode in one.uses)
        office = next(offices, None)
        if office is None:
            raise BadInput(f"no customs office of the profile takes {flow.customs_mode}", where="customs")
        return office

    @property
    def _origin(self) -> str:
        return next(city.country for city in self.corridor.city if city.role == "origin")


def _mode(flow: Flow) -> str:
    """Of the leg across the border."""
    return next((MODES[leg] for leg in flow.legs if leg in MODES), MODES["air"])


def _company(shop: Shop, role: str, registration: Registration | None) -> Company:
    if registration is None:
        raise BadInput(f"shop {shop.id} has no {role} registration in the corridor profile", where=role)
    return Company(registration.code, registration.name)
