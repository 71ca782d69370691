"""What sends to receivers verifies them and goes nowhere else. Real sockets, real TLS."""

import datetime
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.webhooks.deliverer import http_client
from tests.receiver import Receiver, receiving, status


class Authority:
    """A certificate authority of the tests' own, with a certificate for 127.0.0.1 and no name."""

    def __init__(self, folder: Path) -> None:
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        constraint = x509.BasicConstraints(ca=True, path_length=None)
        ca = _certificate(ca_name, ca_name, ca_key.public_key(), constraint, ca_key)
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        certificate = _certificate(x509.Name([]), ca_name, key.public_key(), names, ca_key)
        self.file = folder / "authority.pem"
        self.file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        chain = folder / "receiver.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(chain)


def _certificate(subject: x509.Name, issuer: x509.Name, key: Any, extension: Any, signer: Any) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    builder = builder.serial_number(x509.random_serial_number()).add_extension(extension, critical=True)
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    return builder.not_valid_after(now + datetime.timedelta(days=1)).sign(signer, hashes.SHA256())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def secure(authority: Authority) -> AsyncIterator[Receiver]:
    async with receiving(authority.tls) as receiver:
        yield receiver


async def test_a_receiver_of_an_unknown_authority_is_not_sent_to(secure: Receiver) -> None:
    async with http_client() as client:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await client.post(secure.url())
    assert secure.received == []


async def test_an_authority_of_one_s_own_is_believed_for_the_names_in_its_certificates(
    secure: Receiver, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    async with http_client() as client:
        assert (await client.post(secure.url())).status_code == 200
        with pytest.raises(httpx.ConnectError, match="Hostname mismatch"):
            await client.post(secure.url(host="localhost"))
    assert len(secure.received) == 1


async def test_neither_redirects_nor_proxies_of_the_environment_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    async with receiving() as receiver, receiving() as elsewhere:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, elsewhere.url("/"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        receiver.script = [status(302, Location=elsewhere.url()), status(308, Location=elsewhere.url())]

        async with http_client() as client:
            answers = [await client.post(receiver.url()) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [302, 308]
        assert elsewhere.connections == 0
