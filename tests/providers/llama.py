"""llama.cpp's server as OpenAI's form meets it: as loose as it about most things, and as strict about nulls.

What it refuses was tried on the server of xllamacpp 2026.10: a `reasoning_format` or a `name` that is null, and an
assistant's message with neither content nor calls. It takes `tool_choice` and ignores it, and any key.
"""

from typing import Any

from tests.providers.groq import GroqServer
from tests.providers.script import Question
from tests.providers.server import Rejected
from tests.providers.wire import Request

NO_STRING = "[json.exception.type_error.302] type must be string, but is null"


class LlamaServer(GroqServer):
    """Use it with its key, under /v1."""

    models = ("local",)

    def __init__(self, **options: Any) -> None:
        super().__init__(ignores_tool_choice=True, **options)

    def read(self, request: Request) -> Question:
        body = request.json()
        if "reasoning_format" in body and body["reasoning_format"] is None:
            raise Rejected(400, NO_STRING)
        for message in body.get("messages", ()):
            if "name" in message and message["name"] is None:
                raise Rejected(500, f"Failed to parse messages: {NO_STRING}")
            if message["role"] == "assistant" and "content" not in message and not message.get("tool_calls"):
                raise Rejected(400, "Assistant message must contain either 'content' or 'tool_calls'!")
        return super().read(request)
