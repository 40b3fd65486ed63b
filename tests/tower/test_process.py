"""Given these facts, then this story and these lines."""

from __future__ import annotations

from datetime import UTC, datetime

from services.tower.answer import Answer
from services.tower.answer import standing as standing_at
from services.tower.process import ENTRY, STORY, make_process, trace_id
from services.tower.stages import Stage
from services.tower.story import Entry, Story
from shared.events import catalog, orders
from shared.events.envelope import Cause, Envelope
from shared.flow.decision import Decision, Put, States
from shared.ids import uuid7
from tests.support.tales import NOON, Tale, cny

PROCESS = make_process()


def told(envelopes: list[Envelope]) -> tuple[Story, list[Entry]]:
    """The story and its lines after these facts, in the order in which they come."""
    states, lines = States(), []
    for envelope in envelopes:
        decision = PROCESS.decide(states, envelope, envelope.time)
        assert isinstance(decision, Decision)
        assert (decision.facts, decision.work) == ((), ())
        states.take(decision.puts)
        lines += [put.value for put in decision.puts if put.key[0] == ENTRY.name]
    story = states.get(STORY, envelopes[0].event.key)
    assert story is not None
    return story, [line for line in lines if isinstance(line, Entry)]


def standing(story: Story) -> Answer:
    return standing_at(story, Stage(story.stage))


def tracks(story: Story) -> dict[str, str]:
    return {name: step.state for name, step in story.tracks.items()}


def test_the_whole_straight_way_ends_with_every_track_at_its_end() -> None:
    tale = Tale().whole()

    story, lines = told(tale.envelopes)

    assert tracks(story) == {
        "intent": "completed", "assessment": "assessed", "goods": "drawn", "money": "covered", "funds": "released",
        "payment_paper": "accepted", "waybill_paper": "accepted", "inventory": "released",
    }  # fmt: skip
    assert story.carriage == ("delivered",)
    assert (story.stage, story.ended_at, story.facts) == ("completed", tale.at, len(tale.envelopes))
    assert (story.purse.captured, story.purse.released, story.purse.in_hand) == (
        cny("129.00"), cny("129.00"), cny("0.00"),
    )  # fmt: skip
    assert [line.n for line in lines] == list(range(1, len(tale.envelopes) + 1))
    assert [line.id for line in lines] == [str(envelope.id) for envelope in tale.envelopes]


def test_facts_of_other_topics_may_overtake_the_first_one() -> None:
    tale = Tale().to_customs()

    backwards, _ = told(list(reversed(tale.envelopes)))
    forwards, _ = told(tale.envelopes)

    assert tracks(backwards) == tracks(forwards)
    assert (backwards.stage, backwards.carriage) == ("declared", ("booked",))
    assert (backwards.seller, backwards.external_id) == (tale.seller, tale.number)
    assert (backwards.started_at, backwards.changed_at) == (forwards.started_at, forwards.changed_at)
    assert set(backwards.ids) == set(forwards.ids)


def test_an_order_is_found_by_every_number_that_a_partner_gave_it() -> None:
    tale = Tale().to_customs()
    tale.released()

    story, _ = told(tale.envelopes)

    assert story.numbers["waybill_no"] == tale.waybill
    assert story.numbers["transaction_id"] == tale.transaction
    assert set(story.numbers) == {
        "order_id", "code", "external_id", "out_trade_no", "transaction_id", "order_no", "waybill_no", "cop_no",
        "invt_no",
    }  # fmt: skip
    assert set(story.ids) - set(story.numbers.values()) == {tale.parcel}


def test_personal_data_is_kept_masked_only() -> None:
    story, lines = told(Tale().to_customs().envelopes)

    assert story.buyer == "王** 110***12"
    assert "c2VhbGVk" not in repr((story, lines))
    assert lines[0].values["recipient"] == "王** 138***01 福建省福州市"


def test_a_payment_qr_is_told_to_nobody() -> None:
    story, lines = told(Tale().to_customs().envelopes)

    assert "weixin://" not in repr((story, lines))


