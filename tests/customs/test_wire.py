"""Building and reading the messages: schema order, lengths, round trips, and what comes from customs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.customs.codebook import customs_country, rows, unit_codes
from services.customs.documents import (
    BEIJING,
    Document,
    FormatReply,
    Kind,
    TaxBill,
    TaxBillChange,
    fen,
    kilograms,
    yuan,
)
from services.customs.providers.ceb import schema, statuses, wire
from services.customs.providers.ceb.elements import Q, element_of
from services.customs.providers.ceb.parser import parse
from services.customs.receipts import NotUnderstood, Receipt, Trouble, Word
from shared.errors import BadInput, Unrecognised
from shared.money import Money
from tests.customs import cases, papers
from tests.customs.keys import enterprise

ALL: list[Document] = [
    papers.order(), papers.payment(), papers.waybill(), papers.inventory(), papers.cancellation(), papers.refund(),
]  # fmt: skip
GOOD = [path for path in sorted(cases.ROOT.glob("good/*/*.xml")) if "export" not in path.parent.name]
DECLARING = [path for path in GOOD if path.name[:3] in {"311", "411", "511", "621", "623", "625"}]


def build(document: Document) -> bytes:
    return wire.build(document, papers.TRANSFER, enterprise().signer)


@pytest.mark.parametrize("document", ALL, ids=lambda one: type(one).__name__)
def test_what_is_built_is_read_back_equal(document: Document) -> None:
    message = wire.parse_message(build(document), [enterprise().verifier], papers.AT)

    assert message.documents == (document,)
    assert (message.transfer, message.guid) == (papers.TRANSFER, papers.GUID)


@pytest.mark.parametrize("path", DECLARING, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_good_document_read_and_built_again_says_the_same(path: Any) -> None:
    root = parse(path.read_bytes())
    before = wire.read(root)
    (document,) = before.documents
    again = parse(wire.build(document, before.transfer, enterprise().signer))

    texts = [[(str(node.tag), (node.text or "").strip()) for node in tree.iter(Q + "*")] for tree in (root, again)]
    assert texts[0] == texts[1]
    assert before.kind is wire.KINDS[type(document)]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_good_message_passes_the_schema(path: Any) -> None:
    assert schema.errors(parse(path.read_bytes())) == ()


def test_the_bytes_are_the_same_each_time() -> None:
    assert build(papers.inventory()) == build(papers.inventory())


def test_every_mandatory_element_of_the_schema_has_a_field() -> None:
    nodes = [layout.value for layout in wire.LAYOUTS.values()]
    nodes += [layout.lines for layout in wire.LAYOUTS.values() if layout.lines is not None]
    for node in nodes:
        ours = {slot.tag.removeprefix(Q) for slot in node.slots}
        assert ours == set(node.elements), node.tag
        assert [slot.tag.removeprefix(Q) for slot in node.slots] == list(node.elements)


def test_names_follow_one_rule_and_the_schemas_own_spelling() -> None:
    assert [element_of(name) for name in ("order_no", "qty_1", "actual_paid", "hs_code")] == [
        "orderNo", "qty1", "acturalPaid", "gcode",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", sorted(wire.MUST_SIGN))
def test_inventory_cancellation_and_return_are_not_built_without_signature(kind: Kind) -> None:
    document = next(one for one in ALL if wire.KINDS[type(one)] is kind)

    with pytest.raises(BadInput):
        wire.build(document, papers.TRANSFER)


@pytest.mark.parametrize(
    ("document", "where"),
    [
        (papers.order(order_no="N" * 61), "orderNo"),
        (papers.order(guid="short"), "CEB311Message"),
        (papers.order(currency="502"), "currency"),
        (papers.payment(amount_paid=Decimal("1.000001")), "amountPaid"),
        (papers.waybill(consignee="名" * 101), "consignee"),
        (papers.inventory(cop_no="C" * 21), "copNo"),
        (papers.inventory(buyer_telephone=""), "buyerTelephone"),
        (papers.order(consignee_district="3501"), "consigneeDistrict"),
    ],
)
def test_what_breaks_the_schema_is_refused_before_it_is_sent_and_no_value_is_told(document: Any, where: str) -> None:
    with pytest.raises(BadInput) as refused:
        build(document)

    assert refused.value.where == where
    assert "名名" not in str(refused.value)


@pytest.mark.parametrize("bad", ["a\x00b", "a\x0bb", "\ufffe", "\ud800"])
def test_a_character_that_xml_cannot_carry_is_bad_input(bad: str) -> None:
    with pytest.raises(BadInput):
        build(papers.order(buyer_name=bad))


def test_markup_in_a_value_stays_a_value() -> None:
    name = "<x>&amp;]]>\"'\r\n\t陈"
    read = wire.parse_message(build(papers.inventory(buyer_name=name)), [enterprise().verifier], papers.AT)

    assert read.documents[0] == papers.inventory(buyer_name=name)


def test_times_are_beijing_times() -> None:
    at = datetime.fromisoformat("2026-03-02T17:30:15+00:00")
    assert b"<ceb:appTime>20260303013015</ceb:appTime>" in build(papers.order(app_time=at))


def receipts(path: str) -> list[Receipt]:
    found = wire.parse_incoming(cases.read(path))
    assert all(isinstance(one, Receipt) for one in found)
    return [one for one in found if isinstance(one, Receipt)]


def test_the_receipts_of_an_inventory_are_read_with_their_numbers_and_milliseconds() -> None:
    found = receipts("good/B-bonded-1210/622-inspection-release.xml")
    last = found[-1]

    assert [one.reading for one in found] == [Word.DECLARING, Word.STORED, Word.REVIEW, Word.INSPECTION, Word.RELEASED]
    assert (last.business_key, last.pre_no, last.invt_no) == (
        "TC-INV-00000007",
        "B20251119000000007",
        "31052025I000000007",
    )
    assert found[1].at == datetime(2025, 11, 19, 11, 0, 16, 200_000, BEIJING)
    assert statuses.explained(last.info) == ("2600", "放行")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("good/A-direct-9610/312-order-receipts.xml", "9999A60001/TC20251118000001"),
        ("good/A-direct-9610/412-payment-receipts.xml", "9999P60003/PAY2025111800000001"),
        ("good/A-direct-9610/512-waybill-receipts.xml", "9999L60004/TCX0000000001"),
        ("good/A-direct-9610/514-status-receipt.xml", "9999L60004/TCX0000000001"),
        ("good/A-direct-9610/624-cancel-accepted.xml", "TC-CAN-00000001"),
        ("good/B-bonded-1210/626-return-receipts.xml", "TC-RFD-00000007"),
    ],
)
def test_every_receipt_names_its_document_by_business_key(path: str, key: str) -> None:
    assert {one.business_key for one in receipts(path)} == {key}


def test_a_receipt_that_came_twice_has_one_claim() -> None:
    first, second = (receipts("good/A-direct-9610/312-order-receipts.xml") for _ in range(2))

    assert [one.claim for one in first] == [one.claim for one in second]
    assert len({one.claim for one in first}) == 2


def edited(path: str, old: bytes, new: bytes) -> bytes:
    data = cases.read(path)
    assert data.count(old) >= 1
    return data.replace(old, new)


def test_an_unknown_status_does_not_hide_its_neighbours() -> None:
    data = edited("good/A-direct-9610/622-released.xml", b"<returnStatus>120<", b"<returnStatus>650<")
    found = [one.reading for one in wire.parse_incoming(data) if isinstance(one, Receipt)]

    assert found == [Word.DECLARING, NotUnderstood.NOT_UNDERSTOOD, Word.RELEASED]


def test_a_receipt_without_pre_entry_number_is_taken() -> None:
    data = edited("good/A-direct-9610/624-cancel-refused.xml", b"<preNo>C20251118000000001</preNo>", b"")
    (found,) = wire.parse_incoming(data)

    assert isinstance(found, Receipt)
    assert (found.pre_no, found.reading) == (None, Trouble.STOP)


def test_tax_bills_are_read_with_and_without_the_elements_of_the_text_edition() -> None:
    (with_numbers,) = wire.parse_incoming(cases.read("good/A-direct-9610/816-tax-bill.xml"))
    (plain,) = wire.parse_incoming(cases.read("good/B-bonded-1210/816-tax-bill.xml"))
    (void,) = wire.parse_incoming(cases.read("good/B-bonded-1210/818-tax-void.xml"))

    assert isinstance(with_numbers, TaxBill)
    assert isinstance(plain, TaxBill)
    assert isinstance(void, TaxBillChange)
    assert (with_numbers.order_no, with_numbers.logistics_no) == ("TC20251118000001", "TCX0000000001")
    assert (plain.order_no, plain.total, len(plain.items)) == (None, Decimal("189.24"), 3)
    assert (void.invt_no, void.status) == ("31052025I000000007", "3")


def test_a_format_reply_names_the_envelope_that_it_means() -> None:
    (reply,) = wire.parse_incoming(cases.read("good/900-format-error.xml"))

    assert isinstance(reply, FormatReply)
    assert (reply.ori_cop_msg_id, reply.return_status, reply.ori_biz_message) == ("COPMSG-0001", "-1", "<x/>")


RELEASED = "good/A-direct-9610/622-released.xml"


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (b"CEB622Message", b"CEB999Message", Unrecognised),
        (b"chinaport.gov.cn/ceb", b"chinaport.gov.cn/ceb/", Unrecognised),
        (b"<returnTime>20251118110002510<", b"<returnTime>20251318110002510<", BadInput),
        (b"<returnTime>20251118110002510<", b"<returnTime>yesterday<", BadInput),
        (b"<returnStatus>120<", b"<returnStatus>0x78<", BadInput),
        (b"<returnStatus>120</returnStatus>", b"", BadInput),
        (b"<copNo>TC-INV-00000001</copNo>", b"<copNo>A</copNo><copNo>B</copNo>", BadInput),
        (b"<InventoryReturn>", b"<Foreign/><InventoryReturn>", BadInput),
    ],
)
def test_a_receipt_message_that_cannot_be_right_is_refused(old: bytes, new: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        wire.parse_incoming(edited(RELEASED, old, new))


@pytest.mark.parametrize("name", ["CEB312", "CEB412", "CEB512", "CEB514", "CEB622", "CEB624", "CEB626"])
def test_every_listed_status_of_our_receipts_has_a_word(name: str) -> None:
    kind = next(kind for kind, receipt in statuses.RECEIPT_OF.items() if receipt == name)
    listed = [row["return_status"] for row in rows("ceb_return_status") if row["message"] == name]

    assert {type(statuses.reading(kind, status)) for status in listed} == {Word}
    with pytest.raises(Unrecognised):
        statuses.reading(kind, "650")


def test_a_status_of_another_receipt_is_not_borrowed() -> None:
    with pytest.raises(Unrecognised):
        statuses.reading(Kind.ORDER, "800")


@pytest.mark.parametrize(
    ("code", "trouble"),
    [("-621018", Trouble.STOP), ("-621013", Trouble.RETRY), ("-621004", Trouble.IDEMPOTENT), ("-451", Trouble.MANUAL)],
)
def test_errors_have_a_class_and_an_unknown_one_goes_to_a_person(code: str, trouble: Trouble) -> None:
    assert statuses.reading(Kind.INVENTORY, code) is trouble


def test_countries_and_units_are_customs_own() -> None:
    assert [customs_country(code) for code in ("KE", "CN", "NG", "TZ", "ZA")] == ["224", "142", "236", "247", "244"]
    assert {"035", "136", "140", "142"} <= unit_codes()
    with pytest.raises(Unrecognised):
        customs_country("XX")


def test_money_and_weight_enter_documents_exactly() -> None:
    assert (str(yuan(Money(12900, "CNY"))), str(kilograms(620))) == ("129.00", "0.620")
    assert fen(Decimal("332.9")) == Money(33290, "CNY")
    with pytest.raises(BadInput):
        fen(Decimal("332.9100001"))
    with pytest.raises(ValueError, match="KES"):
        yuan(Money(1, "KES"))


def test_a_document_of_another_day_differs_only_where_it_should() -> None:
    later = replace(papers.order(), app_time=papers.AT + timedelta(days=1))
    today, tomorrow = (wire.build(one, papers.TRANSFER) for one in (papers.order(), later))

    assert tomorrow == today.replace(b">20260302093015<", b">20260303093015<")
