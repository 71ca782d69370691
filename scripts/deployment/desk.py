"""The desk through the proxy, as a browser sees it behind a proxy that ends TLS."""

import re
from urllib.parse import urlsplit

import httpx

from scripts.deployment.container import PATIENCE_SECONDS
from scripts.deployment.report import Report

PAGES = ("/desk", "/desk/reviews", "/desk/orders", "/desk/settings", "/desk/data")
FILES = ("/desk/static/desk.js", "/desk/static/vendor/htmx-2.0.11.min.js", "/docs")


class Desk:
    """One browser."""

    def __init__(self, client: httpx.Client, public_url: str, report: Report) -> None:
        self._url, self._report, self._cookie = public_url, report, ""
        headers = {"X-Forwarded-Proto": "https", "Host": urlsplit(public_url).netloc, "Accept": "text/html"}
        self._browser = httpx.Client(
            base_url=client.base_url, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS
        )

    def opens(self, link: str) -> None:
        """By a link that a command in the container prints."""
        self._report.title("The desk through the proxy, with TLS ended before it")
        self._report.check(
            "`restock sign-in` prints a link at PUBLIC_URL", link.startswith(f"{self._url}/desk/sign-in?")
        )
        self._shows_the_sign_in_page()
        self._signs_in(link.partition("link=")[2])
        for page in PAGES:
            shown = self._get(page)
            self._report.check(f"{page} is shown", shown.status_code == 200 and "<h1" in shown.text, shown.status_code)

    def is_still_open(self) -> None:
        status = self._get("/desk").status_code
        self._report.check("a browser is still signed in", status == 200, status)

    def _shows_the_sign_in_page(self) -> None:
        start, page = self._get("/"), self._get("/desk/sign-in")
        asked = start.headers.get("location") == "/desk" and page.is_success and 'name="key"' in page.text
        self._report.check("a browser is sent to the desk and asked to sign in", asked)
        named = re.findall(r'(?:href|src)="(/desk/static/[^"]+)"', page.text)
        fetched = {file: self._get(file).status_code for file in (*named, *FILES)}
        self._report.check("its style, scripts and /docs are in the image", set(fetched.values()) == {200}, fetched)

    def _signs_in(self, link: str) -> None:
        form = {"link": link, "after": "/desk"}
        signed = self._browser.post("/desk/sign-in", data=form, headers={"Origin": self._url})
        cookie = signed.headers.get("set-cookie", "")
        self._report.check("the link signs in, by a Secure cookie", signed.status_code == 303 and "Secure" in cookie)
        self._cookie = cookie.partition(";")[0]

    def _get(self, path: str) -> httpx.Response:
        return self._browser.get(path, headers={"Cookie": self._cookie} if self._cookie else {})
