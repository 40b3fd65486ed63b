"""What a refusal of Alipay's says to whoever reads our logs: its code, and nothing that could be a person."""

from __future__ import annotations

import pytest

from services.payments.providers.alipay import statuses
from shared.errors import Transient, Unknown

SAID = [
    ("40005", "张三 13800138000", Transient),
    ("20000", "张三 13800138000", Unknown),
    ("40004", "张三 13800138000.USER_RATE_LIMIT", Transient),
    ("40004", "张三 13800138000.SYSTEM_ERROR", Unknown),
]


@pytest.mark.parametrize(("code", "sub_code", "kind"), SAID)
def test_a_code_that_may_be_a_person_is_not_repeated(code: str, sub_code: str, kind: type[Exception]) -> None:
    failure = statuses.failure(statuses.REFUND, code, sub_code, "", signed=True)

    assert isinstance(failure, kind)
    assert "张三" not in str(failure)
    assert "13800138000" not in str(failure)


def test_a_code_that_is_one_is_told_as_it_is() -> None:
    failure = statuses.failure(statuses.REFUND, "40004", "ACQ.SYSTEM_ERROR", "", signed=True)

    assert str(failure) == "Alipay does not know either (ACQ.SYSTEM_ERROR)"
