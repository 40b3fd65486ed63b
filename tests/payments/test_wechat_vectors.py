"""Every WeChat Pay sample of the vectors folder, on the pure modules."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from services.payments.providers.base import (
    Action,
    Capture,
    DeclareAsk,
    Identity,
    NotFound,
    Notified,
    OpenAsk,
    Part,
    Refund,
    RefundAsk,
)
from services.payments.providers.fields import Fields
from services.payments.providers.wechat import customs, flatxml, wire
from services.payments.providers.wechat.keys import KeyRing, Merchant, Undecryptable, UnknownSerial
from services.payments.providers.wechat.statuses import DECLARATION_STATES, IDENTITY_CHECKS, REFUND_STATES
from services.payments.providers.wechat.wire import Answer, Call
from shared.errors import Failure, SignatureRefused, Stale
from shared.money import Money
from tests.payments import wechat_cases as samples
from tests.payments.wechat_cases import Case


def each(*kinds: str) -> pytest.MarkDecorator:
    chosen = samples.of_kind(*kinds)
    return pytest.mark.parametrize("case", chosen, ids=[case["id"] for case in chosen])


def answer_of(case: Case) -> Answer:
    return Answer(int(case["status"]), case["headers"], case["body"].encode())


def call_of(case: Case) -> Call:
    http = case["http"]
    url = urlsplit(http["url"])
    path = f"{url.path}?{url.query}" if url.query else url.path
    return Call(http["method"], path, http.get("body", "").encode())


@each("request")
def test_a_request_is_signed_as_in_the_sample(case: Case) -> None:
    call, sent = call_of(case), case["http"]["headers"]
    at = datetime.fromtimestamp(int(case["timestamp"]), UTC)

    headers = wire.headers(
        samples.merchant(),
        call,
        call.path,
        now=at,
        nonce=case["nonce_str"],
        platform=sent.get("Wechatpay-Serial", ""),
    )

    assert headers["Authorization"] == sent["Authorization"]
    assert headers.keys() >= {"Accept", "User-Agent"}
    assert ("Content-Type" in headers) is bool(call.body)


@each("request")
def test_a_request_that_this_module_builds_has_the_bytes_of_the_sample(case: Case) -> None:
    wanted = call_of(case)
    built = rebuilt(wanted)
    assert built in {None, wanted}


def test_orders_queries_closures_and_refunds_are_rebuilt() -> None:
    built = [rebuilt(call_of(case)) for case in samples.of_kind("request")]
    assert len([call for call in built if call is not None]) >= 4


def rebuilt(call: Call) -> Call | None:
    """The same call from our own asks, where it is one that we make."""
    body = json.loads(call.body) if call.body else {}
    match call.path.split("?")[0].split("/")[1:]:
        case ["v3", "pay", "transactions", "native"]:
            return wire.build_open(samples.merchant(), open_ask(body))
        case ["v3", "pay", "transactions", "out-trade-no", number]:
            return wire.build_query(samples.merchant(), number)
        case ["v3", "pay", "transactions", "out-trade-no", number, "close"]:
            return wire.build_close(samples.merchant(), number)
        case ["v3", "refund", "domestic", "refunds"] if call.method == "POST":
            return wire.build_refund(refund_ask(body))
    return None


def open_ask(body: dict[str, Any]) -> OpenAsk:
    amount = Money(body["amount"]["total"], body["amount"]["currency"])
    expires_at = datetime.fromisoformat(body["time_expire"]).astimezone(UTC)
    texts = {"description": body["description"], "notify_url": body["notify_url"], "attach": body.get("attach", "")}
    return OpenAsk(out_trade_no=body["out_trade_no"], amount=amount, expires_at=expires_at, **texts)


def refund_ask(body: dict[str, Any]) -> RefundAsk:
    amount = body["amount"]
    return RefundAsk(
        out_trade_no=body.get("out_trade_no", ""),
        out_refund_no=body["out_refund_no"],
        amount=Money(amount["refund"], amount["currency"]),
        total=Money(amount["total"], amount["currency"]),
        notify_url=body["notify_url"],
        reason=body.get("reason", ""),
        transaction_id=body.get("transaction_id", ""),
    )


@each("response", "response_error")
def test_an_answer_is_believed_only_as_the_sample_says(case: Case) -> None:
    match case["expect"].split(":"):
        case ["ok", *_]:
            fields = wire.receive(answer_of(case), samples.ring(), samples.now(case))
            assert fields.values == (json.loads(case["body"]) if case["body"] else {})
        case ["api_error", code]:
            with pytest.raises(NotFound if "NOT_EXIST" in code else Failure) as refused:
                wire.receive(answer_of(case), samples.ring(), samples.now(case))
            assert getattr(refused.value, "provider_code", code) == code
        case _:
            with pytest.raises(SignatureRefused):
                wire.receive(answer_of(case), samples.ring(), samples.now(case))


@each("response")
def test_the_amount_of_a_paid_or_refunded_answer_is_the_orders(case: Case) -> None:
    told = json.loads(case["body"]) if case["body"] else {}
    fields = Fields(told)
    if "trade_state" in told:
        trade = wire.parse_trade(fields, samples.merchant(), told["out_trade_no"])
        assert trade.capture is not None
        assert trade.capture.amount == Money(told["amount"]["total"], "CNY")
    elif "refund_id" in told:
        refund = wire.parse_refund(fields, told["out_refund_no"])
        assert (refund.amount.minor, refund.state) == (told["amount"]["refund"], REFUND_STATES[told["status"]])
    else:
        assert "refund" not in case["expect"]


@each("callback")
def test_a_callback_is_read_or_refused_as_the_sample_says(case: Case) -> None:
    def read() -> Notified:
        keys = samples.ring()
        if case["expect"].startswith("unknown_serial"):
            with pytest.raises(UnknownSerial):
                keys.verify(case["headers"], case["body"].encode(), samples.now(case))
            keys = keys.including([samples.certificate("wechat_platform_next_cert")], samples.now(case))
        return wire.notified(case["headers"], case["body"].encode(), samples.merchant(), keys, samples.now(case))

    match case["expect"].split(":"):
        case ["accept" | "duplicate" | "unknown_serial", *_] | ["reject", "amount_mismatch"]:
            told = read()
            assert told.text == case["plaintext"]
            assert told.once[0] == json.loads(case["body"])["id"]
            check_content(told.content, json.loads(case["plaintext"]), case)
        case ["reject", "decrypt_failed"]:
            with pytest.raises(Undecryptable) as undecryptable:
                read()
            assert wire.reply(undecryptable.value).status == 500
        case ["reject", reason]:
            with pytest.raises(Stale if "stale" in reason or "old" in reason else SignatureRefused) as refused:
                read()
            assert wire.reply(refused.value).status == 401
        case other:
            pytest.fail(f"no verdict for {other}")


def check_content(content: object, told: dict[str, Any], case: Case) -> None:
    assert isinstance(content, Capture | Refund)
    assert content.out_trade_no == told["out_trade_no"]
    match content:
        case Capture():
            currency = told["amount"]["currency"]
            assert content.amount == Money(told["amount"]["total"], currency)
            [attempt] = samples.attempts(case)
            assert (content.amount == attempt.amount) is (case["expect"] != "reject:amount_mismatch")
        case Refund():
            assert content.state is REFUND_STATES[told["refund_status"]]
            [asked] = samples.refunds(case)
            assert (content.out_refund_no, content.amount) == (asked.out_refund_no, asked.amount)


@each("certificates")
def test_a_certificate_list_opens_with_our_key_and_vouches_for_itself(case: Case) -> None:
    answer, at = answer_of(case), samples.now(case)

    loaded = wire.parse_certificates(answer, samples.merchant(), KeyRing.of(()), at)

    assert [key.serial for key in loaded] == case["expect_serials"]
    newest = KeyRing.of(loaded).newest()
    assert newest is not None
    assert newest.serial == case["expect_serials"][-1]


@each("oaep")
def test_a_sealed_field_opens_with_the_private_key(case: Case) -> None:
    own = samples.merchant()
    holder = Merchant(own.appid, own.mchid, own.serial_no, samples.private_key(case["decrypt_key"]), own.aead, "")

    assert holder.decrypt_field(case["ciphertext"]) == case["plaintext"]
    assert samples.public_key().serial == case["wechatpay_serial_header"]
    assert holder.decrypt_field(samples.public_key().encrypt_field(case["plaintext"])) == case["plaintext"]


@each("v2_xml", "v2_hmac")
def test_a_v2_request_has_the_signature_and_the_bytes_of_the_sample(case: Case) -> None:
    how, key = customs.SignType(case["algorithm"]), samples.config()["apiv2_key"]

    assert customs.text_to_sign(case["params"], key) == case["string_to_sign"]
    assert customs.sign(case["params"], key, how) == case["sign"]
    assert flatxml.write(case["params"] | {"sign": case["sign"]}).decode() == case["xml"]
    assert flatxml.read(case["xml"].encode()) == case["params"] | {"sign": case["sign"]}


@each("v2_xml")
def test_a_declaration_that_this_module_builds_has_the_bytes_of_the_sample(case: Case) -> None:
    params, path = case["params"], urlsplit(case["url"]).path
    build = {
        customs.DECLARE: customs.build_declare,
        customs.QUERY: customs.build_query,
        customs.PUSH: customs.build_push,
    }

    assert build[path](samples.merchant(), declare_ask(params)) == Call("POST", path, case["xml"].encode())


def declare_ask(params: dict[str, str]) -> DeclareAsk:
    fee = {name: Money(int(params.get(name, "0")), "CNY") for name in ("order_fee", "transport_fee", "product_fee")}
    part = (
        Part(params["sub_order_no"], fee["transport_fee"], fee["product_fee"]) if params.get("sub_order_no") else None
    )
    return DeclareAsk(
        out_trade_no=params.get("out_trade_no", "TC20260301GZ0001"),
        transaction_id=params.get("transaction_id", ""),
        place=params.get("customs") or params.get("customs_0", ""),
        merchant_customs_no=params.get("mch_customs_no", ""),
        amount=fee["order_fee"] if part else Money(28800, "CNY"),
        action=Action[params.get("action_type", "ADD")],
        part=part,
        identity=Identity(params["name"], params["cert_id"]) if "cert_id" in params else None,
    )


@each("v2_xml_response")
def test_a_v2_answer_is_verified_and_read_as_the_sample_says(case: Case) -> None:
    params = case["params"]

    fields = customs.receive(Answer(200, {}, case["xml"].encode()), samples.merchant())
    ask = declare_ask({name.removesuffix("_0"): value for name, value in params.items()})
    told = (customs.parse_queried if "count" in params else customs.parse_declared)(fields, ask)

    assert fields == params | {"sign": case["sign"]}
    assert told is not None
    assert told.state is DECLARATION_STATES[params.get("state") or params["state_0"]]
    assert told.identity_check is IDENTITY_CHECKS[params.get("cert_check_result") or params["cert_check_result_0"]]
    assert told.ver_dept == {"UNIONPAY": "1", "NETSUNION": "2", "OTHERS": "3"}[params["verify_department"]]
    assert told.clearing_transaction_id == params["verify_department_trade_id"]
    assert told.pay_transaction_id == params.get("sub_order_id", params["transaction_id"])


@each("v2_published")
def test_the_vendors_own_published_values_come_out(case: Case) -> None:
    assert customs.sign(case["params"], case["key"]) == case["md5"]
    assert customs.sign(case["params"], case["key"], customs.SignType.HMAC_SHA256) == case["hmac_sha256"]
