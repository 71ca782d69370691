"""Requests to addresses that somebody else chose, made so that they cannot be turned against us (SSRF).

An address is checked where it is set and again at each attempt: https on the ports allowed, no name and password, no
fragment. Its name is looked up once, every address found must be public, and the connection goes to one of those
addresses, with the name kept for TLS: a second look-up, which could answer otherwise, never happens. Redirects are not
followed, proxies of the environment are not asked, the answer's body is not read.
"""

import asyncio
import re
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import httpx

from agent.settings import Settings
from api.webhooks.public_addresses import reach
from tools.records.errors import InvalidWebhookUrl

MAX_URL_LENGTH = 2_000
MAX_ADDRESSES = 4
LOOKUP_THREADS = 100
"""One for each webhook there can be: a name server that does not answer for one must not keep the others waiting."""
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
_NUMERIC_END = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)\.?$")
_PORTS = {"https": 443, "http": 80}


def resolve(host: str) -> list[str]:
    """Every address of a name, by this machine's resolver. It knows odd spellings of numbers, too: 0x7f.1 is one."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


class Unreachable(Exception):
    """The request did not get an answer; the words are fit to be shown."""


class Reply(NamedTuple):
    """All that is looked at of an answer."""

    status: int
    retry_after: str | None


class Outbound:
    """Sends requests to addresses chosen by others. `private` permits http, any port and addresses inside the network,
    for tests and in-house receivers; what serves a cloud's credentials stays closed."""

    def __init__(
        self,
        *,
        private: bool,
        ports: tuple[int, ...],
        seconds: float,
        ca_file: Path | None = None,
        resolve: Callable[[str], list[str]] = resolve,
    ) -> None:
        self._private, self._ports, self._seconds, self._resolve = private, ports, seconds, resolve
        self._tls = httpx.create_ssl_context(trust_env=False)
        if ca_file is not None:
            self._tls.load_verify_locations(ca_file)
        self._threads = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")
        self._lookups: dict[str, asyncio.Task[list[str]]] = {}

    @classmethod
    def from_settings(cls, settings: Settings) -> "Outbound":
        return cls(
            private=settings.webhook_allow_private,
            ports=settings.webhook_ports,
            seconds=settings.webhook_timeout_seconds,
            ca_file=settings.webhook_ca_file,
        )

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check(self, url: str) -> str:
        """The address in its normal form. Raises InvalidWebhookUrl, also where its name leads inside or nowhere."""
        parsed = self._parse(url)
        try:
            async with asyncio.timeout(self._seconds):
                await self._addresses(parsed)
        except (Unreachable, TimeoutError) as error:
            raise InvalidWebhookUrl(str(error) or "The address's name could not be looked up in time.") from None
        return str(parsed)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Post once, within the time limit for all of it. Raises Unreachable, and InvalidWebhookUrl for an address
        that is not allowed (any more)."""
        parsed = self._parse(url)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post_to_first(parsed, body, headers)
        except TimeoutError:
            raise Unreachable(f"No answer within {self._seconds:g} s.") from None

    async def _post_to_first(self, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Post to the first of the name's addresses that can be connected to."""
        failure = ""
        for address in await self._addresses(url):
            try:
                return await self._post_to(address, url, body, headers)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = str(error)[:200] or "it took too long"
            except httpx.HTTPError as error:
                raise Unreachable(f"The connection broke ({type(error).__name__}).") from None
        raise Unreachable(f"Could not connect: {failure}.")

    async def _post_to(self, address: str, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> Reply:
        # A connection is never kept: it would be found again by its address, whatever name it was verified for.
        transport = httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, http2=False, retries=0)
        timeout = httpx.Timeout(self._seconds, connect=self._seconds / 3)
        async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=timeout) as client:
            request = client.build_request(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers={**headers, "Host": url.netloc.decode(), "Accept-Encoding": "identity", "Connection": "close"},
                extensions={"sni_hostname": _host(url).rstrip(".")},
            )
            response = await client.send(request, stream=True, follow_redirects=False)
            await response.aclose()
            return Reply(response.status_code, response.headers.get("retry-after"))

    def _parse(self, url: str) -> httpx.URL:
        if len(url) > MAX_URL_LENGTH or any(c.isspace() or not c.isprintable() or c == "\\" for c in url):
            raise InvalidWebhookUrl(f"Give an address of at most {MAX_URL_LENGTH} characters without spaces or \\.")
        try:
            parsed = httpx.URL(str(httpx.URL(url)))  # A port that goes without saying is dropped the second time only.
        except (httpx.InvalidURL, ValueError):
            raise InvalidWebhookUrl("This is not an address; give one like https://erp.example/hooks.") from None
        self._refuse_parts(parsed, url)
        _refuse_host(_host(parsed))
        return parsed

    def _refuse_parts(self, parsed: httpx.URL, url: str) -> None:
        allowed = ("https", "http") if self._private else ("https",)
        if parsed.scheme not in allowed:
            raise InvalidWebhookUrl(f"The address must begin with {' or '.join(f'{each}://' for each in allowed)}.")
        if parsed.userinfo or "@" in url.partition("://")[2].partition("/")[0]:
            raise InvalidWebhookUrl("Leave name and password out of the address; receivers check the signature.")
        if "#" in url:
            raise InvalidWebhookUrl("Leave the fragment (#…) out of the address; it is never sent.")
        port = _PORTS[parsed.scheme] if parsed.port is None else parsed.port
        if not self._private and port not in self._ports:
            ports = ", ".join(map(str, self._ports))
            raise InvalidWebhookUrl(f"Port {port} is not allowed; use one of {ports}, or change WEBHOOK_PORTS.")

    async def _addresses(self, url: httpx.URL) -> list[str]:
        """The addresses to connect to: all that the name has, when all of them are allowed."""
        host = _host(url)
        found = await self._look_up(host)
        for address in found:
            distance = reach(address)
            if distance == "never" or (distance == "inside" and not self._private):
                raise Unreachable(
                    f"{host[:100]} leads to an address that is not public. For receivers inside your network set "
                    "WEBHOOK_ALLOW_PRIVATE."
                )
        return found[:MAX_ADDRESSES]

    async def _look_up(self, host: str) -> list[str]:
        """One look-up at a time for each name; whoever comes meanwhile shares it."""
        lookup = self._lookups.get(host)
        if lookup is None:
            lookup = self._lookups[host] = asyncio.create_task(self._ask_resolver(host))
            lookup.add_done_callback(lambda done: self._looked_up(host, done))
        return await asyncio.shield(lookup)

    def _looked_up(self, host: str, lookup: asyncio.Task[list[str]]) -> None:
        del self._lookups[host]
        if not lookup.cancelled():
            lookup.exception()  # Everyone who waited may have given up; then nobody else asks for it.

    async def _ask_resolver(self, host: str) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, self._resolve, host)
        except OSError:
            raise Unreachable(f"The name {host[:100]} is not known.") from None
        return list(dict.fromkeys(found))


def _host(url: httpx.URL) -> str:
    """The host as it is looked up: international names in ASCII, IPv6 without brackets."""
    return url.raw_host.decode("ascii")


def _refuse_host(host: str) -> None:
    try:
        ip_address(host)
    except ValueError:
        if len(host) > 253 or not _NAME.fullmatch(host):
            raise InvalidWebhookUrl("The address has no usable host name.") from None
        if _NUMERIC_END.search(host):
            raise InvalidWebhookUrl("Write an IP address in its usual form, such as 192.0.2.1.") from None
