"""The starter model: `Starter` writes simple apps by rule, without a language model."""

from adapters.models.starter.model import Starter

__all__ = ["Starter"]
