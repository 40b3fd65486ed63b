from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from shared.errors import BadInput, SignatureRefused, Stale
from shared.http import signatures
from shared.http.signatures import Secret, sign_standard, standard_secret, verify_base64, verify_hex, verify_standard

VECTORS = Path(os.environ.get("CORRIDOR_VECTORS", Path(__file__).parents[1] / "vectors"))
NOW = datetime(2026, 3, 2, 2, 1, 12, tzinfo=UTC)
OLD, NEW = Secret("old", b"o" * 32), Secret("new", b"n" * 32)
BODY = b'{"type":"parcel.packed"}'


def hmac_of(secret: Secret, message: bytes) -> bytes:
    return hmac.digest(secret.key, message, "sha256")


def test_the_secret_that_matched_is_told() -> None:
    offered = base64.b64encode(hmac_of(NEW, BODY)).decode()

    assert verify_base64([OLD, NEW], BODY, offered) == "new"


def test_hex_digits_of_either_case_are_the_same_signature() -> None:
    offered = hmac_of(OLD, BODY).hex()

    assert verify_hex([OLD], BODY, offered) == verify_hex([OLD], BODY, offered.upper()) == "old"


@pytest.mark.parametrize("offered", [None, "", "%%%", "AAAA", "é", "\x00", "=" * 44])
def test_every_bad_signature_is_the_same_refusal(offered: str | None) -> None:
    with pytest.raises(SignatureRefused) as refused:
        verify_base64([OLD, NEW], BODY, offered)

    assert str(refused.value) == "the signature was not accepted"


def test_the_same_bytes_written_otherwise_are_refused() -> None:
    right = base64.b64encode(hmac_of(OLD, BODY)).decode()
    # The last character before the padding has bits that decoding drops.
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    wrong = right[:-2] + alphabet[alphabet.index(right[-2]) ^ 1] + "="
    assert base64.b64decode(wrong) == base64.b64decode(right)

    with pytest.raises(SignatureRefused):
        verify_base64([OLD], BODY, wrong)


def test_without_any_secret_nothing_verifies_and_the_work_is_done_all_the_same() -> None:
    tried: list[bytes] = []

    def digest(key: bytes, message: bytes) -> str:
        tried.append(message)
        return key.decode()

    with pytest.raises(SignatureRefused):
        signatures.verify([], BODY, ["nobody's key"], digest)

    assert tried == [BODY]


def test_every_candidate_is_computed_whatever_matched_before() -> None:
    tried: list[bytes] = []

    def digest(key: bytes, _message: bytes) -> str:
        tried.append(key)
        return key.decode()

    assert signatures.verify([OLD, NEW], BODY, ["o" * 32], digest) == "old"
    assert tried == [OLD.key, NEW.key]


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(BadInput):
        Secret("empty", b"")


def test_a_secret_is_not_shown() -> None:
    assert "ooo" not in repr(OLD)


@pytest.mark.parametrize("text", ["whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", "", "whsec_é"])
def test_a_malformed_webhook_secret_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput):
        standard_secret("bad", text)


def test_a_header_that_comes_twice_is_refused() -> None:
    with pytest.raises(SignatureRefused):
        signatures.lower_cased({"Webhook-Id": "a", "webhook-id": "b"})


# Standard Webhooks


def whsec() -> str:
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def test_the_peer_library_accepts_what_we_sign() -> None:
    text, now = whsec(), datetime.now(UTC)

    headers = sign_standard([standard_secret("k", text)], "msg_1", now, BODY)

    assert Webhook(text).verify(BODY, headers) == json.loads(BODY)


def test_we_accept_what_the_peer_library_signs() -> None:
    text, now = whsec(), datetime.now(UTC)
    signature = Webhook(text).sign("msg_1", now, BODY.decode())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }

    delivery = verify_standard([standard_secret("k", text)], headers, BODY, now)

    assert (delivery.message_id, delivery.key_id) == ("msg_1", "k")


def test_while_keys_rotate_a_receiver_with_either_accepts() -> None:
    headers = sign_standard([OLD, NEW], "msg_1", NOW, BODY)

    assert verify_standard([OLD], headers, BODY, NOW).key_id == "old"
    assert verify_standard([NEW], headers, BODY, NOW).key_id == "new"


