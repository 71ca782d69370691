"""Gemini's answers, asked for with a body written at once.

The client deep-copies each request, walks it through its converters field by field and checks every model's types
again: more CPU time than all else in a call. What LangChain hands over are the client's own models already, which know
how to write themselves. A request with anything else in it goes the client's own way.
"""

import json
from collections.abc import Sequence
from typing import Any

from google.genai.client import AsyncClient
from google.genai.models import AsyncModels, _GenerateContentResponse_from_mldev
from google.genai.types import Content, GenerateContentConfig, GenerateContentResponse
from pydantic import BaseModel, ValidationError

BESIDE = {"system_instruction", "tools", "tool_config", "safety_settings"}
"""Fields of the configuration that stand beside the contents on the wire."""
GENERATION = {
    "temperature",
    "top_p",
    "top_k",
    "candidate_count",
    "max_output_tokens",
    "stop_sequences",
    "seed",
    "thinking_config",
}
KNOWN = BESIDE | GENERATION | {"http_options"}


class PlainModels(AsyncModels):
    @classmethod
    def into(cls, client: AsyncClient) -> None:
        """The same client's, with its connections, key and errors."""
        client._models = cls(client._api_client)

    async def generate_content(self, *, model: str, contents: Any, config: Any = None) -> GenerateContentResponse:
        if self._api_client.vertexai or not is_plain(contents, config):
            return await super().generate_content(model=model, contents=contents, config=config)
        path = f"{model if '/' in model else f'models/{model}'}:generateContent"
        client = self._api_client
        request = client._build_request("post", path, body(contents, config), config.http_options)
        return answer((await client._async_request_once(request, implicit_retry=False)).response_stream[0])


def is_plain(contents: Any, config: Any) -> bool:
    """Everything in it is a model of the client's whose place on the wire is known here."""
    if not isinstance(config, GenerateContentConfig) or not isinstance(contents, list):
        return False
    given = {name for name in config.model_fields_set if getattr(config, name) is not None}
    return given <= KNOWN and all(isinstance(content, Content) for content in contents)


def body(contents: Sequence[Content], config: GenerateContentConfig) -> dict[str, Any]:
    """The request as the service's REST interface has it."""
    return {
        "contents": [_written(content) for content in contents],
        **_written(config, include=BESIDE),
        "generationConfig": _written(config, include=GENERATION),
    }


def answer(text: str) -> GenerateContentResponse:
    """What came, with everything left out that this version of the client does not know."""
    try:
        return GenerateContentResponse.model_validate_json(text)
    except ValidationError:
        fields = _GenerateContentResponse_from_mldev(json.loads(text) if text else {})
        return GenerateContentResponse._from_response(response=fields, kwargs={})


def _written(part: BaseModel, **options: Any) -> dict[str, Any]:
    """Without warnings: LangChain puts a word where the type says bytes, for a signature that it does not have."""
    return part.model_dump(mode="json", by_alias=True, exclude_none=True, warnings=False, **options)
