"""What the catalog answers is what its document promises, problems included."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import Response
from jsonschema import Draft202012Validator

from services.catalog.commands import ProductRevised
from shared.http.app import new_app
from tests.catalog.shelf import COFFEE, product
from tests.support.service import Running

OFFER = {
    "title": {"en": "coffee", "zh": "咖啡豆"},
    "goods": {
        "name_zh": "烘焙咖啡豆", "hs_code": "0901210000", "origin": "KE", "spec_zh": "227克/包", "unit": "125",
        "unit_1": "035", "unit_1_quantity": "0.227", "net_grams": 227, "gross_grams": 260, "duty_rate": "0.15",
        "vat_rate": "0.13",
    },
}  # fmt: skip
ARRIVAL = {"location": "fz-bonded", "lot": "A", "best_before": "2027-09-30", "quantity": 10}


def document(catalog: Running) -> dict[str, Any]:
    app = new_app("Corridor catalog")
    app.services = ("catalog",)
    app.include_router(catalog.service.router)
    return app.openapi()


def promised(told: dict[str, Any], method: str, path: str, answer: Response) -> dict[str, Any]:
    """The schema of exactly this status and kind of answer."""
    response = told["paths"][path][method.lower()]["responses"][str(answer.status_code)]
    if "$ref" in response:
        response = told["components"]["responses"][response["$ref"].rpartition("/")[2]]
    schema: dict[str, Any] = response["content"][answer.headers["content-type"]]["schema"]
    return {**schema, "components": told["components"]}


@pytest.mark.parametrize(
    ("method", "path", "token", "body", "status"),
    [
        ("GET", "/v1/products", "seller", None, 200),
        ("GET", "/v1/products/{sku}", "seller", None, 200),
        ("GET", "/v1/products/{sku}", "stranger", None, 404),
        ("GET", "/v1/stock", "operator", None, 200),
        ("GET", "/v1/stock?colour=red", "operator", None, 400),
        ("GET", "/v1/products", "", None, 401),
        ("PUT", "/v1/products/{nobody}", "operator", OFFER | {"seller": "highland-coop"}, 201),
        ("PUT", "/v1/products/{nobody}", "seller", OFFER, 403),
        ("PUT", "/v1/products/{sku}", "operator", OFFER | {"seller": "highland-coop"}, 200),
        ("PUT", "/v1/products/{sku}", "operator", OFFER | {"seller": "coast-growers"}, 409),
        ("PUT", "/v1/products/{sku}", "seller", {}, 400),
        ("PUT", "/v1/products/{sku}", "service", {}, 403),
        ("PUT", "/v1/products/{sku}", "seller", b"x" * 300_000, 413),
        ("POST", "/v1/products/{sku}/stock", "operator", ARRIVAL | {"quantity": 0}, 400),
        ("POST", "/v1/products/{nobody}/stock", "operator", ARRIVAL, 404),
        ("POST", "/v1/products/{sku}/stock", "operator", ARRIVAL | {"best_before": "2028-01-01"}, 409),
    ],
)
async def test_an_answer_is_what_the_document_promises_for_its_status(
    catalog: Running, method: str, path: str, token: str, body: object, status: int
) -> None:
    await catalog.hear(ProductRevised(product(COFFEE)))
    await catalog.ask("POST", f"/v1/products/{COFFEE}/stock", body=ARRIVAL)
    told = document(catalog)

    answer = await catalog.ask(method, path.format(sku=COFFEE, nobody="NOBODY"), token, body)

    assert answer.status_code == status
    known = path.partition("?")[0].replace("{nobody}", "{sku}")
    Draft202012Validator(promised(told, method, known, answer)).validate(answer.json())


@pytest.mark.parametrize(
    ("method", "status", "name"), [("get", "200", "Shown"), ("put", "200", "Entered"), ("put", "201", "Entered")]
)
def test_what_is_answered_of_one_product_is_described_field_by_field(
    catalog: Running, method: str, status: str, name: str
) -> None:
    answer = document(catalog)["paths"]["/v1/products/{sku}"][method]["responses"][status]

    assert answer["content"]["application/json"]["schema"] == {"$ref": f"#/components/schemas/{name}"}
