"""One document's bytes as far as form goes: schema, signature present, signature true (X01 to X03); then its value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from services.customs.documents import Document, Kind
from services.customs.findings import Cited, Finding, Severity
from services.customs.providers.ceb import schema, wire
from services.customs.providers.ceb.parser import parse
from services.customs.providers.ceb.signature import Verifier, is_signed, verified_tree
from shared.errors import BadInput, SignatureRefused, Unrecognised

DECLARE: Final = "2"  # appStatus; a draft (1) needs no signature


@dataclass(frozen=True, slots=True)
class Inspected:
    """`document` is None where the bytes cannot be read as one of this kind."""

    document: Document | None
    findings: tuple[Finding, ...]


_WANTED: Final = {"X01": "as edition 202205 has it", "X02": "signed", "X03": "a signature that verifies"}


def _found(rule: str, kind: Kind, field: str, seen: str = "") -> Finding:
    """The value itself stays out: it may be personal."""
    return Finding(rule, Severity.BLOCK, Cited(kind, field, seen), Cited(kind, "wanted", _WANTED[rule]))


def _signature(root: etree._Element, kind: Kind, verifiers: Sequence[Verifier], now: datetime) -> list[Finding]:
    """X03 looks at the tree last: verifying takes the signature out of it."""
    if not is_signed(root):
        return [_found("X02", kind, "Signature")] if kind in wire.MUST_SIGN else []
    try:
        verified_tree(root, verifiers, now)
    except SignatureRefused:
        return [_found("X03", kind, "Signature")]
    return []


def inspect(data: bytes, kind: Kind, verifiers: Sequence[Verifier], now: datetime) -> Inspected:
    """Readable documents are returned even with findings, so that the match can name what else is wrong with them."""
    try:
        root = parse(data)
    except BadInput as error:
        return Inspected(None, (_found("X01", kind, error.where or "document"),))
    findings = [_found("X01", kind, element, wrong) for element, wrong in schema.errors(root)[:1]]
    document = _value(root, kind)
    if document is None and not findings:
        findings = [_found("X01", kind, "document")]  # a sound document of another kind
    if document is not None and document.app_status == DECLARE:
        findings += _signature(root, kind, verifiers, now)
    return Inspected(document, tuple(findings))


def _value(root: etree._Element, kind: Kind) -> Document | None:
    try:
        message = wire.read(root)
    except (BadInput, Unrecognised):
        return None
    return message.documents[0] if message.kind is kind else None
