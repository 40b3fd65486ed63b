"""The exchange platform's envelope and its answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.customs.documents import BEIJING, Kind
from services.customs.providers.ceb import dxp, wire
from services.customs.providers.ceb.parser import parse
from shared.errors import BadInput, SignatureRefused, Unrecognised
from tests.customs import cases, papers
from tests.customs.keys import enterprise

ENVELOPE = dxp.Envelope(
    cop_msg_id="6754CDA7-210D-49DC-8274-8EC8FD5B6C08",
    sender_id="DXPENT0000999999",
    receiver_ids=(dxp.IMPORT_CUSTOMS,),
    created_at=datetime(2026, 3, 2, 9, 30, 16, tzinfo=BEIJING),
    message_type=wire.message_name(Kind.ORDER),
    data=wire.build(papers.order(), papers.TRANSFER),
)
NS = 'xmlns="http://www.chinaport.gov.cn/dxp"'
ANSWER = (
    f"<DxpRep {NS}><RecevierId>DXPENT0000999999</RecevierId><Response><NodeId>1</NodeId><ResponseCode>%s</ResponseCode>"
    "<ResponseInfo>ok</ResponseInfo><NoticeTime>2026-03-02T09:30:17</NoticeTime>"
    f"<OriHead><CopMsgId>{ENVELOPE.cop_msg_id}</CopMsgId></OriHead></Response></DxpRep>"
)


def test_the_vectors_envelope_carries_the_vectors_order() -> None:
    envelope = dxp.read(parse(cases.read("dxp/DxpMsg-311.xml")))

    assert envelope.data == cases.read("good/A-direct-9610/311-order.xml")
    assert (envelope.sender_id, envelope.receiver_ids) == ("DXPENT0000999999", ("DXPEDCCEB0000002",))
    assert (envelope.message_type, envelope.created_at) == (
        "CEB311Message", datetime(2025, 11, 18, 10, 15, 1, tzinfo=BEIJING),
    )  # fmt: skip


def test_an_envelope_built_and_opened_is_the_same_and_its_bytes_do_not_vary() -> None:
    data = dxp.build(ENVELOPE, enterprise().signer)

    assert dxp.open_envelope(data, [enterprise().verifier], papers.AT) == ENVELOPE
    assert dxp.build(ENVELOPE, enterprise().signer) == data


def test_times_are_written_in_beijing_time_and_a_zone_is_understood() -> None:
    data = dxp.build(replace(ENVELOPE, created_at=datetime(2026, 3, 2, 1, 30, 16, tzinfo=UTC)), None)

    assert dxp.read(parse(data)) == ENVELOPE
    assert dxp.read(parse(data.replace(b"09:30:16<", b"02:30:16+01:00<"))).created_at == ENVELOPE.created_at


def test_only_a_pinned_signature_opens_an_envelope() -> None:
    signed, unsigned = dxp.build(ENVELOPE, enterprise().signer), dxp.build(ENVELOPE, None)
    changed = signed.replace(b"CEB311Message", b"CEB622Message")

    for data, verifier in ((signed, enterprise(2)), (unsigned, enterprise()), (changed, enterprise())):
        with pytest.raises(SignatureRefused):
            dxp.open_envelope(data, [verifier.verifier], papers.AT)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cop_msg_id": "M" * 256}, {"cop_msg_id": ""}, {"sender_id": "S" * 17}, {"receiver_ids": ()},
        {"receiver_ids": ("R",) * 6}, {"message_type": "T" * 31}, {"cop_msg_id": "a\x00"},
    ],
)  # fmt: skip
def test_an_envelope_outside_the_schemas_lengths_is_not_built(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        dxp.build(replace(ENVELOPE, **wrong), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (b'ver="1.0"', b'ver="2.0"', Unrecognised),
        (b"<DxpMsg ", b"<DxpMsgSv ", BadInput),
        (b"2026-03-02T09", b"yesterday", BadInput),
        (b"<Data>", b"<Data>*", BadInput),
        (b"<SenderId>DXPENT0000999999</SenderId>", b"", BadInput),
        (b"<CopMsgId>", b"<CopMsgId>x</CopMsgId><CopMsgId>", BadInput),
        (b"<MsgType>CEB", b"<MsgType><b/>CEB", BadInput),
    ],
)
def test_an_envelope_that_cannot_be_right_is_refused(old: bytes, new: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        dxp.read(parse(dxp.build(ENVELOPE, None).replace(old, new)))


def test_an_answer_names_the_message_that_it_answers() -> None:
    answer = dxp.read_answer((ANSWER % "0").encode())

    assert (answer.cop_msg_id, answer.code, answer.info) == (ENVELOPE.cop_msg_id, "0", "ok")
    assert answer.noticed_at == datetime(2026, 3, 2, 9, 30, 17, tzinfo=BEIJING)


@pytest.mark.parametrize("code", ["", "0123456789"])
def test_an_answer_code_has_one_to_nine_places(code: str) -> None:
    with pytest.raises(BadInput):
        dxp.read_answer((ANSWER % code).encode())
