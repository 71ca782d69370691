"""The tools of a chat for MCP clients, with fastmcp's own client, over HTTP and over standard input and output."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from fastmcp.exceptions import ToolError

from agent.case import Case
from api.routes import mcp_server
from tests.api.conftest import KEY, ROOT

TOOLS = {
    "find_products",
    "get_product",
    "calculate_reorder",
    "find_orders",
    "get_order",
    "find_reviews",
    "get_review",
    "find_suppliers",
    "request_restock",
}
MOST_CHARACTERS = 16_000
"""Of what a client's model is told of all tools: about 4,000 tokens."""
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
TAKES = {"Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module", autouse=True)
def _no_proxy() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, start_process: Callable[..., Any]) -> Any:
    return start_process(tmp_path_factory.mktemp("mcp"), {"API_KEY": KEY, "CHECK_MODELS": "false"})


def over_http(server: Any, **headers: str) -> Client[Any]:
    return Client(StreamableHttpTransport(f"{server.url}/mcp", headers={"X-API-Key": KEY} | headers))


def over_stdio(folder: Path) -> Client[Any]:
    command = "from api.commands.cli import main; import sys; sys.argv[1:] = ['mcp']; main()"
    environment = {"PYTHONPATH": str(ROOT), "CHECK_MODELS": "false"}
    return Client(StdioTransport(sys.executable, ["-c", command], env=environment, cwd=str(folder)))


@pytest.fixture(params=["http", "stdio"])
async def client(request: pytest.FixtureRequest, server: Any, tmp_path: Path) -> AsyncIterator[Client[Any]]:
    async with over_http(server) if request.param == "http" else over_stdio(tmp_path) as client:
        yield client


async def test_tools_are_listed_called_and_refuse_in_words(client: Client[Any]) -> None:
    tools = await client.list_tools()
    product = await client.call_tool("get_product", {"product_id": "STEEL_SHEETS"})
    asked = await client.call_tool("request_restock", {"product_id": "STEEL_SHEETS", "note": "low"})

    assert {tool.name for tool in tools} == TOOLS
    assert [tool.name for tool in tools if not tool.annotations or not tool.annotations.read_only_hint] == [
        "request_restock"
    ]
    assert len(json.dumps([tool.model_dump(exclude_none=True, mode="json") for tool in tools])) < MOST_CHARACTERS
    assert product.structured_content["on_hand"] == json.loads(product.content[0].text)["on_hand"] == 150
    assert (asked.structured_content["status"], asked.structured_content["order_number"]) == ("pending_review", None)
    for name, arguments, words in [
        ("get_product", {"product_id": "NOBODY"}, "NOBODY"),
        ("get_product", {"product_id": 7}, "product_id: Input should be a valid string"),
        ("get_product", {"product_id": "STEEL_SHEETS", "approve": True}, "there is no 'approve' here"),
        ("get_product", {}, "product_id: Field required"),
        ("approve_review", {"review_id": "RV-000001"}, "approve_review"),
        ("submit_order", {"product_id": "STEEL_SHEETS"}, "submit_order"),
    ]:
        with pytest.raises(ToolError, match=words):
            await client.call_tool(name, arguments)


async def test_a_key_may_come_as_a_bearer(server: Any) -> None:
    async with Client(StreamableHttpTransport(f"{server.url}/mcp", auth=KEY)) as client:
        assert len(await client.list_tools()) == len(TOOLS)


async def test_without_a_valid_key_nothing_is_listed(server: Any) -> None:
    for headers in ({"X-API-Key": "wrong"}, {"X-API-Key": ""}, {"Authorization": "Bearer another"}):
        with pytest.raises(Exception, match="error response"):
            async with over_http(server, **headers):
                pass
        with server.client() as client:
            assert client.post("/mcp", json=LIST, headers=TAKES | headers).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:1"}, 403),
        ({"Host": "localhost"}, 200),
        ({}, 200),
    ],
)
def test_pages_of_other_sites_are_refused_and_told_why(server: Any, headers: dict[str, str], status: int) -> None:
    with server.client() as client:
        answer = client.post("/mcp", json=LIST, headers=TAKES | headers)
        own = client.post("/mcp", json=LIST, headers=TAKES | {"Origin": server.url})

    assert (answer.status_code, own.status_code) == (status, 200)
    assert status == 200 or answer.json()["code"] in ("misdirected_request", "other_site")


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
async def test_a_client_in_a_page_of_another_site_gets_nothing(server: Any, headers: dict[str, str]) -> None:
    with pytest.raises(Exception, match="error response"):
        async with over_http(server, **headers) as client:
            await client.list_tools()


