"""Invented people, sealed with a keyring of this run: names, numbers and addresses belong to nobody."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from typing import Final

from shared.events.values import Sealed
from shared.security.personal import Person, Recipient, seal_person, seal_recipient
from shared.security.vault import Keyring

KEYS: Final = Keyring({"flows": os.urandom(32)}, "flows", os.urandom(32))
BUYER: Final = Person("陈测试", "1", "99999919900307008X", "13900000002")
RECEIVER: Final = Recipient("陈测试", "13900000002", "CN", "福建省", "福州市", "鼓楼区", "测试路9号", "350001")


@cache
def person(number: str = BUYER.id_number) -> Sealed:
    return seal_person(KEYS, replace(BUYER, id_number=number))


@cache
def recipient(street: str = RECEIVER.street) -> Sealed:
    return seal_recipient(KEYS, replace(RECEIVER, street=street))