def test_a_rejection_names_its_reason_and_the_fix_until_a_new_attempt() -> None:
    tale = Tale().rejected()

    story, _ = told(tale.envelopes)

    assert (story.state("inventory"), story.trouble) == ("rejected", "-620013 收货地址不完整")
    assert story.fix_en == "Give province, city, district and street."
    assert [hold.name for hold in story.holding] == ["customs"]
    assert (standing(story).level, standing(story).reason, standing(story).owner) == ("bad", "rejected", "shop")

    tale.say(orders.HoldLifted(**tale.of(), hold="customs"))
    tale.submitted(tale.last)
    again, _ = told(tale.envelopes)

    assert (again.state("inventory"), again.fix_en, again.holding) == ("submitted", "", ())
    assert standing(again).level == "run"


def test_documents_that_differ_were_not_declared() -> None:
    story, lines = told(Tale().mismatched().envelopes)

    assert (story.stage, story.state("inventory"), standing(story).reason) == ("booked", "mismatched", "mismatched")
    assert [finding.code for finding in story.findings] == ["R02"]
    assert (lines[-1].level, lines[-1].lane, lines[-1].values["findings"]) == ("bad", "customs", "R02")


def test_a_shelf_has_a_line_and_no_story() -> None:
    changed = catalog.StockChanged(
        stock_key="KE-AA@fz", sku="KE-AA", location="fz", on_hand=5, reserved=1, reason="reserved"
    )
    envelope = Envelope(uuid7(), changed, NOON, Cause("c", "c"), "mombasa-fuzhou")

    decision = PROCESS.decide(States(), envelope, NOON)

    assert PROCESS.reach(envelope).keys == ()
    assert isinstance(decision, Decision)
    assert [put.key[0] for put in decision.puts] == [ENTRY.name]


def test_a_conflict_is_a_case_for_a_person_whatever_else_goes_well() -> None:
    tale = Tale()
    tale.placed()
    detail = "payments.payment.opened while none"
    fact = orders.ConflictFound(**tale.of(), track="money", state="none", fact="payments.payment.opened", detail=detail)
    tale.say(fact)

    story, _ = told(tale.envelopes)

    assert (standing(story).level, standing(story).reason, story.conflict) == ("bad", "conflict", detail)


def test_a_case_that_is_closed_wants_nobody_any_more_and_the_others_stay_open() -> None:
    tale = Tale()
    tale.placed()
    for number in (1, 2):
        tale.say(
            orders.ConflictFound(
                **tale.of(), track="money", state="none", fact="payments.payment.opened", detail=f"no. {number}",
                number=number,
            )
        )  # fmt: skip
    tale.say(orders.ConflictClosed(**tale.of(), number=2, note="the provider mixed two trades up"))
    one_left, _ = told(tale.envelopes)
    tale.say(orders.ConflictClosed(**tale.of(), number=1, note="the same"))
    settled, _ = told(tale.envelopes)

    assert (standing(one_left).reason, one_left.conflicts, one_left.conflict) == ("conflict", 1, "no. 1")
    assert one_left.open_cases == {"1": "no. 1"}
    assert (settled.conflicts, settled.conflict, standing(settled).reason != "conflict") == (0, "", True)


def test_a_forged_trace_header_is_nobodys_trace() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"

    assert trace_id(f"00-{trace}-b7ad6b7169203331-01") == trace
    assert trace_id("00-<script>alert(1)</script>xxxxxxx-b7ad6b7169203331-01") == ""
    assert trace_id(f"00-{'0' * 32}-{'0' * 16}-00") == ""
    assert trace_id("") == ""


def test_the_same_facts_make_the_same_puts() -> None:
    tale = Tale().to_customs()
    at = datetime(2027, 1, 1, tzinfo=UTC)

    def puts() -> list[Put]:
        states = States()
        found: list[Put] = []
        for envelope in tale.envelopes:
            decision = PROCESS.decide(states, envelope, at)
            assert isinstance(decision, Decision)
            states.take(decision.puts)
            found += decision.puts
        return found

    assert puts() == puts()
