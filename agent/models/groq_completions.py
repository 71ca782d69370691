"""Groq's completions, sent and read as they are.

The client walks every message and tool schema through its type hints on the way out, and every answer through its
models on the way in: half of a call's CPU time. LangChain has written the request as Groq wants it already, and reads
an answer's plain JSON as gladly.
"""

from typing import Any

import httpx
from groq import AsyncStream
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
        response = await self._post(PATH, body=body, cast_to=httpx.Response)
        return response.json()
