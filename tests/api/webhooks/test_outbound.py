"""Nobody can send this service anywhere but to public receivers. Real sockets, real TLS."""

import asyncio
import datetime
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from api.webhooks.outbound import Outbound, Unreachable
from api.webhooks.public_addresses import reach
from tests.receiver import Receiver, in_drops, never, receiving, status
from tools.records.errors import InvalidWebhookUrl

PUBLIC = "93.184.215.14"
Make = Callable[..., Outbound]


class Authority:
    """A certificate authority of the tests' own, with a certificate for `receiver.example` and 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        constraint = x509.BasicConstraints(ca=True, path_length=None)
        ca = _certificate(ca_name, ca_name, ca_key.public_key(), constraint, ca_key)
        names = x509.SubjectAlternativeName([x509.DNSName("receiver.example"), x509.IPAddress(ip_address("127.0.0.1"))])
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
        self.asked_for: list[str | None] = []
        self.tls.sni_callback = lambda _, name, __: self.asked_for.append(name)


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
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def secure(authority: Authority) -> AsyncIterator[Receiver]:
    authority.asked_for.clear()
    async with receiving(authority.tls) as receiver:
        yield receiver


@pytest.fixture
def make() -> Any:
    """Outbound doors, with a resolver of the test's own where it names one."""
    made: list[Outbound] = []

    def make_one(**changes: Any) -> Outbound:
        made.append(Outbound(**({"private": False, "ports": (443, 8443), "seconds": 5} | changes)))
        return made[-1]

    yield make_one
    for outbound in made:
        outbound.close()


def names(**known: str | list[str]) -> Callable[[str], list[str]]:
    """A resolver that knows these names, and numbers as they are."""

    def resolve(host: str) -> list[str]:
        found = known.get(host.partition(".")[0], host)
        return [found] if isinstance(found, str) else found

    return resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "198.18.0.1",
        "::1",
        "fd12:3456::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
    ],
)
def test_addresses_inside_are_told_from_public_ones(address: str) -> None:
    assert reach(address) == "inside"


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104
        "0.1.2.3",
        "169.254.169.254",
        "100.100.100.200",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "fe80::1",
        "fe80::1%1",
        "fec0::1",
        "fd00:ec2::254",
        "ff02::1",
        "::127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "4000::1",
        "100::1",
    ],
)
def test_addresses_that_no_receiver_has_are_never_reached(address: str) -> None:
    assert reach(address) == "never"


@pytest.mark.parametrize("address", [PUBLIC, "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2003::1"])
def test_public_addresses_are_public(address: str) -> None:
    assert reach(address) == "public"


def test_a_translated_public_address_is_public() -> None:
    assert reach("64:ff9b::5db8:d70e") == reach("::ffff:93.184.215.14") == "public"


REFUSED = [
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254/latest/meta-data",
    "https://127.1/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://1.2.3.4.5/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[::]/",
    "https://localhost/",
    "https://localhost./",
    "https://LOCALHOST/",
    "https://127。0。0。1/",
    "https://１２７.0.0.1/",
    "https://ⓛocalhost/",
    "https://ok.example@127.0.0.1/",
    "https://user:password@ok.example/",
    "https://@ok.example/",
    "https://ok.example\\@127.0.0.1/",
    "https://ok.example#@127.0.0.1/",
    "https://ok.example/#fragment",
    "https://ok.example:22/",
    "https://ok.example:0/",
    "https://ok.example:65536/",
    "https://ok.example:80/",
    "http://ok.example/",
    "ftp://ok.example/",
    "file:///etc/passwd",
    "gopher://ok.example/",
    "//ok.example/",
    "https:///x",
    "https://",
    "",
    "ok.example",
    "https://ok example/",
    "https://ok.example/a b",
    "https://ok.example/\r\nHost: evil",
    "https://ok.example\t/",
    "https://-ok.example/",
    "https://ok..example/",
    "https://%6cocalhost/",
    "https://ok.example/" + "a" * 2_000,
    "https://" + "a." * 130 + "example/",
]


@pytest.mark.parametrize("url", REFUSED)
async def test_an_address_that_leads_elsewhere_is_refused_when_set_and_when_used(make: Make, url: str) -> None:
    outbound = make(resolve=names(ok=PUBLIC, localhost="127.0.0.1"))

    with pytest.raises(InvalidWebhookUrl):
        await outbound.check(url)
    with pytest.raises((InvalidWebhookUrl, Unreachable)):
        await outbound.post(url, b"{}", {})


async def test_a_public_address_is_accepted_in_its_normal_form(make: Make) -> None:
    outbound = make(resolve=names(ok=PUBLIC, six=["2606:4700::1111", PUBLIC], **{"xn--mnchen-3ya": PUBLIC}))

    assert await outbound.check("HTTPS://OK.example:443/Hooks?x=%20y") == "https://ok.example/Hooks?x=%20y"
    assert await outbound.check("https://six.example:8443/") == "https://six.example:8443/"
    assert await outbound.check("https://münchen.example/") == "https://xn--mnchen-3ya.example/"
    assert await outbound.check(f"https://{PUBLIC}/") == f"https://{PUBLIC}/"
    assert await outbound.check("https://[2606:4700::1111]/") == "https://[2606:4700::1111]/"


