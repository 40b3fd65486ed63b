"""Accounts from the folder of secrets, whom the profile collects through, and a change of Alipay's certificate."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from services.payments.app_accounts import alipay
from services.payments.policy import office_of, policy_of, providers_of
from services.payments.providers.alipay.client import Alipay
from services.payments.providers.alipay.keys import certificate_sn
from services.payments.providers.base import Unanswered
from shared.corridor import Corridor, load_corridor
from shared.errors import BadInput
from tests.payments.till import NOW

PROFILE = Path("deploy/corridors/mombasa-fuzhou.toml")


@pytest.fixture(scope="module")
def corridor() -> Corridor:
    return load_corridor(PROFILE)


def test_each_shop_collects_through_its_own_provider(corridor: Corridor) -> None:
    shops = policy_of(corridor).shops

    assert providers_of(corridor) == ("alipay", "wechat")
    assert {name: (terms.provider, terms.collects, terms.place) for name, terms in shops.items()} == {
        "nairobi-roasters": ("wechat", True, "GUANGZHOU_ZS"),
        "lamu-tea-house": ("alipay", True, "ZONGSHU"),
        "savanna-red": ("xiaohongshu", False, ""),
    }


def test_goods_that_wait_abroad_are_declared_where_their_flow_clears(corridor: Corridor) -> None:
    assert office_of(corridor, corridor.shop_of("lamu-tea-house")) == "3500"
    assert office_of(corridor, corridor.shop_of("nairobi-roasters")) == "3500"


def test_a_provider_that_cannot_declare_at_the_shops_office_is_refused_at_start(corridor: Corridor) -> None:
    payments = tuple(each.model_copy(update={"declares_to": {}}) for each in corridor.payment)

    with pytest.raises(BadInput):
        policy_of(corridor.model_copy(update={"payment": payments}))


# --- certificates -----------------------------------------------------------------------------------------------------


class Authority:
    """A certificate authority, or somebody it made a certificate for."""

    def __init__(self, name: str, issuer: Authority | None = None, ends: datetime = NOW + timedelta(days=300)) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signs = issuer or self
        builder = x509.CertificateBuilder(signs.name, self.name, self.key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(NOW - timedelta(days=600)).not_valid_after(ends)
        self.certificate = builder.sign(signs.key, SHA256())
        self.pem = self.certificate.public_bytes(Encoding.PEM)
        self.sn = certificate_sn(self.certificate)

    def answers(self, method: str, **fields: str) -> httpx.Response:
        node = json.dumps({"code": "10000", "msg": "Success", **fields})
        sign = base64.b64encode(self.key.sign(node.encode(), padding.PKCS1v15(), SHA256())).decode()
        name = f"{method.replace('.', '_')}_response"
        return httpx.Response(200, text=f'{{"{name}":{node},"alipay_cert_sn":"{self.sn}","sign":"{sign}"}}')


ROOT, STRANGER = Authority("root"), Authority("stranger's root")
OLD, NEW = Authority("alipay", ROOT), Authority("alipay renewed", ROOT)
FORGED, ENDED = Authority("alipay renewed", STRANGER), Authority("alipay late", ROOT, NOW - timedelta(days=1))
CLOSE, DOWNLOAD = "alipay.trade.close", "alipay.open.app.alipaycert.download"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The certificate mode."""
    ours = Authority("app", ROOT)
    (tmp_path / "app_id.txt").write_text("2021000000000001")
    (tmp_path / "seller_id.txt").write_text("2088000000000001")
    private = ours.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "app.key.pem").write_bytes(private)
    (tmp_path / "app.cert.pem").write_bytes(ours.pem)
    (tmp_path / "platform.cert.pem").write_bytes(OLD.pem)
    (tmp_path / "root.certs.pem").write_bytes(ROOT.pem)
    return tmp_path


def client(folder: Path, asked: list[str], renewed: Authority, signer: Authority) -> Alipay:
    """A gateway that signs with `signer` and hands out `renewed`."""

    def handle(request: httpx.Request) -> httpx.Response:
        method = request.url.params["method"]
        asked.append(method)
        assert request.url.params["alipay_root_cert_sn"] == ROOT.sn
        assert len(request.url.params["app_cert_sn"]) == 32
        if method == DOWNLOAD:
            return renewed.answers(DOWNLOAD, alipay_cert_content=base64.b64encode(renewed.pem).decode())
        return signer.answers(CLOSE, out_trade_no="TC1")

    http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
    account, trust = alipay(folder)
    return Alipay(http, "https://alipay.test/gateway.do", account, trust, now=lambda: NOW)


async def test_an_answer_under_our_certificate_is_believed(folder: Path) -> None:
    asked: list[str] = []
    await client(folder, asked, NEW, OLD).close("TC1")

    assert asked == [CLOSE]


async def test_a_renewed_certificate_is_fetched_once_and_believed_through_its_root(folder: Path) -> None:
    asked: list[str] = []
    provider = client(folder, asked, NEW, NEW)
    await provider.close("TC1")
    await provider.close("TC1")

    assert asked == [CLOSE, DOWNLOAD, CLOSE]


@pytest.mark.parametrize("renewed", [FORGED, ENDED], ids=["another root", "over"])
async def test_a_certificate_that_no_root_of_ours_vouches_for_is_not_believed(folder: Path, renewed: Authority) -> None:
    asked: list[str] = []
    provider = client(folder, asked, renewed, renewed)
    for _ in range(2):
        with pytest.raises(Unanswered):
            await provider.close("TC1")

    assert asked == [CLOSE, DOWNLOAD, CLOSE]  # anybody can name a certificate: it is not asked for again at once


async def test_a_certificate_is_no_authority_over_others(folder: Path) -> None:
    """A genuine certificate of Alipay's, which is no authority, signs a further one."""
    below = Authority("below", NEW)
    below.pem += NEW.pem

    with pytest.raises(Unanswered):
        await client(folder, [], below, below).close("TC1")
