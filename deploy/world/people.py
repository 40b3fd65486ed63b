"""Invented buyers. Their ID numbers belong to the region 999999, which does not exist, with a correct check digit."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

SURNAMES: Final = "林陈黄郑吴刘张李王蔡许何谢杨周"
GIVEN: Final = ("测试", "晓舟", "明远", "佳宁", "思远", "雨桐", "志恒", "梦琪", "海波", "若兰")
STREETS: Final = ("测试路", "双城路", "走廊大道", "茶亭街", "咖啡巷")
CITIES: Final = (
    ("福建省", "福州市", "鼓楼区", "350001"),
    ("福建省", "厦门市", "思明区", "361001"),
    ("浙江省", "宁波市", "鄞州区", "315100"),
    ("广东省", "广州市", "天河区", "510000"),
    ("上海市", "上海市", "浦东新区", "200120"),
)
WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, slots=True)
class Address:
    province: str
    city: str
    district: str
    street: str
    zip: str


@dataclass(frozen=True, slots=True)
class Buyer:
    customer_id: int
    surname: str
    given: str
    id_number: str
    phone: str
    address: Address

    @property
    def name(self) -> str:
        return self.surname + self.given


def check_digit(first_17: str) -> str:
    """ISO 7064 MOD 11-2 as the resident identity card uses it."""
    total = sum(int(digit) * weight for digit, weight in zip(first_17, WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def buyer(number: int) -> Buyer:
    """The buyer of that number, always the same one; 20 million of them differ in their ID number."""
    rng = random.Random(number)
    birthday = date(1950, 1, 1) + timedelta(days=number % 20_000)
    body = f"999999{birthday:%Y%m%d}{number // 20_000 % 1000:03d}"
    province, city, district, code = rng.choice(CITIES)
    street = f"{rng.choice(STREETS)}{rng.randint(1, 299)}号{rng.randint(1, 30)}-{rng.randint(101, 999)}"
    return Buyer(
        customer_id=7_100_000_000_000 + number,
        surname=rng.choice(SURNAMES),
        given=rng.choice(GIVEN),
        id_number=body + check_digit(body),
        phone=f"100{number % 100_000_000:08d}",
        address=Address(province, city, district, street, code),
    )


def mistyped(id_number: str) -> str:
    """One digit of the birthday slipped: the check digit tells."""
    slipped = "1" if id_number[13] != "1" else "2"
    return id_number[:13] + slipped + id_number[14:]


def corrected(address: Address) -> Address:
    """What the operator writes after customs found the address unclear."""
    return Address(address.province, address.city, address.district, f"{address.street}（双城公寓）", address.zip)
