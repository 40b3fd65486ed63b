"""Every order in which things can happen, walked whole: two histories that lead to equal houses are one from there on.

A service is a function of its own state and of what it takes in, so each (state, input) is decided once, however many
histories pass by it. What two services do at the same time does not touch each other: only the order in which one
service takes in what comes by different ways makes a difference, and every such order is walked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from shared.events.base import Event
from shared.flow.items import Parked
from tests.flows.house import READERS, House, Move, Way
from tests.flows.node import Node, Stepped, reads, takes_letter, works

MOST: int = 2_000_000  # houses; more would never end in time
Facts = tuple[int, ...]
Ways = tuple[tuple[int, Facts], ...]  # way → facts on it, by their numbers; sorted


class Place(NamedTuple):
    """A house by numbers: one per service in the order of their names, what is on each way, the time."""

    nodes: tuple[int, ...]
    ways: Ways
    now: datetime


@dataclass
class Explored:
    """`ends` are the different houses in which nothing can happen any more, by their places.

    `places` counts the different houses on the way, `steps` the decisions that were really taken.
    """

    places: int
    steps: int
    ends: dict[Place, House]


class Numbers:
    """Equal values have one number, by what they print as; each object is printed once."""

    def __init__(self) -> None:
        self._by_text: dict[str, int] = {}
        self._by_object: dict[int, tuple[object, int]] = {}

    def of(self, value: object) -> int:
        known = self._by_object.get(id(value))
        if known is None:
            text = f"{type(value).__name__} {value!r}"
            known = self._by_object[id(value)] = (value, self._by_text.setdefault(text, len(self._by_text)))
        return known[1]


@dataclass
class Explorer:
    start: House
    numbers: Numbers = field(default_factory=Numbers)
    nodes: list[Node] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    events: dict[int, Event] = field(default_factory=dict)
    _of_node: dict[object, int] = field(default_factory=dict)
    _of_way: dict[Way, int] = field(default_factory=dict)
    _bound: dict[int, Facts] = field(default_factory=dict)
    _reader: list[int] = field(default_factory=list)
    _steps: dict[object, tuple[int, Facts]] = field(default_factory=dict)
    _moves: dict[tuple[int, datetime], tuple[Move, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = tuple(sorted(self.start.nodes))

    def run(self) -> Explored:
        first = self._place(self.start)
        # Their hashes are enough: 64 bits tell a million houses apart, and the houses themselves would fill the memory.
        seen, todo = {hash(first)}, [first]
        ends: list[Place] = []
        while todo:
            place = todo.pop()
            onward = self._onward(place)
            if not onward:
                ends.append(place)
            for each in onward:
                name = hash(each)
                if name not in seen:
                    seen.add(name)
                    todo.append(each)
            assert len(seen) < MOST, "too many houses"
        return Explored(len(seen), len(self._steps), {end: self._house(end) for end in ends})

    def history(self, end: Place) -> list[str]:
        """One way that leads there, found by walking once more: for whoever wants to know how it came to that."""
        before: dict[Place, tuple[Place, str] | None] = {self._place(self.start): None}
        todo = list(before)
        while todo and end not in before:
            place = todo.pop()
            onward = self._onward(place)
            for what, each in zip(self._words(place) or ["time passes"] * len(onward), onward, strict=True):
                if each not in before:
                    before[each] = (place, what)
                    todo.append(each)
        history: list[str] = []
        while (step := before[end]) is not None:
            end = step[0]
            history.append(step[1])
        return history[::-1]

    # --- from place to place ------------------------------------------------------------------------------------------

    def _onward(self, place: Place) -> list[Place]:
        nodes, ways, now = place
        onward = []
        for index, (way, facts) in enumerate(ways):
            rest = ((way, facts[1:]),) if len(facts) > 1 else ()
            onward.append(self._taken(place, self._reader[way], way, facts[0], ways[:index] + rest + ways[index + 1 :]))
        for at, number in enumerate(nodes):
            moves = self._moves.get((number, now))
            moves = self._moves_of(number, now) if moves is None else moves
            onward += [self._taken(place, at, move, -1, ways) for move in moves]
        return onward or self._later(place)

    def _words(self, place: Place) -> list[str]:
        """What each step onward is, for people; none where only time passes."""
        words = [f"{self.ways[way].reader} reads {self.events[facts[0]].type}" for way, facts in place.ways]
        for number in place.nodes:
            moves = self._moves_of(number, place.now)
            words += [f"{move.service} {move.row[1] if move.row else 'opens a letter'}" for move in moves]
        return words

    def _moves_of(self, number: int, now: datetime) -> tuple[Move, ...]:
        """What the service may do beside reading."""
        known = self._moves.get((number, now))
        if known is None:
            node = self.nodes[number]
            letters = [Move(node.name, "letter")] * (node.letter(now) is not None)
            rows = [Move(node.name, "works", row=row) for row in node.due(now)]
            known = self._moves[number, now] = (*letters, *rows)
        return known

    def _taken(self, place: Place, at: int, move: Move | int, fact: int, ways: Ways) -> Place:
        """`move` is a way, where something is read."""
        nodes, _, now = place
        key = (nodes[at], move, fact, now)
        number, spoken = self._steps.get(key) or self._step(*key)
        return Place((*nodes[:at], number, *nodes[at + 1 :]), self._spread(ways, spoken) if spoken else ways, now)

    def _step(self, number: int, move: Move | int, fact: int, now: datetime) -> tuple[int, Facts]:
        stepped = self._decided(self.nodes[number], move, fact, now)
        assert not stepped.failures, stepped.failures
        known = self._steps[number, move, fact, now] = (
            self._node(stepped.node),
            tuple(map(self._event, stepped.facts)),
        )
        return known

    def _decided(self, node: Node, move: Move | int, fact: int, now: datetime) -> Stepped:
        if isinstance(move, int):
            return reads(node, self.events[fact], now)
        if move.row is not None:
            return works(node, move.row, now)
        letter = node.letter(now)
        assert letter is not None
        return takes_letter(node, letter, now)

    def _spread(self, ways: Ways, spoken: Facts) -> Ways:
        after = dict(ways)
        for number in spoken:
            for way in self._bound[number]:
                after[way] = (*after.get(way, ()), number)
        return tuple(sorted(after.items()))

    def _later(self, place: Place) -> list[Place]:
        time = self._house(place).next_time()
        return [] if time is None else [place._replace(now=max(time, place.now))]

    # --- values and their numbers -------------------------------------------------------------------------------------

    def _place(self, house: House) -> Place:
        ways = tuple(sorted((self._way(way), tuple(map(self._event, facts))) for way, facts in house.ways.items()))
        return Place(tuple(self._node(house.nodes[name]) for name in self.names), ways, house.now)

    def _house(self, place: Place) -> House:
        ways = {self.ways[way]: tuple(self.events[number] for number in facts) for way, facts in place.ways}
        nodes = {name: self.nodes[number] for name, number in zip(self.names, place.nodes, strict=True)}
        return House(nodes, ways, place.now)

    def _way(self, way: Way) -> int:
        number = self._of_way.setdefault(way, len(self.ways))
        if number == len(self.ways):
            self.ways.append(way)
            self._reader.append(self.names.index(way.reader))
        return number

    def _event(self, fact: Event) -> int:
        number = self.numbers.of(fact)
        if number not in self.events:
            self.events[number] = fact
            readers = [name for name in READERS[fact.topic] if type(fact) in self.start.nodes[name].process.handles]
            self._bound[number] = tuple(self._way(Way(reader, fact.topic, fact.key)) for reader in readers)
        return number

    def _node(self, node: Node) -> int:
        of = self.numbers.of
        key = (
            node.name,
            frozenset((key, of(value)) for key, value in node.states.items()),
            tuple((of(item.content), item.lane, _parked(item.origin)) for item in node.waiting),
            frozenset((key, row.due_at, of(row.work), of(row.answer)) for key, row in node.work.items()),
            tuple((letter.due_at, of(letter.content)) for letter in node.letters),
            frozenset((number, of(content)) for number, content in node.stored.items()),
            frozenset(node.spoken.items()),
            of(node.partner),
        )
        number = self._of_node.setdefault(key, len(self.nodes))
        if number == len(self.nodes):
            self.nodes.append(node)
        return number


def _parked(origin: object) -> tuple[str, datetime | None]:
    assert isinstance(origin, Parked)
    return origin.state, origin.deadline
