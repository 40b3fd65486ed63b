"""What customs refused, in plain words: the code, its own text, and what to do, in English and Chinese.

Customs' text of a rejection (100) is free; it is sorted by the words that it contains. Classes of negative codes are
those of the code list (GACC edition 202205, table of processing exceptions).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from services.customs.codebook import rows
from services.customs.fixes import FIXES


@dataclass(frozen=True, slots=True)
class Advice:
    code: str
    reason: str
    fix_en: str
    fix_zh: str


_BRACKETED: Final = re.compile(r"^\[Code:(\d{1,9});Desc:([^\]]{0,500})\]")
_ADDRESS: Final = (
    "Correct the receiver's address and declare again: the order keeps its number.",
    "请更正收货地址后重新申报，订单号不变。",
)
_ANYTHING: Final = (
    "Read customs' words, correct what they name and declare again; at a loss, ask the customs office.",
    "请按海关回执说明更正后重新申报；如不明确，请咨询主管海关。",
)
_SIGNATURE: Final = (
    "The signature or certificate was not accepted: check the declaring enterprise's certificate before sending again.",
    "签名或证书未通过：请核对申报企业证书后再发送。",
)
# Words of a rejection, the first that occurs decides.
_BY_WORD: Final[tuple[tuple[tuple[str, ...], tuple[str, str]], ...]] = (
    (("地址",), _ADDRESS),
    (("限额", "额度", "限值"), FIXES["R22"]),
    (("身份", "姓名", "订购人", "证件", "实名"), FIXES["R24"]),
    (("支付",), FIXES["R04"]),
    (("运单", "物流"), FIXES["R06"]),
    (("正面清单", "清单内", "商品编码", "税号"), FIXES["R25"]),
    (("价格", "单价", "总价", "金额"), FIXES["R15"]),
    (("重量", "毛重", "净重"), FIXES["R27"]),
    (("签名", "验签", "证书"), _SIGNATURE),
    (("账册", "备案"), FIXES["R19"]),
)
_CANNOT_CANCEL: Final = FIXES["R29"]
_LINES: Final = (
    "Return exactly the lines of the inventory: number, commodity code, no more than was declared.",
    "退货商品须与原清单的序号、商品编码一致，数量不超过原申报数量。",
)
_REPEATED: Final = (
    "Customs has another document under this number: compare it with ours before anything is sent again.",
    "海关已有同编号的单证：请先核对内容，再决定是否重新申报。",
)
_TOO_LATE_TO_CHANGE: Final = (
    "Customs no longer takes a change of this document: cancel the inventory first, or use a return.",
    "当前状态不允许变更：请先撤单，或走退货申请。",
)
# Words of a code's meaning in the list, where customs' own text says nothing; the first that occurs decides.
_BY_MEANING: Final[tuple[tuple[tuple[str, ...], tuple[str, str]], ...]] = (
    (("signature", "certificate", "permission"), _SIGNATURE),
    (("personal limit", "annual"), FIXES["R22"]),
    (("single limit", "single-transaction"), FIXES["R21"]),
    (("already", "same number", "exists"), _REPEATED),
    (("does not allow", "nothing to"), _TOO_LATE_TO_CHANGE),
    (("goods lines", "no lines", "lack lines", "line number"), FIXES["R12"]),
)
# Codes after which no correction helps: the order cannot be declared in this flow any more.
FINAL: Final = frozenset({"-621005", "-621018"})
# Codes whose fix is known without reading the text.
_BY_CODE: Final[Mapping[str, tuple[str, str]]] = {
    "-621005": FIXES["R21"],
    "-621018": FIXES["R22"],
    "-625014": FIXES["R21"],
    "-625015": FIXES["R22"],
    "-621027": FIXES["R12"],
    **dict.fromkeys(("-301010", "-401007", "-504012", "-504015"), _REPEATED),
    **dict.fromkeys(("-301011", "-401008", "-504016", "-621012"), _TOO_LATE_TO_CHANGE),
    **dict.fromkeys(("-623003", "-623005", "-623013", "released"), _CANNOT_CANCEL),
    **dict.fromkeys(("-625007", "-625010", "-625209"), _LINES),
    "R30": FIXES["R30"],
    **dict.fromkeys(
        (
            "-621015",
            "-621016",
            "-621026",
            "-621028",
            "-621029",
            "-623017",
            "-623021",
            "-623026",
            "-623029",
            "-625005",
            "-625013",
            "-625020",
            "-625021",
            "-625028",
            "-625208",
            "1001",
            "1004",
        ),
        _SIGNATURE,
    ),
    "format": FIXES["X01"],
}


@cache
def _meanings() -> Mapping[str, str]:
    return {row["code"]: row["meaning"] for row in rows("ceb_error_codes")}


def advise(code: str, info: str) -> Advice:
    """`info` is customs' text: it is kept for people, at most 200 characters of it; only the fix is derived from it."""
    said = _BRACKETED.sub(r"\2 ", info).strip()[:200]
    reason = said or _meanings().get(code, "")
    return Advice(code, reason, *_fix(code, said))


_USED: Final = re.compile(r"(?:已使用|已用|used)\D{0,12}(\d{1,9}(?:\.\d{1,2})?)", re.IGNORECASE)


def used_in_year(info: str) -> str:
    """The amount in yuan that customs says the buyer has used, "" where its text tells none.

    The text of -621018 gives it in words that are printed nowhere (unconfirmed).
    """
    found = _USED.search(info)
    return found[1] if found else ""


def _fix(code: str, said: str) -> tuple[str, str]:
    if code in _BY_CODE:
        return _BY_CODE[code]
    told = next((fix for words, fix in _BY_WORD if any(word in said for word in words)), None)
    meant = _meanings().get(code, "")
    return told or next((fix for words, fix in _BY_MEANING if any(word in meant for word in words)), _ANYTHING)
