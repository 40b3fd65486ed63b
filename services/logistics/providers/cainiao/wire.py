"""What Cainiao says and is asked: scans, trace lists, the waybill document's receipt, bookings. Pure.

Events are ours, the codes stay beside them. An unknown action code is a movement that carries `unknown_code`, so that
the history keeps it and a person is told; an unknown message type is Unrecognised.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any, Final

from services.logistics.providers.base import (
    Booked,
    BookingRequest,
    CarrierRefused,
    Eta,
    Tracking,
    WaybillDocument,
)
from services.logistics.providers.cainiao import statuses
from services.logistics.providers.cainiao.link import Envelope, LinkSettings, sealed
from services.logistics.tracking import (
    Classifier,
    Location,
    Measured,
    Raw,
    Ref,
    TrackingEvent,
    ZoneSource,
    dedupe_key,
    offset_text,
)
from shared.errors import BadInput, Unknown, Unrecognised
from shared.http.payload import Fields, of_this_century, read_object
from shared.http.signatures import Secret

PROVIDER: Final = "cainiao"
_CHINA: Final = timedelta(hours=8)
_ZONE: Final = re.compile(r"(?:GMT|UTC)?([+-]?)([0-9]{1,2})(?::?([0-5][0-9]))?", re.ASCII)
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_RMB: Final = "142"  # customs' currency code; 511 of an import allows no other
_GRAMS: Final = {"g": Decimal(1), "kg": Decimal(1000)}
_CENTIMETRES: Final = {"cm": Decimal(1), "mm": Decimal("0.1"), "m": Decimal(100)}


def parse(envelope: Envelope, settings: LinkSettings) -> Tracking | WaybillDocument:
    """What a verified push says. Unrecognised for an unknown type or word, BadInput where it cannot be read."""
    readers: dict[str, Callable[[Fields, datetime], Tracking | WaybillDocument]] = {
        settings.event_callback: _event_push,
        settings.trace_push: _trace_push,
        settings.document_answer: _document,
    }
    reader = readers.get(envelope.msg_type)
    if reader is None:
        raise Unrecognised("msg_type", envelope.msg_type)
    return reader(read_object(envelope.content.encode()), envelope.received_at)


def _event_push(body: Fields, received_at: datetime) -> Tracking:
    """One scan. `eventTime` is the local wall clock, `timeZone` its offset."""
    ref, action = Ref("cainiao_lp", body.identifier("logisticsOrderCode")), body.text("eventCode")
    offset, source = _zone(body)
    status = body.maybe_identifier("statusCode") or statuses.SUCCESS
    failed = status != statuses.SUCCESS
    found, unknown = _meaning(action)
    event = _event(
        ref,
        statuses.failure(action) if failed else found,
        _wall_clock(body, "eventTime", offset),
        received_at,
        zone=(offset, source),
        raw=Raw(action, status if failed else None, body.maybe_text("reason")),
        location=Location(name=body.maybe_text("location")),
        unknown=unknown,
        measured=_measured(body),
    )
    return Tracking((ref.value,), (event,))


def _trace_push(body: Fields, received_at: datetime) -> Tracking:
    """The whole history so far, in any order on the wire; oldest first here."""
    order = body.maybe_identifier("logisticsOrderCode")
    mail_no = body.maybe_identifier("mailNo")
    ref = (
        Ref("carrier_tracking_number", mail_no) if mail_no else Ref("cainiao_lp", body.identifier("logisticsOrderCode"))
    )
    # Usually newest first on the wire: turned round, so that the sort leaves equal seconds in their true order.
    turned = [_trace_event(ref, detail, received_at) for detail in body.children("detailList")[::-1]]
    events = sorted(turned, key=lambda event: event.event_time)
    last_mile = body.maybe_identifier("copyRealMailNo")
    refs = tuple(dict.fromkeys(one for one in (ref.value, order, last_mile) if one))
    return Tracking(refs, tuple(events), snapshot=True, eta=_eta(body))


def _trace_event(ref: Ref, detail: Fields, received_at: datetime) -> TrackingEvent:
    action = detail.text("actionCode")
    offset, source = _zone(detail)
    at = _epoch(detail, "time") if detail.has("time") else _wall_clock(detail, "timeStr", offset)
    found, unknown = _meaning(action)
    country = (detail.maybe_text("country") or "").upper()
    return _event(
        ref,
        found,
        at,
        received_at,
        zone=(offset, source),
        raw=Raw(action, None, detail.maybe_text("standerdDesc") or detail.maybe_text("desc")),
        location=Location(detail.maybe_text("city"), country if _COUNTRY.fullmatch(country) else None),
        unknown=unknown,
        measured=None,
    )


def _event(
    ref: Ref,
    found: statuses.Meaning,
    at: datetime,
    received_at: datetime,
    *,
    zone: tuple[timedelta, ZoneSource],
    raw: Raw,
    location: Location,
    unknown: bool,
    measured: Measured | None,
) -> TrackingEvent:
    basis = raw.code if raw.sub_code is None else f"{raw.code}|{raw.sub_code}"
    return TrackingEvent(
        provider=PROVIDER,
        ref=ref,
        milestone=found.milestone,
        event_time=at,
        received_at=received_at,
        offset=offset_text(zone[0]),
        zone_source=zone[1],
        raw=raw,
        dedupe_key=dedupe_key(PROVIDER, ref, Classifier.ACTUAL, at, basis=basis, location=location),
        location=location,
        reason=found.reason,
        unknown_code=unknown,
        measured=measured,
    )


def _meaning(action: str) -> tuple[statuses.Meaning, bool]:
    """The meaning, and whether we had to take it for a mere movement."""
    try:
        return statuses.meaning(action), False
    except Unrecognised:
        return statuses.UNKNOWN, True


def _zone(body: Fields) -> tuple[timedelta, ZoneSource]:
    """`timeZone` as a signed number of hours ("+8", "-3", "+5:30"); Beijing where it is not said."""
    text = body.maybe_text("timeZone")
    if text is None:
        return _CHINA, ZoneSource.PROVIDER_DEFAULT
    found = _ZONE.fullmatch(text.strip())
    if found is None or int(found[2]) > 14:
        body.refuse("timeZone", "an offset in hours")
    offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return (-offset if found[1] == "-" else offset), ZoneSource.EXPLICIT


def _wall_clock(body: Fields, name: str, offset: timedelta) -> datetime:
    try:
        local = datetime.strptime(body.text(name), "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone(offset))
        return of_this_century(local.astimezone(UTC), body.path(name))
    except (ValueError, OverflowError):
        body.refuse(name, "a time as yyyy-MM-dd HH:mm:ss")


def _epoch(body: Fields, name: str) -> datetime:
    """Milliseconds since 1970; the fraction of a second is dropped, as everywhere in tracking."""
    return of_this_century(datetime.fromtimestamp(body.integer(name, most=10**13) // 1000, UTC), body.path(name))


def _eta(body: Fields) -> Eta | None:
    info = body.maybe_child("globalEtaInfo")
    if info is None:
        return None
    times = [_epoch(info, name) if info.has(name) else None for name in ("deliveryMinTime", "deliveryMaxTime")]
    return Eta(times[0], times[1])


def _measured(body: Fields) -> Measured | None:
    """A re-weigh of one parcel, inside `extInfo`, which is JSON in a text. Grams; centimetres rounded up."""
    text = body.maybe_text("extInfo")
    parcels = read_object(text.encode()).children("parcelList") if text else ()
    if len(parcels) != 1 or not parcels[0].has("weight"):
        return None
    parcel = parcels[0]
    grams = parcel.decimal("weight") * _unit(parcel, "weightUnit", _GRAMS)
    sides = (_side(parcel, name) for name in ("length", "width", "height"))
    return Measured(int(grams.quantize(Decimal(1), ROUND_HALF_UP)), *sides)


def _side(parcel: Fields, name: str) -> int | None:
    if not parcel.has(name):
        return None
    side = parcel.decimal(name, below=10**6) * _unit(parcel, "dimensionUnit", _CENTIMETRES)
    return int(side.to_integral_value(ROUND_CEILING))


def _unit(parcel: Fields, name: str, units: dict[str, Decimal]) -> Decimal:
    word = parcel.text(name).lower()
    if word not in units:
        raise Unrecognised(name, word)
    return units[word]


def _document(body: Fields, _received_at: datetime) -> WaybillDocument:
    """Customs' receipt of the 511, in the fields of CEB512; `returnTime` is Beijing time with milliseconds."""
    code, info = body.identifier("returnStatus"), body.maybe_text("returnInfo") or ""
    waybill, enterprise = body.identifier("logisticsNo"), body.identifier("logisticsCode")
    return WaybillDocument(enterprise, waybill, statuses.document_state(code), code, info, _return_time(body))


