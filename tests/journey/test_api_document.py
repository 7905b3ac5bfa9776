"""The OpenAPI document and its page: valid, whole, and true of the server that serves them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.support.nexus import Nexus, User

PROMISED = {
    ("post", "/api/ai/generate/app"),
    ("post", "/ai/generate/app"),
    ("post", "/api/ai/deploy/app"),
    ("post", "/ai/deploy/app"),
    ("post", "/api/v1/tenants/provision"),
    ("get", "/api/v1/tenants/me"),
    ("delete", "/api/v1/tenants/{id}"),
    ("post", "/api/v1/hosting/services"),
    ("get", "/api/v1/hosting/services"),
    ("post", "/api/v1/hosting/services/{id}/deployments"),
    ("post", "/api/v1/hosting/services/{id}/start"),
}


@pytest.fixture(scope="module")
async def document(nexus: Nexus) -> dict[str, Any]:
    """As anybody gets it."""
    found: dict[str, Any] = (await nexus.request("GET", "/api/openapi.json")).ok()
    return found


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method, path) for path, calls in document["paths"].items() for method in calls}


async def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()  # type: ignore[arg-type]
    names = [call["operationId"] for calls in document["paths"].values() for call in calls.values()]
    assert len(names) == len(set(names))


async def test_the_promised_calls_are_in_it(document: dict[str, Any]) -> None:
    assert PROMISED <= operations(document)


async def test_every_call_in_it_exists_and_asks_who_calls(nexus: Nexus, document: dict[str, Any]) -> None:
    for method, path in operations(document):
        answer = await nexus.request(method.upper(), re.sub(r"{\w+}", "nothing", path))
        assert "nexus token" in answer.problem(401, "unauthenticated")["detail"], (method, path)


async def test_every_call_in_it_answers_a_stranger_with_a_problem_of_its_own(nexus: Nexus, document: dict[str, Any]) -> None:
    stranger = User(nexus, "stranger", nexus.token("stranger"))
    for method, path in sorted(operations(document)):
        if (method, path) == ("post", "/api/v1/tenants/provision"):
            continue
        answer = await stranger.call(method.upper(), re.sub(r"{\w+}", "nothing", path), {} if method in {"post", "put"} else None)
        if "{" in path or method == "post":
            assert answer.status in {400, 403, 404}, f"{method} {path}: {answer.status}"
            answer.problem(answer.status)
        else:
            answer.ok()


async def test_its_shapes_have_the_promised_fields(document: dict[str, Any]) -> None:
    shapes = document["components"]["schemas"]
    assert {"description", "framework", "features", "styling", "provider"} <= set(shapes["GenerateRequest"]["properties"])
    assert {"files", "dependencies", "instructions", "requires_database"} <= set(shapes["GenerateAnswer"]["required"])
    wanted = {"app_name", "files", "dependencies", "framework", "requires_database", "user_id"}
    assert wanted <= set(shapes["DeployRequest"]["properties"])
    wanted = {"deployment_id", "status", "app_url", "database", "hosting", "environment"}
    assert wanted <= set(shapes["DeployAnswer"]["required"])
    assert {"tenant_id", "connection_string"} <= set(shapes["DatabaseAnswer"]["required"])
    assert {"service_id", "domain"} == set(shapes["HostingAnswer"]["required"])


async def test_the_page_of_it_is_readable_without_a_script(nexus: Nexus, document: dict[str, Any]) -> None:
    page = await nexus.request("GET", "/api/docs")
    assert 200 == page.status
    assert "text/html" in page.headers["Content-Type"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text
    for path in document["paths"]:
        assert path in page.text
