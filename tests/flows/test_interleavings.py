"""Scenario 49: whatever overtakes what between topics, every straight walk ends the same with nothing parked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from services.logistics.shipment import Shipment
from services.payments.payment import PAYMENT
from shared.events.customs import DeclarationReleased
from shared.flow.decision import NOTHING, Answer, Process, States
from tests.flows.books import at_rest
from tests.flows.explore import Explorer
from tests.flows.house import House
from tests.flows.town import Town
from tests.flows.walks import Walk, bonded, direct_mail, xiaohongshu


def settled(value: object) -> object:
    """A parcel's scans are a history in order of arrival: the same ones in another order are the same history."""
    if not isinstance(value, Shipment):
        return value
    parcels = {
        key: replace(
            parcel,
            events=tuple(sorted(parcel.events, key=lambda event: event.dedupe_key)),
            spoken=tuple(sorted(parcel.spoken)),
        )
        for key, parcel in value.parcels.items()
    }
    return replace(value, parcels=parcels)


def different(one: House, other: House) -> list[str]:
    """Where two ends differ, in words short enough to read."""
    found: list[str] = []
    for name, node in one.nodes.items():
        others = other.nodes[name]
        keys = sorted(node.states.keys() | others.states.keys())
        found += [
            f"{name} {kind}"
            for kind, key in keys
            if settled(node.states.get((kind, key))) != settled(others.states.get((kind, key)))
        ]
        if node.spoken != others.spoken:
            found.append(f"{name} spoke {node.spoken} and {others.spoken}")
    return found


@pytest.mark.parametrize("walk", [bonded, direct_mail, xiaohongshu])
def test_49_every_interleaving_of_a_straight_walk_ends_the_same_with_nothing_parked(walk: Walk) -> None:
    explorer = Explorer(walk().house)

    explored = explorer.run()

    for place, end in explored.ends.items():
        assert at_rest(end) == [], "\n".join(explorer.history(place))
    first, *others = explored.ends.values()
    assert [different(first, end) for end in others] == [[] for _ in others]
    assert explored.places > 1000


def forgetful(process: Process) -> Process:
    """Payments that owes customs nothing where it hears of the release before it knows the tax."""

    def decide(states: States, content: object, now: datetime) -> Answer:
        payment = states.get(PAYMENT, content.key) if isinstance(content, DeclarationReleased) else None
        untaxed = payment is not None and payment.valuation is None
        return NOTHING if untaxed else process.decide(states, content, now)

    return replace(process, decide=decide)


def test_walking_every_order_finds_what_only_one_order_shows() -> None:
    town = bonded()
    node = town.node("payments")
    nodes = {**town.house.nodes, "payments": replace(node, process=forgetful(node.process))}
    plain = Town(replace(town.house, nodes=nodes)).ends()
    assert at_rest(plain.house) == []
    explorer = Explorer(replace(town.house, nodes=nodes))

    found = {place: wrong for place, end in explorer.run().ends.items() if (wrong := at_rest(end))}

    [(place, wrong)] = found.items()
    assert wrong[0].startswith("payments parked FundsReleaseAuthorised")
    history = explorer.history(place)
    late, early = "payments reads customs.assessment.made", "payments reads customs.declaration.released"
    assert history.index(early) < history.index(late)