def _return_time(body: Fields) -> datetime:
    text = body.identifier("returnTime")
    try:
        local = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=timezone(_CHINA))
        return (local + timedelta(milliseconds=int(text[14:17] or "0"))).astimezone(UTC)
    except (ValueError, OverflowError):
        body.refuse("returnTime", "a time as yyyyMMddHHmmssSSS")


def build_booking(request: BookingRequest, secret: Secret, settings: LinkSettings) -> bytes:
    """Ask for a waybill, with what its 511 needs under CEB511's own names: weight in kg, amounts in yuan, code 142.

    The content's shape is agreed per partner and unconfirmed. The same request gives the same bytes.
    """
    consignee = request.consignee
    content: dict[str, Any] = {
        "parcelId": request.parcel_id,
        "orderNo": request.order_no,
        "warehouse": request.warehouse,
        "consignee": consignee.name,
        "consigneeTelephone": consignee.phone,
        "consigneeAddress": consignee.address(),
        "consigneeCountry": consignee.country,
        "goodsInfo": request.goods[:200],
        "weight": f"{Decimal(request.gross_grams) / 1000:.3f}",
        "packNo": request.pieces,
        "freight": request.freight.major(),
        "insuredFee": request.insurance.major(),
        "currency": _RMB,
    }
    if {request.freight.currency, request.insurance.currency} != {"CNY"}:
        raise BadInput("freight and insurance of an import waybill are in CNY", where="freight")
    return sealed(settings.book, content, secret, settings)


