"""Which cases a folder of vectors holds, family by family, and which tests of ours judge them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Lister = Callable[[Path], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Family:
    """`cases` lists what the folder holds; `tests` judge each on the pure modules, `doors` through the service's
    own HTTP door."""

    name: str
    cases: Lister
    tests: tuple[str, ...]
    doors: tuple[str, ...] = ()


def told(path: Path) -> Any:
    """The file's content; None where it cannot be read: the tests say what is wrong with it."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def files(pattern: str) -> Lister:
    """One case per file, named as the file names itself."""

    def cases(folder: Path) -> Iterator[str]:
        for path in sorted(folder.glob(pattern)):
            raw = told(path)
            yield str(raw.get("id", path.stem)) if isinstance(raw, dict) else path.stem

    return cases


def stems(pattern: str) -> Lister:
    return lambda folder: (path.stem for path in sorted(folder.glob(pattern)))


def rows(pattern: str, *lists: str, name: str = "id") -> Lister:
    """One case per row of the lists of the files; a file that cannot be read is one case, to be failed."""

    def cases(folder: Path) -> Iterator[str]:
        for path in sorted(folder.glob(pattern)):
            raw = told(path)
            if not isinstance(raw, dict):
                yield path.stem
                continue
            yield from (str(row[name]) for each in lists for row in raw.get(each, ()) if name in row)

    return cases


def both(*listers: Lister) -> Lister:
    return lambda folder: (case for lister in listers for case in lister(folder))


def papers(*, broken: bool) -> Lister:
    """Cases of the customs documents, by whether one of their documents lies in `bad/`."""

    def cases(folder: Path) -> Iterator[str]:
        path = folder / "customs" / "expected.json"
        raw = told(path)
        if not isinstance(raw, dict):
            yield from [path.stem] if path.exists() and not broken else []
            return
        for case in raw["cases"]:
            if broken is any(document.startswith("bad/") for document in case["documents"].values()):
                yield str(case["id"])

    return cases


def signed(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "customs" / "good").rglob("*.xml")):
        if b"ds:Signature" in path.read_bytes():
            yield f"{path.parent.name}/{path.name}"


_SHOPIFY: Final = "tests/orders/providers/test_shopify_vectors.py"
_STANDARD: Final = "tests/orders/providers/test_standard_webhooks_vectors.py"
_RED: Final = "tests/orders/providers/test_xiaohongshu_vectors.py"
_CAINIAO: Final = "tests/logistics/providers/test_cainiao_vectors.py"
_SEVENTEENTRACK: Final = "tests/logistics/providers/test_seventeentrack_vectors.py"
_RULES: Final = "tests/logistics/test_rules_vectors.py"
_WECHAT: Final = "tests/payments/test_wechat_vectors.py"
_ALIPAY: Final = "tests/payments/test_alipay_vectors.py"
_ALIPAY_DOOR: Final = "tests/payments/test_alipay_door_vectors.py"
_LEDGER: Final = "tests/payments/test_ledger_vectors.py"
_TAX: Final = "tests/customs/test_vectors_tax.py"
_RECEIPTS: Final = "tests/customs/test_vectors_receipts.py"
_DOCUMENTS: Final = "tests/customs/test_vectors_documents.py"
_EVERY: Final = "test_every_case_is_answered_and_stored_as_it_says"
_BOTTLE: Final = f"{_TAX}::test_a_bottle_of_two_returned_gives_back_what_the_kept_one_does_not_owe"
_MAPPING: Final = f"{_CAINIAO}::test_every_code_of_the_mapping_means_what_it_says"
_MAPPING_17TRACK: Final = f"{_SEVENTEENTRACK}::test_every_code_of_the_mapping_means_what_it_says"
_MILESTONES: Final = f"{_CAINIAO}::test_the_milestone_table_is_the_vectors_table"
_DXP: Final = "tests/customs/test_dxp.py::test_the_vectors_envelope_carries_the_vectors_order"

# Tests that are one case by themselves, and the case's name.
WHOLE: Final = {
    _BOTTLE: "partial_return",
    _MAPPING: "cainiao",
    _MAPPING_17TRACK: "17track",
    _MILESTONES: "milestones",
    _DXP: "DxpMsg-311",
}

