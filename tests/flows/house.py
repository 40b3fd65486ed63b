"""The whole house in memory: five services as values, facts on their way, partners, and a clock that jumps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from services.catalog.process import make_process as catalog
from services.catalog.reserving import Policy as CatalogPolicy
from services.catalog.seed import read_seed
from services.customs.policy import Policy as CustomsPolicy
from services.customs.process import make_process as customs
from services.logistics.policy import policy_of as roads_of
from services.logistics.process import make_process as logistics
from services.orders.process import make_process as orders
from services.orders.said import Policy as OrdersPolicy
from services.payments.policy import policy_of
from services.payments.process import make_process as payments
from shared.events.base import Event
from shared.events.topics import TOPICS
from shared.flow.decision import Process
from tests.flows.node import Node, RowKey, Stepped, hears, reads, takes_letter, works
from tests.flows.partners.bank import Bank
from tests.flows.partners.base import Nobody, Partner
from tests.flows.partners.channel import Channel
from tests.flows.partners.road import Road
from tests.flows.partners.window import Window
from tests.flows.shops import SEED, START, corridor

READERS: Final = {topic.name: tuple(name for name in topic.consumers if name != "tower") for topic in TOPICS}


class Way(NamedTuple):
    """Facts of one key on one topic to one reader: in order. Different ways go at different paces."""

    reader: str
    topic: str
    key: str


class Move(NamedTuple):
    """What may happen next: a fact is read, a letter comes in at the door, a row of work ends."""

    service: str
    what: str
    way: Way | None = None
    row: RowKey | None = None


@dataclass(frozen=True)
class House:
    nodes: Mapping[str, Node]
    ways: Mapping[Way, tuple[Event, ...]]
    now: datetime

    def moves(self) -> list[Move]:
        """All that may happen now; sorted, so that a choice by number is the same choice again."""
        found = [Move(way.reader, "reads", way) for way in sorted(self.ways)]
        for name in sorted(self.nodes):
            node = self.nodes[name]
            found += [Move(name, "letter")] * (node.letter(self.now) is not None)
            found += [Move(name, "works", row=key) for key in node.due(self.now)]
        return found

    def then(self, move: Move) -> tuple[House, Stepped]:
        node = self.nodes[move.service]
        if move.way is not None:
            head, *rest = self.ways[move.way]
            return replace(self, ways=_shorter(self.ways, move.way, tuple(rest))).taking(reads(node, head, self.now))
        if move.row is not None:
            return self.taking(works(node, move.row, self.now))
        letter = node.letter(self.now)
        assert letter is not None
        return self.taking(takes_letter(node, letter, self.now))

    def hears(self, service: str, content: object) -> tuple[House, Stepped]:
        return self.taking(hears(self.nodes[service], content, self.now))

    def taking(self, stepped: Stepped) -> tuple[House, Stepped]:
        """The service as it now is, and its facts on their ways to everybody who reads them."""
        ways = dict(self.ways)
        for fact in stepped.facts:
            for reader in READERS[fact.topic]:
                if type(fact) in self.nodes[reader].process.handles:
                    way = Way(reader, fact.topic, fact.key)
                    ways[way] = (*ways.get(way, ()), fact)
        nodes = {**self.nodes, stepped.node.name: stepped.node}
        return replace(self, nodes=nodes, ways=ways), stepped

    def next_time(self) -> datetime | None:
        """When something happens by itself, if nothing can happen now."""
        work = [row.due_at for node in self.nodes.values() for row in node.work.values()]
        letters = [letter.due_at for node in self.nodes.values() for letter in node.letters]
        return min((*work, *letters), default=None)


def _shorter(ways: Mapping[Way, tuple[Event, ...]], way: Way, rest: tuple[Event, ...]) -> dict[Way, tuple[Event, ...]]:
    others = {each: facts for each, facts in ways.items() if each != way}
    return {**others, way: rest} if rest else others


# --- putting it together ----------------------------------------------------------------------------------------------


def processes(policy: OrdersPolicy) -> list[Process]:
    """The real ones, with the profile's rules."""
    profile = corridor()
    return [
        catalog(CatalogPolicy()),
        orders(policy),
        payments(policy_of(profile)),
        logistics(roads_of(profile, ("cainiao",))),
        customs(CustomsPolicy(profile)),
    ]


def house(policy: OrdersPolicy | None = None, **partners: Partner) -> House:
    """Everybody at their desk, the shelves filled; `partners` take the place of the well-behaved ones."""
    usual: dict[str, Partner] = {"orders": Channel(), "payments": Bank(), "logistics": Road(), "customs": Window()}
    nodes = {
        each.service: Node(each, partners.get(each.service, usual.get(each.service, Nobody())))
        for each in processes(policy or OrdersPolicy())
    }
    return _stocked(House(nodes, {}, START))


def _stocked(empty: House) -> House:
    for _, content in read_seed(SEED.read_text("utf-8"), START.date()):
        empty, stepped = empty.hears("catalog", content)
        assert stepped.reply is not None
        assert stepped.reply.status in (201, 202)  # a product, a receipt of stock
    node = replace(empty.nodes["catalog"], spoken={})
    return replace(empty, nodes={**empty.nodes, "catalog": node})
