"""Both vendors' real SDKs against the local wire server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from adapters.models.anthropic import AnthropicModel
from adapters.models.openai import OpenAIModel
from adapters.models.streaming import CallLimits, StreamingModel
from tests.support.model_server import FAST, KEY, ModelServer, model_server
from tests.support.tiny_framework import tiny

Maker = Callable[..., StreamingModel]


@pytest.fixture(scope="session")
async def running() -> AsyncIterator[ModelServer]:
    async with model_server() as server:
        yield server


@pytest.fixture
def server(running: ModelServer) -> ModelServer:
    running.script()
    return running


@pytest.fixture(params=["openai", "anthropic"])
async def make(request: pytest.FixtureRequest, server: ModelServer) -> AsyncIterator[Maker]:
    """Makes models of one vendor, and closes them."""
    made: list[StreamingModel] = []

    def maker(*, key: str = KEY, limits: CallLimits = FAST, base_url: str = "", **more: str) -> StreamingModel:
        model: StreamingModel
        if request.param == "openai":
            model = OpenAIModel(SecretStr(key), frameworks=tiny, base_url=base_url or server.openai_url, limits=limits, **more)
        else:
            model = AnthropicModel(
                SecretStr(key), frameworks=tiny, base_url=base_url or server.anthropic_url, limits=limits, **more
            )
        made.append(model)
        return model

    yield maker
    for model in made:
        await model.close()
