from __future__ import annotations

import pytest

from core.generation.packages import allowed, is_exact, resolve
from core.words.plan import FRAMEWORK_NAMES, FrameworkName


@pytest.mark.parametrize("framework", FRAMEWORK_NAMES)
def test_every_listed_package_has_an_exact_version_and_its_registrys_own_spelling(framework: FrameworkName) -> None:
    listed = allowed(framework)
    assert len(listed) >= 30
    assert all(is_exact(version) for version in listed.values())
    found = resolve(framework, listed, {})
    assert ({}, listed) == (found.refused, {name: v for name, v in found.versions.items() if not name.startswith("@types/")})


def test_a_package_belongs_to_the_frameworks_where_it_makes_sense() -> None:
    assert {"express": False, "react": True, "nextjs": False, "vue": False} == {
        name: "react-router" in allowed(name) for name in ("express", "react", "nextjs", "vue")
    }
    assert {"pinia", "vue-router"} <= set(allowed("vue")) - set(allowed("react"))


def test_a_typed_framework_gets_the_types_of_a_package_with_it() -> None:
    assert {"papaparse", "@types/papaparse"} == set(resolve("react", ["papaparse"], {}).versions)
    assert {"papaparse"} == set(resolve("express", ["papaparse"], {}).versions)
    assert {"zod"} == set(resolve("nextjs", ["zod"], {}).versions)
    assert {"papaparse"} == set(resolve("vue", ["papaparse"], {"@types/papaparse": "5.5.2"}).versions)


def test_names_are_found_however_they_are_spelled_and_versions_in_them_are_ignored() -> None:
    found = resolve("fastapi", ["Python_Multipart>=0.0.1", "qrcode[pil]==1.0"], {})
    assert set(found.versions) == {"python-multipart", "qrcode"}
    assert resolve("express", ["dayjs@^1.0.0", "LODASH"], {}).refused == {}


def test_the_scaffolds_own_packages_need_nothing() -> None:
    found = resolve("fastapi", ["FastAPI", "asyncpg==0.1"], {"fastapi": "1", "asyncpg": "2"})
    assert (found.versions, found.refused) == ({}, {})


@pytest.mark.parametrize("name", ["reqeusts", "left-padx", "git+https://example.com/x", "../x", "", "@evil/zod", "npm:lodash@4"])
def test_anything_else_is_refused_with_a_reason(name: str) -> None:
    for framework in FRAMEWORK_NAMES:
        found = resolve(framework, [name], {})
        assert found.versions == {}
        assert all(reason.endswith("on the list.") for reason in found.refused.values())


@pytest.mark.parametrize(
    "version", ["^1.0.0", "~1", ">=1", "*", "latest", "git+ssh://x", "file:..", "npm:x@1", "1.x", "1 || 2", ""]
)
def test_a_range_or_an_address_is_no_exact_version(version: str) -> None:
    assert not is_exact(version)
