"""What people call a feature is mapped by rule, and a model is told what it means here."""

from __future__ import annotations

import pytest

from core.frameworks.registry import FRAMEWORKS
from core.generation import features
from core.words.plan import FEATURES, Feature, FrameworkName
from tests.support.tiny_framework import TinyFramework


@pytest.mark.parametrize(
    ("wish", "known"),
    [
        ("login", ["authentication"]),
        ("Log-in with password", ["authentication"]),
        ("user accounts", ["authentication"]),
        ("Sign up", ["authentication"]),
        ("full-text search", ["search"]),
        ("image uploads", ["file_upload"]),
        ("a dashboard with charts", ["charts"]),
        ("real-time updates", ["realtime"]),
        ("WebSockets", ["realtime"]),
        ("admin panel", ["authentication", "admin"]),
        ("authentication", ["authentication"]),
        ("file_upload", ["file_upload"]),
        ("dark mode", []),
        ("due dates", []),
        ("blogging", []),
        ("", []),
    ],
)
def test_wishes_are_mapped_to_the_features_that_are_known(wish: str, known: list[Feature]) -> None:
    assert known == features.known([wish])


def test_an_admin_area_is_never_without_accounts() -> None:
    assert ["authentication", "admin"] == features.complete(["admin"])
    assert ["search", "charts"] == features.complete(["charts", "search", "charts"])


@pytest.mark.parametrize("name", sorted(FRAMEWORKS))
def test_each_framework_says_of_each_feature_what_to_do(name: FrameworkName) -> None:
    framework = FRAMEWORKS[name]
    for feature in FEATURES:
        told = features.guidance(framework, [feature])
        assert told.startswith(f"- {feature}: ")
        brought = feature in framework.features
        assert brought == ("never write another" in told)
        for path in framework.feature_files(feature) if brought else ():
            assert path in told


def test_a_plan_is_told_once_what_a_feature_means_and_who_brings_it() -> None:
    told = features.guidance_for_all(list(FRAMEWORKS.values()))
    assert 1 == told.count("Content-Disposition: attachment")
    assert 1 == told.count("text/event-stream")
    assert "The scaffold of " in told


def test_tailwind_where_there_is_none_is_said() -> None:
    tiny = TinyFramework()
    assert "plain CSS" in features.styling_assumption("Tailwind, dark", tiny)
    assert "" == features.styling_assumption("plain", tiny)
    assert "no Tailwind" in features.styling_guidance(tiny)


@pytest.mark.parametrize("name", sorted(FRAMEWORKS))
def test_every_framework_says_how_it_is_styled(name: FrameworkName) -> None:
    framework = FRAMEWORKS[name]
    assert features.has_tailwind(framework) == ("Tailwind is set up" in features.styling_guidance(framework))
