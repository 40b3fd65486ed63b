"""A tale as the story that the tower makes of it, and what is said of it."""

from __future__ import annotations

from services.tower.pages_words import words_in
from services.tower.process import STORY, make_process
from services.tower.saying import said
from services.tower.stages import Pace
from services.tower.story import Lane, Story
from services.tower.strip import strip
from shared.flow.decision import Decision, States
from tests.support.tales import Tale

PROCESS = make_process({"coffee-direct": "direct_mail", "coffee-bonded": "bonded"})
EN, PACE = words_in("en", "Asia/Shanghai"), Pace()


def after(tale: Tale) -> Story:
    states = States()
    for envelope in tale.envelopes:
        decision = PROCESS.decide(states, envelope, envelope.time)
        assert isinstance(decision, Decision)
        states.take(decision.puts)
    story = states.get(STORY, tale.order)
    assert story is not None
    return story


def why(tale: Tale) -> str:
    return said(EN, after(tale), PACE, tale.at).why


def labels(story: Story, lane: Lane) -> list[tuple[str, str]]:
    return [(node.key, node.level.value) for node in dict(strip(story))[lane]]