async def test_one_address_inside_among_public_ones_is_enough_to_refuse_a_name(make: Make) -> None:
    outbound = make(resolve=names(mixed=[PUBLIC, "10.0.0.1"]))

    with pytest.raises(InvalidWebhookUrl, match="not public"):
        await outbound.check("https://mixed.example/")


async def test_a_name_that_does_not_exist_is_refused_with_reason(make: Make) -> None:
    with pytest.raises(InvalidWebhookUrl, match=r"name nowhere\.invalid is not known"):
        await make().check("https://nowhere.invalid/")


@pytest.mark.parametrize("url", ["http://127.1:80/", "http://0x7f.1/", "http://2130706433/", "http://169.254.169.254/"])
async def test_even_inside_odd_spellings_and_credentials_of_clouds_stay_closed(make: Make, url: str) -> None:
    with pytest.raises(InvalidWebhookUrl):
        await make(private=True).check(url)


async def test_a_name_that_turns_inward_later_is_not_connected_to(make: Make, secure: Receiver) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    outbound = make(ports=(secure.port,), resolve=lambda _: next(answers))
    url = secure.url(host="rebind.example")

    assert await outbound.check(url) == url
    with pytest.raises(Unreachable, match="not public"):
        await outbound.post(url, b"{}", {})
    assert secure.connections == 0


async def test_the_connection_goes_to_the_address_that_was_checked(
    make: Make, secure: Receiver, authority: Authority
) -> None:
    asked: list[str] = []

    def once(host: str) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    outbound = make(private=True, ca_file=authority.file, resolve=once)
    reply = await outbound.post(secure.url(host="receiver.example"), b"{}", {"X-Own": "1"})

    assert (reply.status, asked, secure.connections) == (200, ["receiver.example"], 1)
    assert authority.asked_for == ["receiver.example"]
    headers = secure.received[0].headers
    assert (headers["host"], headers["x-own"]) == (f"receiver.example:{secure.port}", "1")


async def test_a_certificate_for_another_name_or_of_an_unknown_authority_is_refused(
    make: Make, secure: Receiver, authority: Authority
) -> None:
    known = make(private=True, ca_file=authority.file, resolve=names(other="127.0.0.1", receiver="127.0.0.1"))
    unknown = make(private=True, resolve=names(receiver="127.0.0.1"))

    with pytest.raises(Unreachable, match="Hostname mismatch"):
        await known.post(secure.url(host="other.example"), b"{}", {})
    with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
        await unknown.post(secure.url(host="receiver.example"), b"{}", {})
    assert secure.received == []


async def test_a_certificate_for_a_bare_address_is_verified(make: Make, secure: Receiver, authority: Authority) -> None:
    assert (await make(private=True, ca_file=authority.file).post(secure.url(), b"{}", {})).status == 200


async def test_the_next_address_is_tried_when_one_cannot_be_connected_to(make: Make, receiver: Receiver) -> None:
    outbound = make(private=True, resolve=names(two=["127.0.0.9", "127.0.0.1"]))

    assert (await outbound.post(receiver.url(host="two.example"), b"{}", {})).status == 200


async def test_a_redirect_inward_is_not_followed(make: Make, receiver: Receiver) -> None:
    async with receiving() as inside:
        receiver.script = [status(302, Location=inside.url()), status(308, Location=inside.url())]
        outbound = make(private=True)
        replies = [await outbound.post(receiver.url(), b"{}", {}) for _ in range(2)]

        assert [reply.status for reply in replies] == [302, 308]
        assert inside.connections == 0


async def test_proxies_of_the_environment_are_not_asked(
    make: Make, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url("/"))
        monkeypatch.delenv("NO_PROXY", raising=False)

        assert (await make(private=True).post(receiver.url(), b"{}", {})).status == 200
        assert proxy.connections == 0


@pytest.mark.parametrize("trap", [never, in_drops])
async def test_all_of_an_attempt_has_one_time_limit(make: Make, receiver: Receiver, trap: Any) -> None:
    receiver.otherwise = trap

    with pytest.raises(Unreachable, match=r"No answer within 0\.3 s"):
        await make(private=True, seconds=0.3).post(receiver.url(), b"{}", {})


async def test_a_name_server_that_is_silent_about_one_name_delays_no_other(make: Make, receiver: Receiver) -> None:
    answer = threading.Event()
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        if host == "silent.example":
            answer.wait(20)
        return ["127.0.0.1"]

    outbound = make(private=True, seconds=2, resolve=resolve)
    silent = [asyncio.create_task(outbound.post(receiver.url(host="silent.example"), b"", {})) for _ in range(40)]
    others = [outbound.post(receiver.url(host=f"r{number}.example"), b"", {}) for number in range(5)]

    assert {reply.status for reply in await asyncio.gather(*others)} == {200}
    assert asked.count("silent.example") == 1
    answer.set()
    assert {reply.status for reply in await asyncio.gather(*silent)} == {200}
