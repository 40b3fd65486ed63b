"""The two personal values that travel: the buyer whom customs asks for, and the recipient whom the carrier needs.

Sealed once at the door where they come in; only the named readers of the facts hold the keyring that opens them.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Final

from shared.events.values import Sealed
from shared.security.vault import Keyring

PERSON: Final = "orders.order/person"
RECIPIENT: Final = "orders.order/recipient"
_SPACE: Final = re.compile(r"\s+")
# ISO 7064 MOD 11-2 over the first 17 digits (GB 11643): a slip of the pen is told where it is made.
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK: Final = "10X98765432"
_ID: Final = re.compile(r"[0-9]{17}[0-9X]", re.ASCII)
RESIDENT_CARD: Final = "1"


def id_number_is_valid(number: str) -> bool:
    """18 digits (the last may be X) with the right check digit. Region and birth date are customs' to judge."""
    if not _ID.fullmatch(number):
        return False
    weighted = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return _CHECK[weighted % 11] == number[17]


@dataclass(frozen=True, slots=True)
class Person:
    """Who buys, by the identity document that customs checks. `id_type` "1" is the resident identity card."""

    name: str
    id_type: str
    id_number: str
    phone: str

    def __repr__(self) -> str:
        return "Person(…)"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who receives, and where. `country` is ISO 3166-1 alpha-2."""

    name: str
    phone: str
    country: str
    province: str
    city: str
    district: str
    street: str
    postal_code: str

    def __repr__(self) -> str:
        return "Recipient(…)"

    @property
    def address(self) -> str:
        """One line, as Chinese documents print it."""
        return "".join((self.province, self.city, self.district, self.street))


def seal_person(keyring: Keyring, person: Person) -> Sealed:
    """Equal where the document number is equal: the yearly quota counts by it."""
    masked = f"{person.name[:1]}** {person.id_number[:3]}***{person.id_number[-2:]}"
    equal = f"{person.id_type}:{person.id_number.upper()}"
    return keyring.seal(json.dumps(asdict(person), ensure_ascii=False), place=PERSON, equal=equal, masked=masked)


def seal_recipient(keyring: Keyring, recipient: Recipient) -> Sealed:
    masked = (
        f"{recipient.name[:1]}** {recipient.phone[:3]}***{recipient.phone[-2:]} {recipient.province}{recipient.city}"
    )
    equal = _SPACE.sub("", f"{recipient.name}|{recipient.phone}|{recipient.address}")
    return keyring.seal(json.dumps(asdict(recipient), ensure_ascii=False), place=RECIPIENT, equal=equal, masked=masked)


def open_person(keyring: Keyring, sealed: Sealed) -> Person:
    return Person(**json.loads(keyring.open(sealed, place=PERSON)))


def open_recipient(keyring: Keyring, sealed: Sealed) -> Recipient:
    return Recipient(**json.loads(keyring.open(sealed, place=RECIPIENT)))