@pytest.mark.parametrize("drift", [timedelta(minutes=5), timedelta(minutes=-5)])
def test_five_minutes_off_is_still_accepted_and_a_second_more_is_stale(drift: timedelta) -> None:
    headers = sign_standard([OLD], "msg_1", NOW, BODY)

    verify_standard([OLD], headers, BODY, NOW + drift)
    with pytest.raises(Stale):
        verify_standard([OLD], headers, BODY, NOW + drift * (301 / 300))


def test_a_stale_forgery_is_a_bad_signature_and_not_stale() -> None:
    headers = sign_standard([OLD], "msg_1", NOW, BODY)

    with pytest.raises(SignatureRefused) as refused:
        verify_standard([NEW], headers, BODY, NOW + timedelta(days=1))

    assert refused.value.reason == "bad_signature"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "msg.1"),  # a shifted boundary would read as another message
        ("webhook-id", ""),
        ("webhook-id", "mü"),
        ("webhook-timestamp", "1e9"),
        ("webhook-timestamp", "-1"),
        ("webhook-timestamp", "٣"),
        ("webhook-timestamp", "9" * 40),
        ("webhook-signature", ""),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "v1a,AAAA"),
        ("webhook-signature", ",,, v1,é"),
    ],
)
def test_a_malformed_header_is_refused(name: str, value: str) -> None:
    headers = sign_standard([OLD], "msg_1", NOW, BODY) | {name: value}

    with pytest.raises(SignatureRefused):
        verify_standard([OLD], headers, BODY, NOW)


def test_an_id_that_cannot_be_verified_is_not_signed() -> None:
    with pytest.raises(BadInput):
        sign_standard([OLD], "msg.1", NOW, BODY)
    with pytest.raises(BadInput):
        sign_standard([], "msg_1", NOW, BODY)


def flipped(data: bytes, bit: int) -> bytes:
    place = bit % (8 * len(data))
    return bytes(byte ^ (1 << place % 8) if i == place // 8 else byte for i, byte in enumerate(data))


HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@given(bit=st.integers(min_value=0, max_value=2000), part=st.sampled_from(["body", *HEADERS]))
def test_any_single_changed_bit_is_refused(bit: int, part: str) -> None:
    headers, body = sign_standard([OLD], "msg_1", NOW, BODY), BODY
    if part == "body":
        body = flipped(BODY, bit)
    else:
        headers[part] = flipped(headers[part].encode(), bit).decode("latin-1")

    with pytest.raises(SignatureRefused):
        verify_standard([OLD], headers, body, NOW)


@given(headers=st.dictionaries(st.sampled_from(HEADERS), st.text(max_size=80)), body=st.binary(max_size=80))
def test_whatever_comes_is_refused_by_one_error(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(SignatureRefused):
        verify_standard([OLD, NEW], headers, body, NOW)


def deliveries() -> list[Any]:
    folder = sorted((VECTORS / "marketplaces" / "standard_webhooks").glob("*.json"))
    cases = [json.loads(path.read_text("utf-8")) for path in folder]
    return [pytest.param(case, one, id=f"{case['id']}-{one['n']}") for case in cases for one in case["deliveries"]]


@pytest.mark.parametrize(("case", "delivery"), deliveries())
def test_every_standard_webhooks_delivery_is_believed_or_refused_as_it_says(
    case: dict[str, Any], delivery: dict[str, Any]
) -> None:
    config, expect = case["config"], delivery["expect"]
    secrets = [standard_secret("secret", config["secret"])]  # the old one is the sender's alone
    now, tolerance = datetime.fromisoformat(delivery["received_at"]), timedelta(seconds=config["tolerance_s"])

    def verify() -> str:
        return verify_standard(secrets, delivery["headers"], delivery["body"].encode(), now, tolerance).message_id

    assert outcome(verify) == (expect["reject"] or delivery["headers"]["webhook-id"])


def outcome(verify: Callable[[], str]) -> str:
    try:
        return verify()
    except SignatureRefused as refused:
        return refused.reason
