"""Which model writes: the providers that are configured, and what "auto" means.

Filled by the wiring, asked by the build requests and the build work.
"""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import InvalidInput
from core.generation.model import Model

AUTO_ORDER = ("anthropic", "openai", "starter")


class ModelChoice:
    """The models of this Nexus by provider; the starter is always among them."""

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._models = dict(models)

    @property
    def providers(self) -> list[str]:
        """The names that `choose` takes besides "auto"."""
        return sorted(self._models)

    def choose(self, provider: str) -> Model:
        """The provider's model; "auto" is the first that is configured, the starter when no key is.

        Raises:
            InvalidInput: unknown, or known and without a key; names what to do.
        """
        if provider == "auto":
            provider = next(name for name in AUTO_ORDER if name in self._models)
        if provider in self._models:
            return self._models[provider]
        if provider in AUTO_ORDER:
            raise InvalidInput(
                f"The provider {provider!r} has no key here; set {provider.upper()}_API_KEY and start Nexus again, or use one of: "
                + ", ".join(["auto", *self.providers])
            )
        raise InvalidInput(f"There is no provider {provider[:40]!a}; use one of: " + ", ".join(["auto", *self.providers]))