def build_void(parcel_id: str, waybill_no: str, secret: Secret, settings: LinkSettings) -> bytes:
    return sealed(settings.void, {"parcelId": parcel_id, "logisticsNo": waybill_no}, secret, settings)


def build_intercept(parcel_id: str, waybill_no: str, secret: Secret, settings: LinkSettings) -> bytes:
    """Ask for a parcel that is on its way to be sent back. Message and content are unconfirmed: agreed per partner."""
    return sealed(settings.intercept, {"parcelId": parcel_id, "logisticsNo": waybill_no}, secret, settings)


def parse_booking(parcel_id: str, body: bytes) -> Booked:
    """The waybill's number. CarrierRefused where Cainiao says no; Unknown where its answer cannot be read."""
    answer = _answer(body)
    try:
        return Booked(parcel_id, answer.identifier("mailNo"), answer.maybe_identifier("logisticsOrderCode"))
    except BadInput as error:
        raise Unknown("cainiao.booked-without-number") from error


def parse_taken(body: bytes) -> None:
    """A void or an interception was taken; CarrierRefused where it was not."""
    _answer(body)


def _answer(body: bytes) -> Fields:
    """`success` is a text or a boolean; both occur."""
    try:
        answer = read_object(body)
        success = answer.values.get("success")
    except BadInput as error:
        raise Unknown("cainiao.unreadable") from error
    if success in ("true", True):
        return answer
    if success not in ("false", False):
        raise Unknown("cainiao.unreadable")
    raise CarrierRefused(str(answer.values.get("errorCode", ""))[:40], str(answer.values.get("errorMsg", "")))
