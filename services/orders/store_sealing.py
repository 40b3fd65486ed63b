"""A channel's order as content for a decision: whatever is personal is sealed before it goes any further."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from services.orders.canonical import CanonicalOrder, Protection
from services.orders.canonical import Recipient as ChannelRecipient
from services.orders.commands import Pushed
from services.orders.placing import (
    Connection,
    Snapshot,
    cancelled,
    hold_of,
    order_of,
    paid_elsewhere,
    without_people,
)
from services.orders.store import seal_people
from shared.security.personal import Recipient, seal_recipient
from shared.security.vault import Keyring


@dataclass(frozen=True)
class Sealer:
    """`facts` is the keyring that producer and readers of facts share, `columns` this service's own."""

    facts: Keyring = field(repr=False)
    columns: Keyring = field(repr=False)

    def pushed(self, order: CanonicalOrder, connection: Connection, receiver: ChannelRecipient | None = None) -> Pushed:
        """`receiver` is who the channel names beside the order, where the order itself does not say it.

        Raises Unrecognised for a line that names nothing of ours.
        """
        told = receiver or order.recipient
        recipient = seal_recipient(self.facts, _recipient(told))
        address = "" if told.protection is Protection.ABSENT else recipient.fingerprint
        return Pushed(
            replace(order_of(order, connection, recipient), channel_address=address),
            Snapshot(without_people(order), seal_people(self.columns, order)),
            cancelled(order),
            connection.shop.collected_by == "self" and paid_elsewhere(order),
            hold_of(order),
            address,
        )


def _recipient(given: ChannelRecipient) -> Recipient:
    return Recipient(
        name=given.name or "",
        phone=given.phone or "",
        country=given.country or "",
        province=given.province or "",
        city=given.city or "",
        district=given.district or "",
        street=given.street or "",
        postal_code=given.postal_code or "",
    )