async def test_behind_a_proxy_the_public_address_counts(start: Any) -> None:
    service = await start(public_url="https://restock.example/")
    post = service.client.post
    own = {"Host": "restock.example", "Origin": "https://restock.example"}

    assert (await post("/mcp", json=LIST, headers=TAKES | own)).status_code == 200
    assert (await post("/mcp", json=LIST, headers=TAKES | own | {"Host": "other.example"})).status_code == 421


async def test_there_is_one_address_and_one_method(service: Any, problem: Any) -> None:
    problem(await service.client.get("/mcp"), 405, "method_not_allowed")
    problem(await service.client.delete("/mcp"), 405, "method_not_allowed")
    problem(await service.client.post("/mcp/", json=LIST), 404, "not_found")
    problem(
        await service.client.post("/mcp", content=b"{", headers={"Content-Type": "application/json"}),
        400,
        "malformed_json",
    )


async def call(service: Any, key: str, name: str, **arguments: Any) -> httpx.Response:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
    headers = TAKES | {"X-API-Key": key, "Host": "127.0.0.1"}
    response: httpx.Response = await service.client.post("/mcp", json=message, headers=headers)
    return response


async def test_a_key_that_may_only_read_asks_for_no_run(service: Any, problem: Any, stored_key: Any) -> None:
    reader, bridge = await stored_key("read"), await stored_key("trigger")

    looked = await call(service, reader, "get_product", product_id="STEEL_SHEETS")
    refused = await call(service, reader, "request_restock", product_id="STEEL_SHEETS")

    assert "structuredContent" in looked.json()["result"]
    assert refused.json()["result"]["isError"]
    assert "scope 'trigger'" in refused.text
    assert await service.count("runs") == 0
    problem(await call(service, bridge, "get_product", product_id="STEEL_SHEETS"), 403, "scope_missing")


async def test_a_run_belongs_to_the_key_that_asked_and_waits(service: Any, stored_key: Any) -> None:
    await call(service, await stored_key("read", "trigger"), "request_restock", product_id="STEEL_SHEETS")

    (run,) = (await service.client.get("/runs")).json()["runs"]
    assert (run["status"], run["requested_by"], run["origin"]) == ("pending_review", "read trigger", "chat")
    assert await service.count("orders") == 0


async def test_a_fault_of_ours_is_told_in_our_words(service: Any, log: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any) -> Any:
        raise ValueError("secret")

    monkeypatch.setattr(service.runtime.toolbox, "call", fail)
    answer = await call(service, KEY, "get_product", product_id="STEEL_SHEETS")

    assert "The tool could not answer" in answer.text
    assert "secret" not in answer.text
    assert "tool_failed" in log.getvalue()


async def test_the_first_requests_may_come_at_once_and_a_stop_ends_it(start: Any) -> None:
    service = await start()
    answers = await asyncio.gather(*(call(service, KEY, "get_product", product_id="X") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}

    service.runtime.begin_shutdown()
    assert (await call(service, KEY, "get_product", product_id="X")).status_code == 503


async def test_without_the_package_one_sentence_says_how_to_install_it(
    service: Any, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mcp_server, "find_spec", lambda name: None if name == "fastmcp" else find_spec(name))

    refused = problem(await call(service, KEY, "get_product"), 404, "mcp_not_installed")

    assert refused["detail"] == "For MCP the package fastmcp is missing. Install it with: pip install 'restock[mcp]'"


async def test_a_tool_called_outside_of_a_graph_is_as_strict_as_in_one(service: Any) -> None:
    toolbox = service.runtime.toolbox
    answer = json.loads(await toolbox.call("get_product", {"product_id": "STEEL_SHEETS"}, Case()))

    assert answer["on_hand"] == 150
    with pytest.raises(Exception, match="valid string"):
        await toolbox.call("get_product", {"product_id": 7}, Case())
