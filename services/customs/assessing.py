"""From placed to assessed: the identity is looked at, the value taken apart, the yearly amount booked. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from services.customs.assessment import Assessed, assess, identity_refused
from services.customs.commands import CheckIdentity, IdentityChecked
from services.customs.dossier import QUOTA, Dossier
from services.customs.parts import Assessment, Booked, Identity
from services.customs.policy import PersonNeeded, Policy, Said
from services.customs.quota import Quota
from services.customs.tariff import NOTHING
from shared.errors import BadInput
from shared.events.base import Event
from shared.events.customs import AssessmentMade, AssessmentRefused
from shared.flow.decision import Put, States, Work
from shared.money import Money

CHECK_IDENTITY: Final = "check-identity"


def start(policy: Policy, dossier: Dossier, now: datetime) -> Said:
    """Everything is there to assess. Opening the buyer's identity, which is looked at first, is no business of a
    decision; of an order that the platform declares there is none to look at."""
    if not dossier.assessable or dossier.identity is not Identity.UNCHECKED:
        return Said(dossier)
    if dossier.sale is not None and dossier.sale.observed:
        return _observed(policy, dossier, now) if dossier.assessment is None else Said(dossier)
    if dossier.person is None:
        return Said(dossier)
    work = Work(CHECK_IDENTITY, dossier.order_id, now, CheckIdentity(dossier.order_id, dossier.person))
    return Said(replace(dossier, identity=Identity.ASKED), work=(work,))


def identity_answered(
    policy: Policy, states: States, dossier: Dossier, task: CheckIdentity, result: object, now: datetime
) -> Said:
    """An answer about a person who was replaced meanwhile says nothing; one that could not be had is a case."""
    if task.person != dossier.person or dossier.identity is not Identity.ASKED or dossier.cancelled:
        return Said(dossier)
    match result:
        case IdentityChecked(problem=""):
            return _assessed(policy, states, replace(dossier, identity=Identity.SOUND), now)
        case IdentityChecked(problem=problem):
            refused = identity_refused(problem, task.person.masked)
            return _told(replace(dossier, identity=Identity.WRONG), refused)
        case _:
            return Said(dossier.with_case("identity_unchecked", f"{result}", now))


def _assessed(policy: Policy, states: States, dossier: Dossier, now: datetime) -> Said:
    """The caller holds the person's lane: nobody else can take the same remaining amount."""
    assert dossier.sale is not None
    quota = (states.get(QUOTA, dossier.fingerprint) or Quota.at(now)).in_year_of(now)
    dossier, answer = _answer(policy, dossier, quota.used, now)
    if answer.base is None:
        return _told(dossier, answer.assessment)
    booked = Booked(dossier.fingerprint, quota.year, answer.base)
    said = _told(replace(dossier, booked=booked, valuations=dossier.valuations + 1), answer.assessment)
    return replace(said, puts=(QUOTA.put(dossier.fingerprint, quota.booked(answer.base)),))


def _observed(policy: Policy, dossier: Dossier, now: datetime) -> Said:
    """Nothing of the buyer's year is booked: the platform declares, and counts."""
    dossier, answer = _answer(policy, dossier, NOTHING, now)
    return _told(replace(dossier, valuations=dossier.valuations + answer.assessment.made), answer.assessment)


def _answer(policy: Policy, dossier: Dossier, used: Money, now: datetime) -> tuple[Dossier, Assessed]:
    assert dossier.sale is not None
    try:
        return dossier, assess(dossier, policy.rules(dossier.sale, now), used)
    except BadInput as error:
        noted = dossier.with_case("unassessable", f"{error} ({error.where})", now)
        return noted, Assessed(Assessment(None, reason="unassessable"))


def _told(dossier: Dossier, assessment: Assessment) -> Said:
    fact: Event
    if assessment.valuation is not None:
        fact = AssessmentMade(
            order_id=dossier.order_id,
            seller=dossier.seller,
            valuation=assessment.valuation,
            findings=assessment.findings,
        )
    else:
        fact = AssessmentRefused(
            order_id=dossier.order_id, seller=dossier.seller, reason=assessment.reason, findings=assessment.findings
        )
    return Said(replace(dossier, assessment=assessment), (fact,))


def give_back(states: States, dossier: Dossier) -> Said:
    """What the order took of the person's yearly amount; nothing where the year has turned meanwhile.

    Raises PersonNeeded where the person's lane is not held.
    """
    if dossier.booked is None:
        return Said(dossier)
    quota = booked_quota(states, dossier.booked)
    returned = quota.given_back(dossier.booked.base) if quota.year == dossier.booked.year else quota
    put: Put = QUOTA.put(dossier.booked.person, returned)
    return Said(replace(dossier, booked=None), puts=(put,))


def booked_quota(states: States, booked: Booked) -> Quota:
    """It was written when it was booked, so an absent one was only not loaded."""
    quota = states.get(QUOTA, booked.person)
    if quota is None:
        raise PersonNeeded(booked.person)
    return quota


def another_person(states: States, dossier: Dossier) -> Said:
    """The buyer was named or corrected: what was assessed for the one before is void."""
    return Said(dossier).then(give_back(states, replace(dossier, identity=Identity.UNCHECKED, assessment=None)))
