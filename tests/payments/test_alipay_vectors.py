"""Every Alipay sample of the vectors folder, on the pure modules."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from services.payments.providers.alipay import customs, envelope, keys, legacy, notify, statuses, wire
from services.payments.providers.alipay.envelope import Answered, Call
from services.payments.providers.base import (
    Capture,
    DeclarationState,
    DeclareAsk,
    Expired,
    Identity,
    IdentityCheck,
    NotFound,
    OpenAsk,
    ProviderRefused,
    RefundAsk,
    RefundState,
    SentBack,
    TradeState,
    Unanswered,
)
from services.payments.providers.fields import Fields
from shared.errors import Failure, SignatureRefused, Unrecognised
from shared.money import Money
from tests.payments import alipay_cases as samples
from tests.payments.alipay_cases import Case

PUBLIC = {"app_id", "method", "format", "charset", "sign_type", "timestamp", "version", "notify_url", "biz_content"}


def each(*kinds: str) -> pytest.MarkDecorator:
    chosen = samples.of_kind(*kinds)
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


# --- requests ---------------------------------------------------------------------------------------------------------


@each("request")
def test_a_request_is_signed_and_sent_as_in_the_sample(case: Case) -> None:
    assert envelope.text_to_sign(case["params"]) == case["string_to_sign"]

    signed = envelope.signed(samples.account(), case["params"])

    assert f"{samples.config()['gateway']}?{signed.query}" == case["http"]["url"]
    assert signed.body == case["http"]["body"]
    assert case["http"]["content_type"] == envelope.CONTENT_TYPE


@each("request")
def test_the_public_parameters_that_this_module_sends_are_those_of_the_sample(case: Case) -> None:
    told = case["params"]
    account = samples.certified() if "app_cert_sn" in told else samples.account()
    call = Call(told["method"], told["biz_content"], told.get("notify_url", ""))

    ours = {name: value for name, value in envelope.parameters(account, call, samples.now(case)).items() if value}

    delegated = {"app_auth_token"} & told.keys()  # an account that acts for another merchant is not this one
    assert ours == {name: value for name, value in told.items() if name not in delegated}
    assert told.keys() >= PUBLIC - {"notify_url"}


@each("request")
def test_a_request_that_this_module_builds_has_the_content_of_the_sample(case: Case) -> None:
    told = json.loads(case["params"]["biz_content"])
    built = build(case["params"]["method"], told, case)
    if built is None:
        # Bills are not fetched yet; the signature of the request is judged above.
        assert case["params"]["method"].startswith("alipay.data.")
        return
    if "timeout_express" in told:  # a moment instead of a span, so that a repetition is equal
        sent = json.loads(built.biz)
        assert sent.pop("time_expire") == "2026-03-01 10:45:30"
        assert told.pop("timeout_express") == "30m"
        assert list(sent.items()) == list(told.items())
        return
    assert built.biz == case["params"]["biz_content"]


def build(method: str, told: dict[str, Any], case: Case) -> Call | None:
    number = told.get("out_trade_no", "")
    match method:
        case statuses.PRECREATE:
            expires = samples.now(case).replace(minute=45)
            return wire.build_open(
                OpenAsk(number, yuan(told["total_amount"]), told["subject"], expires, "https://n.e/x")
            )
        case statuses.QUERY:
            return wire.build_query(number)
        case statuses.CLOSE:
            return wire.build_close(number)
        case statuses.CANCEL:
            return wire.build_cancel(number)
        case statuses.REFUND:
            return wire.build_refund(refund_ask(told))
        case statuses.REFUND_QUERY:
            return wire.build_query_refund(refund_ask(told | {"refund_amount": "88.00"}))
        case statuses.DECLARE:
            return declaration(told)
        case statuses.DECLARED:
            return customs.build_query(*told["out_request_nos"].split(","))
        case _:
            return None


def refund_ask(told: dict[str, Any]) -> RefundAsk:
    return RefundAsk(
        told["out_trade_no"], told["out_request_no"], yuan(told["refund_amount"]), Money(28800, "CNY"), "",
        told.get("refund_reason", ""), told.get("trade_no", ""),
    )  # fmt: skip


def declaration(told: dict[str, Any]) -> Call:
    """The sample's declaration has a number of its own making; ours is made of the payment's."""
    buyer = told.get("buyer_info")
    identity = Identity(buyer["buyer_name"], buyer["buyer_cert_no"]) if buyer else None
    ask = DeclareAsk(
        "TC20260301GZ0001", told["trade_no"], told["customs_place"], told["merchant_customs_code"],
        yuan(told["amount"]), identity=identity, merchant_customs_name=told["merchant_customs_name"],
    )  # fmt: skip
    built = customs.build_declare(ask)
    assert customs.request_no(ask) == "CDTC20260301GZ0001"
    return Call(built.method, built.biz.replace(customs.request_no(ask), told["out_request_no"]))


def yuan(text: str) -> Money:
    return Money.parse(text, "CNY")


@each("page_url")
def test_a_page_is_reached_by_the_url_of_the_sample(case: Case) -> None:
    assert f"{samples.config()['gateway']}?{envelope.page_query(samples.account(), case['params'])}" == case["url"]


@each("cert_sn")
def test_certificates_have_the_digests_of_the_sample(case: Case) -> None:
    ours, theirs, roots = (
        keys.certificates((samples.folder() / case[name]).read_bytes())
        for name in ("app_cert", "alipay_cert", "root_certs")
    )

    assert (keys.certificate_sn(ours[0]), keys.certificate_sn(theirs[0])) == (
        case["app_cert_sn"],
        case["alipay_cert_sn"],
    )
    assert keys.root_sn(roots) == case["alipay_root_cert_sn"]


# --- answers ----------------------------------------------------------------------------------------------------------


def received(case: Case) -> Fields:
    method = next(name for name in METHODS if envelope.node_name(name) == case["root_node"])
    answer = Answered(200, case["raw_body"].encode())
    return envelope.receive(answer, method, samples.trust(case["verify_key"]))


METHODS = (
    statuses.PRECREATE, statuses.QUERY, statuses.CLOSE, statuses.CANCEL, statuses.REFUND, statuses.REFUND_QUERY,
    statuses.DECLARE, statuses.DECLARED, "alipay.data.dataservice.bill.downloadurl.query",
)  # fmt: skip


@each("response")
def test_the_signed_part_of_an_answer_is_the_substring_of_the_sample(case: Case) -> None:
    parts = envelope.members(case["raw_body"].encode())

    assert ("sign" in parts) is (case["sign"] is not None)
    if case["signed_substring"] is not None and not case["expect"].startswith("reject"):
        assert parts[case["root_node"]] == case["signed_substring"]


@each("response")
def test_an_answer_is_believed_and_read_as_the_sample_says(case: Case) -> None:
    match case["expect"].split(":"):
        case ["ok"]:
            read(case, received(case))
        case ["ok", meaning]:
            assert MEANINGS.get(meaning, plainly)(case, received(case))
        case ["reject", *_]:
            with pytest.raises(SignatureRefused):
                received(case)
        case ["unsigned_error", code]:
            with pytest.raises(ProviderRefused) as refused:
                received(case)
            assert refused.value.provider_code == code
        case ["unknown", *_]:
            with pytest.raises(Unanswered):
                received(case)
        case ["api_error" | "error" | "pending", *codes]:
            with pytest.raises(ProviderRefused) as refused:
                received(case)
            assert refused.value.provider_code in case["raw_body"]
            assert [code for code in codes if "." in code] in ([], [refused.value.provider_code])
            assert isinstance(refused.value, NotFound) is ("NOT_EXIST" in refused.value.provider_code)
        case other:
            pytest.fail(f"no verdict for {other}")


def read(case: Case, fields: Fields) -> None:
    """What the fields mean, where they are of a method that has a meaning of its own."""
    told = json.loads(case["signed_substring"])
    match case["root_node"]:
        case "alipay_trade_precreate_response":
            assert fields.text("qr_code") == told["qr_code"]
        case "alipay_trade_query_response" if "send_pay_date" in told:
            trade = wire.parse_trade(fields, told["out_trade_no"])
            assert trade.state is TradeState.PAID
            assert trade.capture is not None
            assert (trade.capture.amount, trade.capture.transaction_id) == (
                yuan(told["total_amount"]),
                told["trade_no"],
            )
            assert envelope.stamp(trade.capture.paid_at) == told["send_pay_date"]
        case _:
            assert {name: fields.values[name] for name in told} == told


def refund_of(case: Case) -> RefundAsk:
    told = json.loads(case["signed_substring"])
    return refund_ask({"out_trade_no": "TC20260301GZ0001", "out_request_no": "RF-TC20260301GZ0001-1"} | told | {
        "refund_amount": "88.00", "trade_no": ""})  # fmt: skip


def refund_state(case: Case, fields: Fields) -> RefundState | None:
    query = case["root_node"] == envelope.node_name(statuses.REFUND_QUERY)
    found = (wire.parse_refund_found if query else wire.parse_refund)(fields, refund_of(case))
    assert found is None or found.amount == yuan("88.00")  # `refund_fee` counts the whole trade's
    return found.state if found else None


def declared(case: Case, fields: Fields) -> bool:
    told = json.loads(case["signed_substring"])
    answer = customs.parse_declared(fields, ask_of("TC20260301GZ0001", told["trade_no"]))
    assert (answer.pay_code, answer.pay_transaction_id) == (told["pay_code"], told["trade_no"])
    assert (answer.clearing_transaction_id, answer.ver_dept) == (told["pay_transaction_id"], told["ver_dept"])
    assert answer.amount == Money(int(told["total_amount"]), "CNY")
    assert answer.identity_check is {"T": IdentityCheck.SAME, "F": IdentityCheck.DIFFERENT}[told["identity_check"]]
    return answer.state is DeclarationState.PENDING


def customs_state(case: Case, fields: Fields) -> DeclarationState:
    """The sample's records have numbers of their own making."""
    [record, *_] = fields.rows("records")
    number = record.text("out_request_no")
    record.values["out_request_no"] = "CDTC20260301GZ0001"
    answer = customs.parse_queried(fields, ask_of("TC20260301GZ0001", record.text("trade_no")))
    assert answer is not None
    assert answer.explanation == record.optional_text("customs_result_info")
    assert customs.parse_queried(fields, ask_of("NOT_THERE", "T")) is None
    assert number != "CDTC20260301GZ0001"
    return answer.state


