"""Customs' door: only signed envelopes to us, each once; what nobody understands is kept and hurts nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.customs.documents import Kind
from services.customs.providers.ceb import dxp
from services.customs.providers.ceb.parser import parse
from shared.db.embedded import EmbeddedPostgres
from shared.flow.items import Fate
from tests.customs import cases
from tests.customs.bureau import Bureau, bureau, node
from tests.customs.desk import BEFORE_ASKING, BUYER, ORDER, asked, placed, reserved

AT = "20990101000000000"  # after everything that the window said by itself
STRAIGHT = ("assessment.made", "declaration.submitted", "declaration.stored", "declaration.released")


@pytest.fixture
async def window(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Bureau]:
    async with bureau(postgres, tmp_path) as open_:
        yield open_


@pytest.fixture
async def released(window: Bureau) -> Bureau:
    window.hear_partners()
    await window.run.hear(placed(), reserved(), *BEFORE_ASKING, asked())
    await window.spoken(*STRAIGHT)
    await window.settled()
    return window


async def cop_no(open_: Bureau) -> str:
    number: str = (await open_.dossier())["submission"]["cop_no"]
    return number


async def codes(open_: Bureau) -> list[str]:
    return [case["code"] for case in (await open_.dossier())["cases"]]


async def test_what_is_taken_is_answered_by_the_platforms_own_words(released: Bureau) -> None:
    body = released.envelope("622", "InventoryReturn", node("899", AT, copNo=await cop_no(released)))
    answer = await released.push(body)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml; charset=utf-8")
    said = dxp.read_answer(answer.content)
    assert (said.code, said.cop_msg_id) == ("0", dxp.read(parse(body)).cop_msg_id)


async def test_the_same_delivery_again_gets_the_first_answer_and_counts_once(released: Bureau) -> None:
    body = released.envelope("622", "InventoryReturn", node("500", AT, copNo=await cop_no(released)))
    first = await released.push(body)
    released.run.clock.skip(timedelta(seconds=5))
    again = await released.push(body)

    assert (again.status_code, again.content) == (200, first.content)
    await released.spoken(*STRAIGHT, "declaration.held")
    assert await released.run.receipts("customs") == ["accepted"] * len(await released.run.receipts("customs"))


async def test_a_changed_or_unsigned_envelope_is_refused_and_leaves_nothing(window: Bureau) -> None:
    good = window.envelope("622", "InventoryReturn", node("800", AT, copNo="X"))
    changed = good.replace(window.keys.window_dxp.encode(), b"DXPEDCCEB0000009")
    start = good.index(b"<ds:Signature" if b"<ds:Signature" in good else b"<Signature")
    unsigned = good[:start] + b"</DxpMsg>"

    answers = [await window.push(body) for body in (changed, unsigned)]

    assert [answer.status_code for answer in answers] == [401, 401]
    assert [dxp_code(answer.text) for answer in answers] == ["1004", "1004"]
    assert await window.run.receipts("customs") == []


def dxp_code(text: str) -> str:
    return text.partition("<ResponseCode>")[2].partition("<")[0]


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"<DxpMsg", b"\xff\xfe<a/>", b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', b"<a>" * 30 + b"</a>" * 30],
    ids=["empty", "json", "broken", "not utf-8", "doctype", "deep"],
)
async def test_what_is_no_xml_of_ours_is_refused(window: Bureau, body: bytes) -> None:
    answer = await window.push(body)

    assert (answer.status_code, dxp_code(answer.text)) == (400, "0001")
    assert await window.run.receipts("customs") == []


async def test_too_large_a_body_is_refused_before_it_is_read(window: Bureau) -> None:
    answer = await window.push(b" " * (256 * 1024 + 1))

    assert (answer.status_code, dxp_code(answer.text)) == (413, "0001")


async def test_an_envelope_for_somebody_else_is_kept_and_not_applied(released: Bureau) -> None:
    other = released.envelope(
        "622", "InventoryReturn", node("500", AT, copNo=await cop_no(released)), receiver="DXPENT0000000001"
    )

    assert (await released.push(other)).status_code == 200
    assert (await released.run.receipts("customs")).count("quarantined input.unrecognised") == 1
    await released.spoken(*STRAIGHT)


@pytest.mark.parametrize(
    ("kind", "name", "numbers", "status"),
    [
        ("622", "InventoryReturn", {"copNo": "X"}, "650"),
        ("412", "PaymentReturn", {"payCode": "P", "payTransactionId": "T"}, "120"),
        ("777", "Surprise", {}, "120"),
    ],
    ids=["unknown status", "not our document", "unknown message"],
)
async def test_what_is_authentic_and_not_understood_is_kept_for_a_person(
    window: Bureau, kind: str, name: str, numbers: dict[str, str], status: str
) -> None:
    answer = await window.push(window.envelope(kind, name, node(status, AT, **numbers)))

    assert answer.status_code == 200
    assert await window.run.receipts("customs") == ["quarantined input.unrecognised"]


async def test_an_unknown_status_hides_none_of_its_neighbours(released: Bureau) -> None:
    number = await cop_no(released)
    both = [node("650", AT, copNo=number), node("500", AT, copNo=number)]
    await released.push(released.envelope("622", "InventoryReturn", *both))

    await released.spoken(*STRAIGHT, "declaration.held")
    assert await codes(released) == ["unknown_status"]


async def test_a_number_that_nobody_knows_waits_and_is_applied_when_it_is_known(window: Bureau) -> None:
    early = window.envelope("622", "InventoryReturn", node("500", AT, copNo="LATER"))
    assert (await window.push(early)).status_code == 200
    assert await window.run.receipts("customs") == ["quarantined flow.early"]

    window.hear_partners()
    await window.run.hear(placed(), reserved(), *BEFORE_ASKING, asked())
    await window.spoken(*STRAIGHT)
    async with window.run.service.resources.database.connected(role="test") as connection:
        await connection.execute("INSERT INTO aliases (name, lane) VALUES ('copNo:LATER', $1)", ORDER)
    window.run.clock.skip(timedelta(seconds=6))
    await window.settled()

    assert set(await window.run.receipts("customs")) == {"accepted"}
    assert "LATER" in [receipt["number"] for receipt in (await window.dossier())["receipts"]]


async def test_strangers_in_a_known_neighbours_envelope_are_looked_up_again(released: Bureau) -> None:
    known, stranger = node("500", AT, copNo=await cop_no(released)), node("2", AT, copNo="STRAY")
    await released.push(released.envelope("622", "InventoryReturn", stranger, known))
    await released.spoken(*STRAIGHT, "declaration.held")

    async with released.run.service.resources.database.connected(role="test") as connection:
        await connection.execute("INSERT INTO aliases (name, lane) VALUES ('copNo:STRAY', $1)", ORDER)
    released.run.clock.skip(timedelta(seconds=6))
    await released.settled()

    assert "STRAY" in [receipt["number"] for receipt in (await released.dossier())["receipts"]]


async def test_a_format_reply_finds_its_document_and_its_quotation_is_not_kept_open(released: Bureau) -> None:
    sent = dxp.read(parse(released.line.sent[-1]))
    reply = {
        "guid": "G" * 36, "returnStatus": "-1", "returnInfo": "emsNo", "returnTime": AT, "oriCopMsgId": sent.cop_msg_id,
        "oriMessageType": "CEB621Message", "oriBizMessage": BUYER.id_number,
    }  # fmt: skip
    await released.push(released.envelope("900", "MessageReturn", reply))

    assert await codes(released) == ["format_refused"]
    rows = str(await released.run.rows("SELECT t.*::text FROM dossiers t"))
    assert BUYER.id_number not in rows
    assert BUYER.id_number.encode().hex() not in rows


async def test_a_tax_bill_finds_its_order_by_customs_number(released: Bureau) -> None:
    shown = await released.dossier()
    head = (
        f"<guid>{'G' * 36}</guid><returnTime>{AT}</returnTime><invtNo>{shown['invt_no']}</invtNo><taxNo>T1</taxNo>"
        "<customsTax>0</customsTax><valueAddedTax>10.77</valueAddedTax><consumptionTax>0</consumptionTax>"
        "<status>1</status>"
    )
    data = (
        f'<CEB816Message xmlns="http://www.chinaport.gov.cn/ceb" guid="{"G" * 36}" version="1.0">'
        f"<Tax><TaxHeadRd>{head}</TaxHeadRd></Tax></CEB816Message>"
    )
    assert (await released.push(released.wrapped(data.encode(), "816"))).status_code == 200

    shown = await released.dossier()
    assert shown["tax_bill"] == {"tax_no": "T1", "total": {"minor": 1077, "currency": "CNY"}, "status": "1"}
    assert [case["code"] for case in shown["cases"]] == ["tax_bill_differs"]


# --- who may look -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "status"), [("operator", 200), ("seller", 200), ("stranger", 404), ("service", 403), ("", 401)]
)
async def test_a_dossier_is_shown_to_its_seller_and_to_operators(window: Bureau, token: str, status: int) -> None:
    await window.run.hear(placed())

    assert (await window.run.ask("GET", f"/v1/orders/{ORDER}/dossier", token)).status_code == status


async def test_an_unknown_dossier_is_not_there(window: Bureau) -> None:
    assert (await window.run.ask("GET", "/v1/orders/nobody/dossier")).status_code == 404


async def test_persons_are_shown_masked(released: Bureau) -> None:
    shown = await released.dossier("seller")

    assert (shown["person"], shown["recipient"]) == ("陈** 999***8X", "陈** 139***02 福建省福州市")
    assert all(secret not in str(shown) for secret in (BUYER.id_number, BUYER.phone, BUYER.name))
    assert set(shown["submission"]["documents"]) == {Kind.ORDER, Kind.INVENTORY}


async def test_operators_see_what_waits_for_a_person(released: Bureau) -> None:
    assert (await released.run.ask("GET", "/v1/customs/cases")).json() == {"cases": []}
    await released.push(released.envelope("622", "InventoryReturn", node("502", AT, copNo=await cop_no(released))))

    (found,) = (await released.run.ask("GET", "/v1/customs/cases")).json()["cases"]
    assert (found["order_id"], [case["code"] for case in found["cases"]]) == (ORDER, ["detained"])
    assert (await released.run.ask("GET", "/v1/customs/cases", "seller")).status_code == 403


async def test_facts_of_an_order_are_decided_and_nothing_is_parked(released: Bureau) -> None:
    results = await released.run.hear(asked(2), *BEFORE_ASKING)

    assert {result.fate for result in results} == {Fate.DONE}
    assert await released.run.rows("SELECT count(*) FROM parked") == [(0,)]


async def test_a_declaration_shows_the_documents_side_by_side(released: Bureau) -> None:
    answer = await released.run.ask("GET", f"/v1/declarations/{ORDER}", "seller")

    shown = answer.json()
    assert answer.status_code == 200
    assert shown["documents"]["disagree"] == 0
    assert {row["agrees"] for row in shown["documents"]["rows"]} == {True, None}
    assert [version["phase"] for version in shown["versions"]] == ["inventory_sent"]
    assert all(secret not in answer.text for secret in (BUYER.id_number, BUYER.phone, BUYER.name))
    assert (await released.run.ask("GET", f"/v1/declarations/{ORDER}", "stranger")).status_code == 404
    assert (await released.run.ask("GET", f"/v1/declarations/{ORDER}", "")).status_code == 401


async def test_a_case_is_closed_by_an_operator_who_says_how(released: Bureau) -> None:
    await released.push(released.envelope("622", "InventoryReturn", node("502", AT, copNo=await cop_no(released))))
    door, note = f"/v1/customs/cases/{ORDER}/detained/close", {"note": "the office returned the goods to the shelf"}

    assert (await released.run.ask("POST", door, "seller", note)).status_code == 403
    assert (await released.run.ask("POST", door, "operator", {"note": ""})).status_code == 400
    answer = await released.run.ask("POST", door, "operator", note)

    again = await released.run.ask("POST", door, "operator", {"note": "once more"})

    assert (answer.status_code, answer.json()) == (200, {"cases": []}) == (again.status_code, again.json())
    shown = (await released.run.ask("GET", f"/v1/declarations/{ORDER}")).json()
    assert [(one["code"], one["by"], one["note"]) for one in shown["closed_cases"]] == [
        ("detained", "operator", note["note"])
    ]
    assert (await released.run.ask("GET", "/v1/customs/cases")).json() == {"cases": []}


@pytest.mark.parametrize("code", ["no_receipt", "NO", "x%00y"])
async def test_a_case_that_is_not_there_cannot_be_closed(released: Bureau, code: str) -> None:
    answer = await released.run.ask("POST", f"/v1/customs/cases/{ORDER}/{code}/close", "operator", {"note": "x"})

    assert answer.status_code == 404


OURS = {"312", "622", "624", "626", "816", "818"}
RECEIPTS = [
    path for path in sorted((cases.ROOT / "good").glob("*-*/*.xml"))
    if path.name[:3] in OURS | {"412", "512", "514", "712"} and path.parent.name != "export-9610"
]  # fmt: skip


async def test_every_receipt_of_the_samples_is_taken_and_waits_for_its_order_or_for_a_person(window: Bureau) -> None:
    assert len(RECEIPTS) > 10
    for path in RECEIPTS:
        answer = await window.push(window.wrapped(path.read_bytes(), path.name[:3]))
        assert answer.status_code == 200, path.name

    fates = sorted(await window.run.receipts("customs"))
    strangers = sum(path.name[:3] not in OURS for path in RECEIPTS)
    assert (
        fates
        == ["quarantined flow.early"] * (len(RECEIPTS) - strangers) + ["quarantined input.unrecognised"] * strangers
    )
