"""All vendors' real SDKs against the local wire server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from adapters.models.anthropic import AnthropicModel
from adapters.models.calls import CallLimits
from adapters.models.compatible import CompatibleModel
from adapters.models.openai import OpenAIModel
from adapters.models.streaming import StreamingModel
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


@pytest.fixture
async def made() -> AsyncIterator[list[StreamingModel]]:
    """Models that are closed in the end."""
    models: list[StreamingModel] = []
    yield models
    for model in models:
        await model.close()


def make_model(
    vendor: str, server: ModelServer, *, key: str = KEY, limits: CallLimits = FAST, base_url: str = "", **more: object
) -> StreamingModel:
    """A model of this vendor, at the local server unless told otherwise."""
    if vendor == "openai":
        url = base_url or server.openai_url
        return OpenAIModel(SecretStr(key), frameworks=tiny, base_url=url, limits=limits, **more)  # type: ignore[arg-type]
    if vendor == "anthropic":
        url = base_url or server.anthropic_url
        return AnthropicModel(SecretStr(key), frameworks=tiny, base_url=url, limits=limits, **more)  # type: ignore[arg-type]
    url = base_url or server.compatible_url
    named = {"model": "qwen-coder", **more}
    return CompatibleModel(url, frameworks=tiny, api_key=SecretStr(key), limits=limits, **named)  # type: ignore[arg-type]


@pytest.fixture(params=["openai", "anthropic", "compatible"])
def make(request: pytest.FixtureRequest, server: ModelServer, made: list[StreamingModel]) -> Maker:
    """Makes models of one vendor, and closes them."""

    def maker(**how: object) -> StreamingModel:
        made.append(make_model(request.param, server, **how))  # type: ignore[arg-type]
        return made[-1]

    return maker


@pytest.fixture
def maker_of(server: ModelServer, made: list[StreamingModel]) -> Callable[..., StreamingModel]:
    """Makes models of the vendor that is named, and closes them."""

    def maker(vendor: str, **how: object) -> StreamingModel:
        made.append(make_model(vendor, server, **how))  # type: ignore[arg-type]
        return made[-1]

    return maker
