"""Which model providers are configured: read out of the settings, in one place.

Asked by the wiring, which constructs their models, and by `nexus doctor`, which constructs nothing.

``OPENAI_BASE_URL`` means two things, because people use it for two: with a key it is a server that speaks OpenAI's Responses API (OpenAI
itself, or a gateway to it); without one, which OpenAI never goes without, it is the server of one's own for which every other
program calls this setting so (Ollama, vLLM, llama.cpp), and is taken for the compatible provider. ``COMPATIBLE_BASE_URL`` says the latter
plainly, goes before, and lets both be configured at once. Nobody is asked what they speak: many servers have a Responses API that
ignores half of it, and a wrong guess would fail in the middle of a build.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.settings import Settings

_HOSTS = {"openai": "api.openai.com", "anthropic": "api.anthropic.com"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One configured provider."""

    name: str
    model: str  #: empty: the first that the server names
    base_url: str | None  #: None: the vendor's own
    key: SecretStr | None

    @property
    def host(self) -> str:
        """Where its requests go; without a name or a password that somebody wrote into the address."""
        if self.base_url is None:
            return _HOSTS[self.name]
        return urlsplit(self.base_url).netloc.rpartition("@")[2] or self.base_url


def configured(settings: Settings) -> list[Provider]:
    """The providers that are configured, the starter aside."""
    openai_key, openai_url = _set(settings.openai_api_key), _text(settings.openai_base_url)
    found: list[Provider] = []
    if openai_key is not None:
        found.append(Provider(name="openai", model=settings.openai_model, base_url=openai_url, key=openai_key))
    if (anthropic_key := _set(settings.anthropic_api_key)) is not None:
        url = _text(settings.anthropic_base_url)
        found.append(Provider(name="anthropic", model=settings.anthropic_model, base_url=url, key=anthropic_key))
    compatible_url = _text(settings.compatible_base_url)
    if compatible_url is not None:
        key = _set(settings.compatible_api_key)
        found.append(Provider(name="compatible", model=settings.compatible_model, base_url=compatible_url, key=key))
    elif openai_url is not None and openai_key is None:
        named = settings.openai_model if "openai_model" in settings.model_fields_set else ""
        key = _set(settings.compatible_api_key)
        found.append(Provider(name="compatible", model=settings.compatible_model or named, base_url=openai_url, key=key))
    return found


def _set(secret: SecretStr | None) -> SecretStr | None:
    return secret if secret is not None and secret.get_secret_value().strip() else None


def _text(value: str | None) -> str | None:
    return value.strip() if value and value.strip() else None