def ask_of(out_trade_no: str, trade_no: str) -> DeclareAsk:
    return DeclareAsk(out_trade_no, trade_no, "ZONGSHU", "4401TEST01", Money(28800, "CNY"))


def plainly(case: Case, fields: Fields) -> bool:
    read(case, fields)
    return True


MEANINGS: Mapping[str, Callable[[Case, Fields], bool]] = {
    "refund_success": lambda case, fields: refund_state(case, fields) is RefundState.SUCCEEDED,
    "refund_needs_query": lambda case, fields: refund_state(case, fields) is RefundState.PROCESSING,
    "refund_not_found": lambda case, fields: refund_state(case, fields) is None,
    "customs_submitted": declared,
    "customs_succ": lambda case, fields: customs_state(case, fields) is DeclarationState.ACCEPTED,
}


# --- notifications ----------------------------------------------------------------------------------------------------


@each("notify")
def test_a_notification_is_decoded_once_into_the_text_of_the_sample(case: Case) -> None:
    values, charset = notify.decoded(case["http"]["body"].encode())
    texts = [notify.text_to_verify(values, empties=empties) for empties in (True, False)]

    assert (values, charset) == (case["params"], "utf-8")
    tampered = case["expect"] == "reject:bad_signature" and case["string_to_verify"] not in texts
    assert (texts[case["empty_values"] == "dropped"] == case["string_to_verify"]) is not tampered