FAMILIES: Final = (
    Family(
        "marketplaces/shopify", files("marketplaces/shopify/*.json"),
        (f"{_SHOPIFY}::{_EVERY}", f"{_SHOPIFY}::test_a_stored_snapshot_reads_back_as_it_was"),
        ("tests/orders/test_door_vectors.py::test_every_case_is_answered_and_kept_as_it_says",),
    ),
    Family(
        "marketplaces/standard_webhooks", files("marketplaces/standard_webhooks/*.json"), (f"{_STANDARD}::{_EVERY}",),
        ("tests/orders/test_door_vectors.py::test_every_standard_webhooks_case_is_answered_and_kept_as_it_says",),
    ),
    Family(
        "marketplaces/xiaohongshu", files("marketplaces/xiaohongshu/*.json"),
        (f"{_RED}::{_EVERY}", f"{_RED}::test_a_request_is_signed_and_built_as_its_case_says"),
        ("tests/orders/test_door_vectors.py::test_every_xiaohongshu_case_is_answered_fetched_and_kept_as_it_says",),
    ),
    Family(
        "payments/wechat", rows("payments/wechat.json", "vectors"),
        tuple(
            f"{_WECHAT}::test_{name}"
            for name in (
                "a_request_is_signed_as_in_the_sample", "a_request_that_this_module_builds_has_the_bytes_of_the_sample",
                "an_answer_is_believed_only_as_the_sample_says",
                "the_amount_of_a_paid_or_refunded_answer_is_the_orders",
                "a_callback_is_read_or_refused_as_the_sample_says",
                "a_certificate_list_opens_with_our_key_and_vouches_for_itself",
                "a_sealed_field_opens_with_the_private_key",
                "a_v2_request_has_the_signature_and_the_bytes_of_the_sample",
                "a_declaration_that_this_module_builds_has_the_bytes_of_the_sample",
                "a_v2_answer_is_verified_and_read_as_the_sample_says",
                "the_vendors_own_published_values_come_out",
            )
        ),
        ("tests/payments/test_door_vectors.py::test_a_callback_is_answered_stored_and_applied_as_the_sample_says",),
    ),
    Family(
        "payments/alipay", rows("payments/alipay.json", "vectors"),
        tuple(
            f"{_ALIPAY}::test_{name}"
            for name in (
                "a_request_is_signed_and_sent_as_in_the_sample",
                "the_public_parameters_that_this_module_sends_are_those_of_the_sample",
                "a_request_that_this_module_builds_has_the_content_of_the_sample",
                "a_page_is_reached_by_the_url_of_the_sample", "certificates_have_the_digests_of_the_sample",
                "the_signed_part_of_an_answer_is_the_substring_of_the_sample",
                "an_answer_is_believed_and_read_as_the_sample_says",
                "a_notification_is_decoded_once_into_the_text_of_the_sample",
                "a_notification_is_read_or_refused_as_the_sample_says",
                "the_older_gateway_takes_an_md5_as_in_the_sample", "the_older_gateway_takes_an_rsa2_as_in_the_sample",
            )
        ),
        (f"{_ALIPAY_DOOR}::test_a_notification_is_answered_stored_and_applied_as_the_sample_says",),
    ),
    Family(
        "corridor/ledger", rows("corridor/ledger.json", "cases"),
        tuple(
            f"{_LEDGER}::test_{name}"
            for name in (
                "a_case_books_what_it_expects", "an_agent_who_resells_gains_what_the_case_expects",
                "an_order_paid_in_parts_is_refunded_to_each_payment",
            )
        ),
    ),
    Family(
        "logistics/cainiao", files("logistics/cainiao/*.json"), (f"{_CAINIAO}::{_EVERY}",),
        (f"tests/logistics/test_door_vectors.py::{_EVERY}",),
    ),
    Family(
        "logistics/17track", files("logistics/17track/*.json"), (f"{_SEVENTEENTRACK}::{_EVERY}",),
        (f"tests/logistics/test_door_vectors.py::{_EVERY}",),
    ),
    Family("logistics/mappings/17track", stems("logistics/mappings/17track.json"), (_MAPPING_17TRACK,)),
    Family("logistics/mappings/cainiao", stems("logistics/mappings/cainiao.json"), (_MAPPING,)),
    Family("logistics/mappings/milestones", stems("logistics/mappings/milestones.json"), (_MILESTONES,)),
    Family(
        "logistics/identifiers", rows("logistics/identifiers/*.json", "cases", name="value"),
        (f"{_RULES}::test_an_identifier_is_valid_as_its_case_says",),
    ),
    Family(
        "logistics/sla", rows("logistics/sla/*.json", "cases", name="case"),
        (
            f"{_RULES}::test_a_promise_is_due_and_judged_as_its_case_says",
            f"{_RULES}::test_silence_alarms_as_its_case_says",
        ),
    ),
    Family(
        "logistics/journey", stems("logistics/journey/*.json"),
        (f"{_RULES}::test_parts_inherit_only_while_they_are_inside",),
    ),
    Family(
        "customs/tax",
        both(
            rows("customs/tax/*.json", "examples", "annual_amount"),
            lambda folder: ("partial_return" for _ in folder.glob("customs/tax/examples.json")),
        ),
        (
            f"{_TAX}::test_an_order_is_taxed_to_the_fen", _BOTTLE,
            f"{_TAX}::test_a_person_is_admitted_up_to_the_limits",
            f"{_TAX}::test_the_yearly_amount_comes_back_and_starts_anew",
        ),
    ),
    Family(
        "customs/receipts", rows("customs/receipts/*.json", "sequences"),
        (
            f"{_RECEIPTS}::test_a_sequence_of_receipts_ends_where_it_should",
            f"{_RECEIPTS}::test_any_order_of_arrival_ends_in_the_same_place",
        ),
    ),
    *(
        Family(
            f"customs/{name}", papers(broken=broken),
            (
                f"{_DOCUMENTS}::test_the_documents_of_a_case_give_its_findings_and_decision",
                f"{_DOCUMENTS}::test_exactly_the_named_documents_break_the_schema",
            ),
        )
        for name, broken in (("good", False), ("bad", True))
    ),
    Family(
        "customs/signatures", signed,
        ("tests/customs/test_signature.py::test_the_vectors_signatures_verify_against_their_pinned_certificate_only",),
    ),
    Family("customs/dxp", stems("customs/dxp/*.xml"), (_DXP,)),
)  # fmt: skip

# What lies beside the cases: keys, settings, schemas, explanations.
_BESIDE: Final = {"payments/config", "payments/test_only_keys", "customs/expected"}


def uncovered(folder: Path) -> list[str]:
    """Families in the folder that no test of this state of the project judges."""
    ours = {family.name for family in FAMILIES} | _BESIDE
    found = [path for path in folder.glob("*/*") if path.is_dir() or path.suffix == ".json"]
    found += folder.glob("logistics/mappings/*.json")
    names = {path.relative_to(folder).with_suffix("").as_posix() for path in found} - {"logistics/mappings"}
    return sorted(names - ours)
