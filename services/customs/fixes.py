"""What to do about each finding, in English and Chinese: the words that operators and sellers read."""

from __future__ import annotations

from typing import Final

FIXES: Final[dict[str, tuple[str, str]]] = {
    "X01": (
        "The document breaks the message schema: our builder must be mended.",
        "报文不符合格式规范：请修正报文生成。",
    ),
    "X02": ("Sign the document with the declaring enterprise's certificate.", "请用申报企业证书签名后再发送。"),
    "X03": (
        "The content changed after signing: sign the final bytes again.",
        "签名后内容被改动：请对最终报文重新签名。",
    ),
    "R01": (
        "Ask the payment company to declare for this order number and platform.",
        "请支付企业按本订单号和平台重新申报支付单。",
    ),
    "R02": (
        "Declare the amount that was paid, or pay the order's total.",
        "支付金额与订单实付金额不一致：请更正支付单或订单。",
    ),
    "R03": ("Recompute: goods + freight + tax - discount = paid.", "请重算：货值＋运杂费＋税款－抵扣＝实付金额。"),
    "R04": (
        "Take payment company and transaction number from the payment declaration.",
        "请按支付单更正支付企业代码和交易流水号。",
    ),
    "R05": (
        "The buyer must pay from an own account: refund, and ask for a new payment.",
        "支付人须为订购人本人：请退款后由本人重新支付。",
    ),
    "R06": ("Ask the carrier to declare the waybill for this order number.", "请物流企业按本订单号重新申报运单。"),
    "R07": ("Make the receiver on the waybill and in the order the same.", "请使运单与订单的收货人、电话、地址一致。"),
    "R08": (
        "Build the inventory from this order: number, platform, seller.",
        "请按订单更正清单的订单号、平台和电商企业。",
    ),
    "R09": ("Put the carrier's waybill number into the inventory.", "请按运单更正清单的运单号和物流企业代码。"),
    "R10": ("Put the order's buyer into the inventory.", "请按订单更正清单的订购人信息。"),
    "R11": ("Put the order's address into the inventory.", "请按订单更正清单的收货地址。"),
    "R12": (
        "Number the lines 1..n, one inventory line for each order line.",
        "请将商品序号按 1..n 连续编号，并与订单逐项对应。",
    ),
    "R13": ("Use the order's goods name on the inventory line.", "请使清单商品名称与订单一致。"),
    "R14": (
        "Use the order line's quantity, unit, price, total and origin.",
        "请使清单数量、单位、单价、总价、原产国与订单一致。",
    ),
    "R15": (
        "Make price x quantity give the line total; split the line if it does not divide.",
        "请使单价×数量＝总价，除不尽时拆分商品项。",
    ),
    "R16": ("Make the goods value the sum of the line totals.", "请使货值等于各商品总价之和。"),
    "R17": ("Declare in CNY: currency 142.", "币制须为人民币（142）。"),
    "R18": ("One parcel has one package: declare 1.", "件数须为 1。"),
    "R19": (
        "Direct import needs the transport, bonded import the account book.",
        "直购进口须填运输信息，保税进口须填账册和区内企业信息。",
    ),
    "R20": (
        "Another document was declared under this number: find out which is right.",
        "该编号已申报过不同内容：请人工核对。",
    ),
    "R21": (
        "Over the limit of one transaction: offer single orders or general trade.",
        "超过单次交易限值：请分单购买或按一般贸易进口。",
    ),
    "R22": ("Over the buyer's yearly limit: refund, or general trade.", "超过个人年度限额：请退款或按一般贸易进口。"),
    "R23": (
        "The guarantor must be the platform, the seller or the carrier.",
        "担保企业须为电商平台、电商企业或物流企业之一。",
    ),
    "R24": ("Ask the buyer for the correct ID number.", "身份证号码校验不通过：请订购人更正。"),
    "R25": (
        "Not on the retail import list: do not sell it in this flow.",
        "商品不在零售进口清单内：不得以此模式销售。",
    ),
    "R26": ("Recompute the tax with the rates in force.", "请按现行税率重算税款。"),
    "R27": (
        "Weigh again: gross weight is at least the net weight, above zero.",
        "请核对重量：毛重不小于净重且大于零。",
    ),
    "R28": (
        "Return only lines of this inventory, no more than is left of them.",
        "退货商品须为原清单商品，且数量不得超过可退数量。",
    ),
    "R29": ("Too late or too early to cancel: after release use a return.", "当前状态不可撤单：放行后请走退货申请。"),
    "R30": ("More than 30 days after release: refund without the tax.", "放行已超过 30 日：只能商业退款，不退税款。"),
    "G01": ("Bring the missing proof for these goods before selling them here.", "请补齐该商品所需的证明后再销售。"),
}