@each("notify")
def test_a_notification_is_read_or_refused_as_the_sample_says(case: Case) -> None:
    def read() -> object:
        told = notify.notified(case["http"]["body"].encode(), samples.account(), samples.trust(case["verify_key"]))
        assert told.once[0] == case["params"]["notify_id"]
        return told.content

    match case["expect"].split(":"):
        case ["accept" | "duplicate", "success", *_] | ["reject", "amount_mismatch"]:
            check(read(), case)
            assert notify.reply(None).body == b"success"
        case ["reject", "app_mismatch" | "seller_mismatch"]:
            with pytest.raises(Unrecognised):
                read()
        case ["reject", *_]:
            with pytest.raises(SignatureRefused) as refused:
                read()
            assert isinstance(refused.value, Failure)
            assert notify.reply(refused.value).body == b"fail"
        case other:
            pytest.fail(f"no verdict for {other}")


def check(content: object, case: Case) -> None:
    told = case["params"]
    if told["trade_status"] == "TRADE_CLOSED":
        refunded = "gmt_refund" in told or "refund_fee" in told
        assert content == (SentBack if refunded else Expired)(told["out_trade_no"])
        return
    assert isinstance(content, Capture)
    assert (content.out_trade_no, content.transaction_id) == (told["out_trade_no"], told["trade_no"])
    assert content.amount == yuan(told["total_amount"])
    as_asked = content.amount == samples.asked(told["out_trade_no"])
    assert as_asked is (case["expect"] != "reject:amount_mismatch")


# --- the older gateway ------------------------------------------------------------------------------------------------


@each("legacy_customs_md5")
def test_the_older_gateway_takes_an_md5_as_in_the_sample(case: Case) -> None:
    assert legacy.text_to_sign(case["params"]) == case["string_to_sign"]
    assert legacy.sign_md5(case["params"], case["md5_key"]) == case["sign"]
    assert legacy.query(case["params"], "MD5", case["sign"]) == case["query"]


@each("legacy_customs_rsa2")
def test_the_older_gateway_takes_an_rsa2_as_in_the_sample(case: Case) -> None:
    assert legacy.text_to_sign(case["params"]) == case["string_to_sign"]
    assert legacy.sign_rsa2(case["params"], samples.account()) == case["sign"]
