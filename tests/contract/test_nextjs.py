"""What is special about Next.js, for real: its builds, its pages that ask the database, and its proxy, which guards the API."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest

from core.frameworks.framework import Framework, Toolchain
from core.frameworks.registry import FRAMEWORKS
from tests.contract.running_app import built, database, migrations, run, started
from tests.contract.test_frameworks import FAULTY
from tests.support.postgres import ThrowawayPostgres
from tests.unit.models.starter.writing import written

nextjs = pytest.mark.parametrize("framework", [pytest.param(FRAMEWORKS["nextjs"], id="nextjs")], indirect=True, scope="session")


def contents(folder: Path) -> dict[str, bytes]:
    """Path to content, or to a link's target; without the link to the packages."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in (*files, *folders):
            path = Path(parent) / name
            if path.is_symlink():
                found[str(path.relative_to(folder))] = b"-> " + os.fsencode(path.readlink())
            elif path.is_file():
                found[str(path.relative_to(folder))] = path.read_bytes()
    del found["node_modules"]
    return found


@nextjs
def test_the_same_files_give_the_same_bytes_in_another_folder_and_none_of_them_tells_where(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, tmp_path: Path
) -> None:
    tree = framework.scaffold()
    one = contents(built(framework, tree, tools, folder, layer))
    other = tmp_path / "another" / "place"
    tree.write_to(other)
    (other / framework.layer_folder).symlink_to(layer)
    run(framework.build(tree, tools), other, folder)
    two = contents(other)
    assert [path for path in one.keys() | two.keys() if one.get(path) != two.get(path)] == []
    for path, content in two.items():
        assert not any(os.fsencode(place) in content for place in (folder, tmp_path, tools.launchers)), path
    assert set(tree) <= set(one), "the build took a file of the app away"
    assert not [path for path in one if re.search(r"\.next/(cache|trace|types|diagnostics)|\.nft\.json$", path)]


@nextjs
async def test_an_error_in_the_log_names_the_file_of_the_app_and_its_line(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> None:
    path, code = FAULTY["nextjs"]
    tree = framework.scaffold().with_files({path: code})
    async with started(framework, tree, tools, folder, layer, await database(postgres, {})) as app:
        assert (await app.call("GET", "/api/file"))[0] == 500
        line = next(number for number, text in enumerate(code.splitlines(), 1) if "json(await get())" in text)
        async with asyncio.timeout(5):
            while f"{path}:{line}:" not in app.log.read_text():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.01)


@nextjs
async def test_a_page_that_asks_the_database_is_rendered_when_it_is_asked_for(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> None:
    """Nothing is there while the app is built; and nothing may be written while it runs."""
    page = (
        "import { query } from '@/lib/db';\n\nexport default async function Page() {\n"
        "  const { rows } = await query<{ name: string }>('SELECT current_database() AS name');\n"
        '  return <p className="text-muted p-4">{rows[0]?.name}</p>;\n}\n'
    )
    tree = framework.scaffold().with_files({"app/report/page.tsx": page})
    url = await database(postgres, {})
    async with started(framework, tree, tools, folder, layer, url) as app:
        artifact = built(framework, tree, tools, folder, layer)
        before = contents(artifact)
        status, html = await app.call("GET", "/report")
        assert (status, url.rsplit("@/", 1)[1].split("?")[0] in html) == (200, True)
        styles = [style for path, style in before.items() if path.endswith(".css") and path.startswith(".next/")]
        assert any(b".text-muted" in style for style in styles), "Tailwind knows the look's colours"
        assert (await app.call("GET", "/nothing"))[0] == 404
        assert contents(artifact) == before


@nextjs
async def test_no_spelling_of_an_address_and_no_header_leads_around_the_guard(
    framework: Framework, tools: Toolchain, folder: Path, layer: Path, postgres: ThrowawayPostgres
) -> None:
    _, tree = await written("todos, with login", framework.name)
    url = await database(postgres, migrations(tree))
    build = (built(framework, tree, tools, folder, layer) / ".next" / "BUILD_ID").read_text()
    async with started(framework, tree, tools, folder, layer, url) as app:
        for path in (
            *("/api/todos", "/%61pi/todos", "/api/%74odos", "/api%2ftodos", "/x/../api/todos", "/API/todos", "/api/todos.rsc"),
            *(
                "/api/auth/../todos",
                "/api/auth%2fme/../../api/todos",
                "/api/todos%00",
                "/api/%ff",
                f"/_next/data/{build}/api/todos.json",
            ),
        ):
            status, body = await _raw(app.socket, path)
            assert (status, b"problem+json" in body) == (401, True), path
        for header in (
            "RSC: 1",
            "x-nextjs-data: 1",
            "x-invoke-path: /healthz",
            "x-matched-path: /healthz",
            "x-middleware-subrequest: proxy:proxy:proxy:proxy:proxy",
            "x-middleware-subrequest: middleware:middleware:middleware:middleware:middleware",
        ):
            assert (await _raw(app.socket, "/api/todos", header))[0] == 401, header


async def _raw(socket: Path, path: str, header: str = "accept: */*") -> tuple[int, bytes]:
    """Status and answer to a path that no client tidies up."""
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(f"GET {path} HTTP/1.1\r\nhost: app\r\nconnection: close\r\n{header}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split()[1]), answer
