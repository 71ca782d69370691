"""Groq's completions, sent and read as they are.

The client walks every message and tool schema through its type hints on the way out, copies its options and headers
several times, and takes every answer through its models on the way in: more CPU time than the connection itself.
LangChain has written the request as Groq wants it already, and reads an answer's plain JSON as gladly.
"""

import json
from functools import cached_property
from typing import Any

import httpx
from groq import APIConnectionError, APITimeoutError, AsyncStream
from groq.resources.chat.completions import AsyncCompletions
from groq.types.chat import ChatCompletionChunk

PATH = "/openai/v1/chat/completions"


class PlainCompletions(AsyncCompletions):
    @classmethod
    def over(cls, completions: AsyncCompletions) -> "PlainCompletions":
        """The same client's, with its connections, key and errors."""
        return cls(completions._client)

    async def create(self, **body: Any) -> Any:
        if body.get("stream"):
            events = AsyncStream[ChatCompletionChunk]
            return await self._post(PATH, body=body, cast_to=ChatCompletionChunk, stream=True, stream_cls=events)
        content = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        answer = await self._send(content.encode())
        if not answer.is_success:
            raise self._client._make_status_error_from_response(answer)
        return answer.json()

    async def _send(self, content: bytes) -> httpx.Response:
        http, timeout = self._client._client, self._client.timeout
        request = http.build_request("POST", self._url, headers=self._headers, content=content, timeout=timeout)
        try:
            return await http.send(request)
        except httpx.TimeoutException as error:
            raise APITimeoutError(request=request) from error
        except Exception as error:
            raise APIConnectionError(request=request) from error

    @cached_property
    def _url(self) -> httpx.URL:
        return self._client._prepare_url(PATH)

    @cached_property
    def _headers(self) -> httpx.Headers:
        given = self._client.default_headers
        return httpx.Headers({name: value for name, value in given.items() if isinstance(value, str)})
