"""Which model writes: the providers that are configured, what "auto" means, and who takes over from whom.

Filled by the wiring, asked by the build requests and the build work.

Who takes over: another vendor, the starter never. A server of one's own (`compatible`) hands nothing over: whoever set one up may have done
it so that nothing leaves the house.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from core.errors import InvalidInput
from core.generation.fallback import FallbackModel
from core.generation.model import Model

AUTO_ORDER = ("anthropic", "openai", "compatible", "starter")
_SETTINGS: Mapping[str, str] = {"compatible": "COMPATIBLE_BASE_URL"}  #: what turns a provider on, where it is not its key
_NAME = re.compile(r"[\w./:@+-]{1,120}")
_MAX_NAMED = 50  # models by name that are kept


class ModelChoice:
    """The models of this Nexus by provider; the starter is always among them."""

    def __init__(
        self,
        models: Mapping[str, Model],
        *,
        named: Mapping[str, Callable[[str], Model]] | None = None,
        fallback: bool = False,
    ) -> None:
        """``named`` makes a provider's model of another name than its default; ``fallback`` lets one vendor take over from another."""
        self._models = dict(models)
        self._named = dict(named or {})
        self._fallback = fallback
        self._made: dict[tuple[str, str], Model] = {}

    @property
    def providers(self) -> list[str]:
        """The names that `choose` takes besides "auto"."""
        return sorted(self._models)

    def choose(self, provider: str, model: str = "") -> Model:
        """The provider's model; "auto" is the first that is configured, the starter when no key is. ``model`` names another of the
        provider's models than the configured one.

        Raises:
            InvalidInput: unknown, or known and not configured; names what to do.
        """
        if provider == "auto":
            provider = next(name for name in AUTO_ORDER if name in self._models)
        if provider not in self._models:
            raise InvalidInput(self._refusal(provider))
        if model in ("", self._models[provider].name) or provider not in self._named:
            model = ""
        elif not _NAME.fullmatch(model):
            raise InvalidInput(
                f"The model name {model[:40]!a} cannot be one; give it as its vendor writes it, or leave it empty."
            )
        key = (provider, model)
        if key not in self._made:
            while len(self._made) >= _MAX_NAMED:
                del self._made[next(iter(self._made))]
            self._made[key] = self._with_second(provider, self._named[provider](model) if model else self._models[provider])
        return self._made[key]

    def _with_second(self, provider: str, model: Model) -> Model:
        if not self._fallback or provider not in ("anthropic", "openai"):
            return model
        second = next((name for name in AUTO_ORDER if name in self._models and name not in (provider, "starter")), None)
        return model if second is None else FallbackModel(model, self._models[second])

    def _refusal(self, provider: str) -> str:
        others = ", ".join(["auto", *self.providers])
        if provider not in AUTO_ORDER:
            return f"There is no provider {provider[:40]!a}; use one of: {others}"
        setting = _SETTINGS.get(provider, f"{provider.upper()}_API_KEY")
        what = "server" if provider in _SETTINGS else "key"
        return f"The provider {provider!r} has no {what} here; set {setting} and start Nexus again, or use one of: {others}"
