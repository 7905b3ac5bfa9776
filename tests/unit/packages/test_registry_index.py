"""What the registries of this machine say of a package."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.packages import registries
from adapters.packages.registries import Clients, RegistryIndex
from core.generation.index import IndexRelease, IndexUnreachable, PackageFacts
from core.generation.policy import PackagePolicy
from tests.unit.packages.conftest import LocalRegistry, npm_document, programs, simple_file

DAY = datetime(2025, 3, 1, 12, tzinfo=UTC)


def days(count: int) -> datetime:
    return DAY + timedelta(days=count)


async def test_versions_of_an_npm_package_come_in_order_with_what_is_said_of_them(
    clients: Clients, registry: LocalRegistry
) -> None:
    versions = {"1.10.0": days(3), "1.9.0": days(2), "2.0.0-rc.1": days(4), "2.0.0": days(5), "1.0.0": days(1), "odd": days(9)}
    registry.npm["@scope/thing"] = npm_document(versions, latest="1.10.0", deprecated=frozenset({"1.0.0"}))
    found = await RegistryIndex(clients).look_up("npm", "@scope/thing")
    assert found == PackageFacts(
        name="@scope/thing",
        releases=(
            IndexRelease(version="1.0.0", published=days(1), withdrawn=True),
            IndexRelease(version="1.9.0", published=days(2)),
            IndexRelease(version="1.10.0", published=days(3)),
            IndexRelease(version="2.0.0-rc.1", published=days(4), preview=True),
            IndexRelease(version="2.0.0", published=days(5), preview=True),
        ),
    )
    assert ("/npm/@scope%2Fthing", "application/json", "") == registry.asked[0]


async def test_of_a_python_package_only_wheels_for_this_machine_count(clients: Clients, registry: LocalRegistry) -> None:
    registry.pypi["some-thing"] = {
        "files": [
            simple_file("some_thing-1.10-py3-none-any.whl", days(4)),
            simple_file("some_thing-1.9-py3-none-any.whl", days(3), yanked="broken"),
            simple_file("some_thing-1.2-py3-none-any.whl", days(2), **{"requires-python": ">=3.99"}),
            simple_file("some_thing-1.1-cp27-cp27m-win32.whl", days(1)),
            simple_file("some-thing-1.0.tar.gz", days(0)),
            simple_file("some_thing-2.0rc1-py3-none-any.whl", days(5), yanked=False),
            simple_file("nonsense.whl", days(5)),
        ]
    }
    found = await RegistryIndex(clients).look_up("pypi", "some-thing")
    assert found is not None
    assert found.releases == (
        IndexRelease(version="1.9", published=days(3), withdrawn=True),
        IndexRelease(version="1.10", published=days(4)),
        IndexRelease(version="2.0rc1", published=days(5), preview=True),
    )
    assert ("/simple/some-thing/", "application/vnd.pypi.simple.v1+json", "") == registry.asked[0]


async def test_a_package_that_is_not_there_is_none_and_no_error(clients: Clients) -> None:
    index = RegistryIndex(clients)
    assert [None, None] == [await index.look_up("npm", "no-such-thing"), await index.look_up("pypi", "no-such-thing")]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_a_registry_that_fails_is_unreachable(clients: Clients, registry: LocalRegistry, status: int) -> None:
    registry.status = status
    with pytest.raises(IndexUnreachable):
        await RegistryIndex(clients).look_up("npm", "thing")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"[" * 100_000, b"\xff"])
@pytest.mark.parametrize("kind", ["npm", "pypi"])
async def test_an_answer_that_is_none_is_unreachable(clients: Clients, registry: LocalRegistry, kind: str, body: bytes) -> None:
    registry.status, registry.body = 200, body
    with pytest.raises(IndexUnreachable):
        await RegistryIndex(clients).look_up("npm" if kind == "npm" else "pypi", "thing")


@pytest.mark.parametrize("document", ['{"versions": 1}', '{"versions": {"1.0.0": 1}, "time": [], "dist-tags": null}', "{}"])
async def test_a_document_with_nothing_in_it_has_no_releases(clients: Clients, registry: LocalRegistry, document: str) -> None:
    registry.status, registry.body = 200, document.encode()
    found = await RegistryIndex(clients).look_up("npm", "thing")
    assert found == PackageFacts(name="thing", releases=())


async def test_an_answer_without_end_is_cut_off(
    clients: Clients, registry: LocalRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registries, "MAX_BYTES", 1000)
    registry.status, registry.body = 200, b" " * 2000
    with pytest.raises(IndexUnreachable):
        await RegistryIndex(clients).look_up("npm", "thing")


async def test_a_registry_that_never_answers_is_unreachable_in_time(tmp_path: Path) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(IndexUnreachable):
        await RegistryIndex(programs(tmp_path, address, ""), seconds=1.0).look_up("npm", "thing")
    server.close()
    await server.wait_closed()


async def test_a_client_that_names_no_registry_or_is_not_there_is_unreachable(tmp_path: Path) -> None:
    for clients in (
        programs(tmp_path, "undefined", "--index-url file:///x"),
        Clients(node=tmp_path / "n", pnpm=tmp_path / "p", uv=tmp_path / "u"),
    ):
        for kind in ("npm", "pypi"):
            with pytest.raises(IndexUnreachable):
                await RegistryIndex(clients).look_up("npm" if kind == "npm" else "pypi", "thing")


async def test_a_private_index_is_asked_first_and_with_its_login(tmp_path: Path, registry: LocalRegistry) -> None:
    registry.pypi["thing"] = {"files": [simple_file("thing-1-py3-none-any.whl", DAY)]}
    lines = f"--index-url http://{registry.address}/public\n--extra-index-url http://me:p%40ss@{registry.address}/own"
    assert await RegistryIndex(programs(tmp_path, "", lines)).look_up("pypi", "thing") is not None
    assert [("/own/thing/", "Basic bWU6cEBzcw==")] == [(path, login) for path, _, login in registry.asked]


async def test_the_policy_decides_by_what_a_real_registry_says(clients: Clients, registry: LocalRegistry) -> None:
    at = days(400)
    old = {f"1.{n}.0": days(n) for n in range(6)}
    registry.npm["tinyworth"] = npm_document({**old, "1.9.0": at - timedelta(days=2)}, latest="1.9.0")
    policy = PackagePolicy(RegistryIndex(clients), clock=lambda: at)
    found = await policy.resolve("express", ["tinyworth", "never-heard-of"], {})
    assert {"tinyworth": "1.5.0"} == found.versions
    assert ["never-heard-of"] == list(found.refused)
