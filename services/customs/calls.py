"""What customs does outside a decision: it opens persons, signs, and talks to the window. And its timers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.customs.assessing import CHECK_IDENTITY
from services.customs.assessment import identity_problem
from services.customs.commands import (
    CheckIdentity,
    Heard,
    IdentityChecked,
    Mismatched,
    ReceiptOverdue,
    Sign,
    Signed,
    SignedWithdrawal,
    SignWithdrawal,
    Strays,
    Submit,
    WaybillOverdue,
)
from services.customs.compose import Company, Draft, papers
from services.customs.declaring import SIGN, WAYBILL_OVERDUE
from services.customs.documents import Document, Kind, Transfer
from services.customs.findings import Severity
from services.customs.match import Terms, match
from services.customs.process import STRAYS
from services.customs.providers.base import CustomsWindow, Office
from services.customs.providers.ceb import dxp, wire
from services.customs.providers.ceb.signature import RsaSha1Signer, Signer
from services.customs.sending import RECEIPT_OVERDUE, SUBMIT
from services.customs.store import envelope, seal_envelope
from services.customs.store_names import attributed
from services.customs.submission import envelope_key
from services.customs.undoing import UndoDraft, undo_document
from services.customs.withdrawing import SIGN_WITHDRAWAL
from shared.errors import Transient
from shared.flow.items import Leased
from shared.flow.work import Call, Redo
from shared.http.aliases import Aliases
from shared.security.personal import open_person, open_recipient
from shared.service import Resources

STRAY_BACKOFF: Final = (5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 180.0)  # seconds; as long as a quarantined receipt is tried


class StillUnknown(Transient):
    """The number in a receipt is not known yet."""

    code = "flow.early"


@dataclass(frozen=True)
class Desk:
    """Who declares: the enterprise's key, loaded once, and both ends' ids on the exchange platform."""

    signer: Signer
    sender_id: str
    receiver_id: str
    sign_envelopes: bool

    @classmethod
    def load(cls, folder: Path, *, sign_envelopes: bool) -> Desk:
        """`folder` holds enterprise.key.pem, enterprise.cert.pem, enterprise.dxp_id.txt and window.dxp_id.txt."""
        key, certificate = (folder / "enterprise.key.pem").read_bytes(), (folder / "enterprise.cert.pem").read_bytes()
        sender = (folder / "enterprise.dxp_id.txt").read_text().strip()
        receiver = (folder / "window.dxp_id.txt").read_text().strip()
        return cls(RsaSha1Signer.load(key, certificate), sender, receiver, sign_envelopes)

    def envelope(self, agent: Company, document: Document, kind: Kind, message_id: str) -> bytes:
        """Signed, valid by schema, wrapped: the bytes to store and to send."""
        transfer = Transfer(cop_code=agent.code, cop_name=agent.name, dxp_id=self.sender_id)
        wrapped = dxp.Envelope(
            cop_msg_id=message_id,
            sender_id=self.sender_id,
            receiver_ids=(self.receiver_id,),
            created_at=document.app_time,
            message_type=wire.message_name(kind),
            data=wire.build(document, transfer, self.signer),
        )
        return dxp.build(wrapped, self.signer if self.sign_envelopes else None)


@dataclass(frozen=True)
class Bench:
    """Where persons are opened: for the moment in which a document is composed, matched and signed."""

    resources: Resources
    desk: Desk

    async def check(self, leased: Leased) -> IdentityChecked:
        assert isinstance(leased.task, CheckIdentity)
        return IdentityChecked(identity_problem(open_person(self.resources.facts, leased.task.person)))

    async def sign(self, leased: Leased) -> Signed | Mismatched:
        """The match sees the documents as customs will, persons opened; findings carry them masked."""
        assert isinstance(leased.task, Sign)
        draft, facts = leased.task.draft, self.resources.facts
        four = papers(draft, open_person(facts, draft.person), open_recipient(facts, draft.recipient))
        found = match(four, Terms(rates=lambda item: draft.rates.get(item.hs_code)))
        findings = tuple(finding.as_value() for finding in found)
        if any(finding.severity is Severity.BLOCK for finding in found):
            return Mismatched(findings)
        assert four.order is not None
        assert four.inventory is not None
        return Signed(
            self._sealed(draft, draft.version, four.order, Kind.ORDER, draft.order_message),
            self._sealed(draft, draft.version, four.inventory, Kind.INVENTORY, draft.inventory_message),
            findings,
        )

    async def sign_withdrawal(self, leased: Leased) -> SignedWithdrawal:
        assert isinstance(leased.task, SignWithdrawal)
        draft = leased.task.draft
        document = undo_document(draft, open_person(self.resources.facts, draft.person))
        return SignedWithdrawal(self._sealed(draft, draft.number, document, draft.kind, draft.message_id))

    def _sealed(self, draft: Draft | UndoDraft, version: int, document: Document, kind: Kind, message_id: str) -> str:
        raw = self.desk.envelope(draft.parties.agent, document, kind, message_id)
        return seal_envelope(self.resources.columns, envelope_key(draft.order_id, version, kind), raw)


def calls(resources: Resources, desk: Desk, window: CustomsWindow, aliases: Aliases) -> Mapping[str, Call]:
    bench = Bench(resources, desk)

    async def submit(leased: Leased) -> object:
        task = leased.task
        assert isinstance(task, Submit)
        stored = await envelope(resources.read, resources.columns, task.envelope)
        return await window.submit(stored, Office(task.office, task.office_confirmed))

    async def look_again(leased: Leased) -> object:
        assert isinstance(leased.task, Strays)
        heard = await attributed(aliases, leased.task.receipts)
        if not isinstance(heard, Heard):
            raise StillUnknown("nobody here knows these numbers yet")
        return Redo(heard)

    return {
        CHECK_IDENTITY: Call(CheckIdentity, bench.check, unknown="resend"),
        SIGN: Call(Sign, bench.sign, unknown="resend"),
        SIGN_WITHDRAWAL: Call(SignWithdrawal, bench.sign_withdrawal, unknown="resend"),
        # The window has no query: identical bytes again, which its business keys make harmless.
        SUBMIT: Call(Submit, submit, unknown="resend"),
        STRAYS: Call(Strays, look_again, unknown="resend", backoff=STRAY_BACKOFF),
        RECEIPT_OVERDUE: Call(ReceiptOverdue),
        WAYBILL_OVERDUE: Call(WaybillOverdue),
    }
