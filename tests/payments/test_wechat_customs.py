"""The v2 XML interface: closed parsing, signatures that cannot be reshaped, and what answers mean."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.payments.providers.base import (
    CustomsAnswer,
    DeclarationState,
    DeclareAsk,
    Identity,
    IdentityCheck,
    Part,
    ProviderRefused,
    Unanswered,
)
from services.payments.providers.wechat import customs, flatxml
from services.payments.providers.wechat.client import WeChatPay
from services.payments.providers.wechat.wire import Answer
from shared.errors import BadInput, Failure, SignatureRefused, Unrecognised
from shared.money import Money
from tests.payments.wechat_provider import NOW, Provider

provider = Provider()
KEY = provider.merchant.apiv2_key
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ASK = DeclareAsk("TC20260301GZ0001", "4200000000000000000000000001", "GUANGZHOU_ZS", "4401TEST01", Money(28800, "CNY"))
SPLIT = replace(ASK, amount=Money(18800, "CNY"), part=Part("A-1", Money(2000, "CNY"), Money(16800, "CNY")))
DECLARED = {
    "return_code": "SUCCESS",
    "result_code": "SUCCESS",
    "appid": provider.merchant.appid,
    "mch_id": provider.merchant.mchid,
    "state": "UNDECLARED",
    "out_trade_no": ASK.out_trade_no,
    "transaction_id": ASK.transaction_id,
    "verify_department": "NETSUNION",
    "verify_department_trade_id": "2026030100000000000099990001",
}
QUERIED = {name: value for name, value in DECLARED.items() if name not in {"state", "out_trade_no"}}


def answer(fields: dict[str, str]) -> Answer:
    return Answer(200, {}, flatxml.write(fields | {"sign": customs.sign(fields, KEY)}))


def declared(change: dict[str, str], ask: DeclareAsk = ASK) -> CustomsAnswer:
    return customs.parse_declared(customs.receive(answer(DECLARED | change), provider.merchant), ask)


def queried(records: list[dict[str, str]], ask: DeclareAsk = ASK) -> CustomsAnswer | None:
    numbered = {f"{name}_{at}": value for at, record in enumerate(records) for name, value in record.items()}
    fields = customs.receive(answer(QUERIED | numbered | {"count": str(len(records))}), provider.merchant)
    return customs.parse_queried(fields, ask)


def test_the_first_answer_brings_the_numbers_of_the_order_message() -> None:
    told = declared({})
    assert (told.order_no, told.pay_code, told.pay_transaction_id) == (
        ASK.out_trade_no,
        "4403169D3W",
        ASK.transaction_id,
    )
    assert (told.amount, told.ver_dept, told.state) == (ASK.amount, "2", DeclarationState.PENDING)
    assert told.identity_check is IdentityCheck.UNKNOWN


def test_a_part_is_known_to_customs_by_the_number_that_wechat_gave_it() -> None:
    told = declared({"sub_order_no": "A-1", "sub_order_id": "S-9"}, SPLIT)
    assert (told.order_no, told.pay_transaction_id) == ("A-1", "S-9")
    with pytest.raises(BadInput):
        declared({"sub_order_no": "A-1"}, SPLIT)


def test_another_persons_wallet_is_told_apart() -> None:
    assert declared({"cert_check_result": "DIFFERENT"}).identity_check is IdentityCheck.DIFFERENT


def test_a_query_answers_for_the_office_and_the_part_that_was_asked_about() -> None:
    records = [
        {"customs": "NINGBO", "state": "FAIL", "order_fee": "1"},
        {"customs": "GUANGZHOU_ZS", "state": "SUCCESS", "order_fee": "28800", "fee_type": "CNY"},
        {
            "customs": "GUANGZHOU_ZS",
            "state": "EXCEPT",
            "sub_order_no": "A-1",
            "sub_order_id": "S-9",
            "order_fee": "18800",
        },
    ]
    whole, part = queried(records), queried(records, SPLIT)

    assert whole is not None
    assert (whole.state, whole.amount) == (DeclarationState.ACCEPTED, Money(28800, "CNY"))
    assert part is not None
    assert (part.state, part.amount, part.pay_transaction_id) == (DeclarationState.LOST, Money(18800, "CNY"), "S-9")
    assert queried([]) is None


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"state": "ASLEEP"}, Unrecognised),
        ({"verify_department": "MOON"}, Unrecognised),
        ({"transaction_id": "4200000000000000000000000002"}, BadInput),
        ({"out_trade_no": "TC20260301GZ0002"}, BadInput),
        ({"mch_id": "1900000002"}, BadInput),
        ({"result_code": "FAIL", "err_code": "NO_AUTH"}, ProviderRefused),
        ({"result_code": "FAIL", "err_code": "SYSTEMERROR"}, Unanswered),
    ],
)
def test_an_authentic_answer_means_what_it_says(change: dict[str, str], error: type[Failure]) -> None:
    with pytest.raises(Failure) as failure:
        declared(change)
    assert type(failure.value) is error


def test_a_success_without_our_signature_is_refused() -> None:
    for fields in (DECLARED, DECLARED | {"sign": "0" * 32}, DECLARED | {"sign": customs.sign(DECLARED, KEY).lower()}):
        with pytest.raises(SignatureRefused):
            customs.receive(Answer(200, {}, flatxml.write(fields)), provider.merchant)


def test_a_refusal_is_not_signed_and_is_believed_as_a_refusal_only() -> None:
    body = flatxml.write({"return_code": "FAIL", "return_msg": "签名错误"})
    with pytest.raises(ProviderRefused):
        customs.receive(Answer(200, {}, body), provider.merchant)


def test_two_fields_cannot_be_glued_into_one_under_the_same_signature() -> None:
    honest = {"explanation": "x", "fee_type": "CNY"}
    glued = {"explanation": "x&fee_type=CNY"}
    assert customs.sign(honest, KEY)
    with pytest.raises(BadInput):
        customs.sign(glued, KEY)


def test_a_split_that_does_not_add_up_is_not_sent() -> None:
    with pytest.raises(BadInput):
        customs.build_declare(provider.merchant, replace(SPLIT, amount=Money(18801, "CNY")))


def test_the_check_letter_of_an_identity_number_is_sent_in_upper_case() -> None:
    call = customs.build_declare(provider.merchant, replace(ASK, identity=Identity("测试甲", "11010119900307001x")))
    assert flatxml.read(call.body)["cert_id"] == "11010119900307001X"


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml><a>&a;</a></xml>',
        b'<!DOCTYPE xml SYSTEM "file:///etc/passwd"><xml/>',
        b"<xml><a>&unknown;</a></xml>",
        b"<xml><a><b>1</b></a></xml>",
        b'<xml><a b="1">1</a></xml>',
        b"<xml><a>1</a><a>2</a></xml>",
        b"<xml>text<a>1</a></xml>",
        b"<xml><!-- c --><a>1</a></xml>",
        b"<xml><?php x?><a>1</a></xml>",
        b'<?xml version="1.0" encoding="utf-16"?>' + "<xml/>".encode("utf-16"),
        b"<xml><n:a xmlns:n='x'>1</n:a></xml>",
        b"<other><a>1</a></other>",
        b"<xml><a>1</a>",
        b"",
        b"\xff",
        b"<xml>" + b"<a>" * 9999,
        b"<xml>" + b" " * 65536 + b"</xml>",
    ],
)
def test_anything_but_the_flat_form_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput):
        flatxml.read(body)


def test_an_encoding_declaration_does_not_choose_how_bytes_are_read() -> None:
    assert flatxml.read('<?xml version="1.0" encoding="gbk"?><xml><a>签</a></xml>'.encode()) == {"a": "签"}


names = st.from_regex(r"[a-z][a-z_0-9]{0,8}", fullmatch=True)


@FUZZ
@given(fields=st.dictionaries(names, st.text(max_size=20), max_size=5))
def test_what_is_written_is_read_again(fields: dict[str, str]) -> None:
    try:
        body = flatxml.write(fields)
    except BadInput:
        return
    assert flatxml.read(body) == fields


@FUZZ
@given(body=st.binary(max_size=80) | st.text(alphabet='<>/![]CDAT&;xml a"=?-', max_size=60).map(str.encode))
def test_any_bytes_end_in_fields_or_bad_input(body: bytes) -> None:
    try:
        fields = flatxml.read(b"<xml>" + body + b"</xml>")
    except BadInput:
        return
    assert all(name and isinstance(value, str) for name, value in fields.items())


@FUZZ
@given(change=st.dictionaries(st.sampled_from([*DECLARED, "count", "state_0", "order_fee_0"]), st.text(max_size=12)))
def test_disfigured_answers_end_in_a_failure_of_ours(change: dict[str, str]) -> None:
    try:
        fields = customs.receive(answer(DECLARED | change), provider.merchant)
        customs.parse_declared(fields, ASK)
        customs.parse_queried(fields, ASK)
    except Failure:
        return
    assert "count" in change


@pytest.fixture
async def client() -> AsyncIterator[WeChatPay]:
    provider.calls, provider.answers = [], []
    transport = httpx.MockTransport(provider.handle)
    async with httpx.AsyncClient(base_url="https://pay.example", transport=transport) as http:
        yield WeChatPay(http, provider.merchant, provider.ring, now=lambda: NOW)


async def test_a_payment_is_declared_queried_and_pushed_through_the_client(client: WeChatPay) -> None:
    record = {"customs_0": "GUANGZHOU_ZS", "state_0": "EXCEPT", "order_fee_0": "28800", "count": "1"}
    for fields in (DECLARED, QUERIED | record, DECLARED | {"state": "PROCESSING"}):
        provider.says_bytes(answer(fields).body)

    first = await client.declare(ASK)
    second = await client.query_declaration(ASK)
    third = await client.push_declaration(ASK)

    assert [told and told.state for told in (first, second, third)] == [
        DeclarationState.PENDING,
        DeclarationState.LOST,
        DeclarationState.PENDING,
    ]
    assert provider.calls == [f"POST {path}" for path in (customs.DECLARE, customs.QUERY, customs.PUSH)]


async def test_a_forged_declaration_answer_may_have_been_done(client: WeChatPay) -> None:
    provider.says_bytes(flatxml.write(DECLARED | {"sign": "0" * 32}))
    with pytest.raises(Unanswered):
        await client.declare(ASK)
