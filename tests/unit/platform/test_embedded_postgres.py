"""The embedded Postgres, for real: quick, locked, brought back, adopted, and gone without a trace."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bot.platform import parts
from bot.platform.child import ChildFailed
from bot.platform.data_folder import DataFolder
from bot.platform.postgres import LEDGER, EmbeddedPostgres
from core.errors import DataFolderError, DiskFull, OperatorError

Eventually = Callable[..., Awaitable[None]]

ABANDON = """
import asyncio, pathlib, sys
from bot.platform import parts
from bot.platform.data_folder import DataFolder
from bot.platform.postgres import EmbeddedPostgres
async def main():
    data = DataFolder.open(pathlib.Path(sys.argv[1]))
    await EmbeddedPostgres(data, bin=parts.postgres().path.parent).start()
    print("ready", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture(scope="session")
async def template() -> AsyncIterator[Path]:
    """A data folder with a cluster that has been started and stopped once: making one is the slow part."""
    place = Path(tempfile.mkdtemp(prefix="nexus-t-"))
    place.chmod(0o711)
    data = DataFolder.open(place / "d")
    postgres = EmbeddedPostgres(data, bin=parts.postgres().path.parent)
    await postgres.start()
    await postgres.stop()
    yield data.root
    shutil.rmtree(place)


@pytest.fixture
def used(template: Path, place: Path) -> Iterator[DataFolder]:
    """A copy of it."""
    subprocess.run(["cp", "-a", template, place / "d"], check=True)
    data = DataFolder.open(place / "d")
    yield data
    data.remove()


async def ask(postgres: EmbeddedPostgres, query: str, database: str = LEDGER) -> object:
    connection = await asyncpg.connect(postgres.dsn(database).get_secret_value())
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_it_starts_serves_and_leaves_no_process(
    data: DataFolder, bin_folder: Path, processes_of: Callable[[Path], list[psutil.Process]]
) -> None:
    postgres = EmbeddedPostgres(data, bin=bin_folder)
    adopted = await postgres.start()
    try:
        assert not adopted
        assert await ask(postgres, "SELECT current_user || current_setting('fsync')") == "nexuson"
        assert await ask(postgres, "SELECT lower('ÄÖ') || current_setting('server_encoding')") == "äöUTF8"
        assert processes_of(data.root)
    finally:
        await postgres.stop()
    assert processes_of(data.root) == []
    assert postgres.pid is None


async def test_data_port_and_password_are_there_again_after_a_stop(used: DataFolder, bin_folder: Path) -> None:
    first = EmbeddedPostgres(used, bin=bin_folder)
    await first.start()
    await ask(first, "CREATE TABLE kept AS SELECT 42 AS answer")
    await first.stop()
    second = EmbeddedPostgres(used, bin=bin_folder)
    await second.start()
    try:
        assert await ask(second, "SELECT answer FROM kept") == 42
        assert second.dsn() == first.dsn()
    finally:
        await second.stop()


async def test_another_port_is_taken_when_somebody_has_ours(used: DataFolder, bin_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        port = foreign.getsockname()[1]
        (used.run / "postgres.port").write_text(f"{port}\n")
        postgres = EmbeddedPostgres(used, bin=bin_folder)
        await postgres.start()
        try:
            assert postgres.port != port
        finally:
            await postgres.stop()


async def test_nobody_gets_in_without_a_password_or_from_public(used: DataFolder, bin_folder: Path) -> None:
    postgres = EmbeddedPostgres(used, bin=bin_folder)
    await postgres.start()
    try:
        for host in (str(postgres.socket_dir), "127.0.0.1"):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(host=host, port=postgres.port, user="nexus", database="nexus", password="guess")
        await ask(postgres, "CREATE ROLE guest LOGIN PASSWORD 'guest'")
        for database in ("postgres", "template1", LEDGER):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await asyncpg.connect(host="127.0.0.1", port=postgres.port, user="guest", password="guest", database=database)
    finally:
        await postgres.stop()


async def test_sqlalchemy_reaches_it_over_the_socket(used: DataFolder, bin_folder: Path) -> None:
    postgres = EmbeddedPostgres(used, bin=bin_folder)
    await postgres.start()
    try:
        engine = create_async_engine(postgres.dsn(driver="postgresql+asyncpg").get_secret_value())
        async with engine.connect() as connection:
            assert await connection.scalar(text("SELECT inet_server_addr() IS NULL"))
        await engine.dispose()
    finally:
        await postgres.stop()


async def test_its_files_belong_to_nobody_else_and_root_runs_nothing(used: DataFolder, bin_folder: Path) -> None:
    postgres = EmbeddedPostgres(used, bin=bin_folder)
    await postgres.start()
    try:
        process = psutil.Process(postgres.pid or 0)
        assert process.uids().effective == postgres.uid
        assert postgres.uid != 0
        assert stat.S_IMODE((used.root / "postgres").stat().st_mode) == 0o700
        # As its own user: in a container root may not look into other users' processes.
        look = ["cat", f"/proc/{process.pid}/environ"]
        its = {} if os.geteuid() else {"user": postgres.uid, "group": process.gids().effective, "extra_groups": []}
        environment = (await asyncio.to_thread(subprocess.run, look, **its, stdout=subprocess.PIPE, check=True)).stdout
        assert b"PATH=" in environment
        assert b"NEXUS_MARK" not in environment
        assert list((used.root / "postgres").glob(".password")) == []
    finally:
        await postgres.stop()


async def test_it_comes_back_when_it_is_killed_and_loses_nothing(
    used: DataFolder, bin_folder: Path, eventually: Eventually
) -> None:
    postgres = EmbeddedPostgres(used, bin=bin_folder)
    await postgres.start()
    try:
        await ask(postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
        before = postgres.dsn()
        os.kill(postgres.pid or 0, signal.SIGKILL)
        await eventually(lambda: postgres.restarts == 1)
        assert await ask(postgres, "SELECT answer FROM kept") == 42
        assert postgres.dsn() == before
    finally:
        await postgres.stop()


async def test_it_survives_a_killed_nexus_and_is_adopted(
    used: DataFolder,
    bin_folder: Path,
    killed: Callable[[str, str], None],
    processes_of: Callable[[Path], list[psutil.Process]],
) -> None:
    await asyncio.to_thread(killed, ABANDON, str(used.wanted))
    assert processes_of(used.root)
    postgres = EmbeddedPostgres(used, bin=bin_folder)
    adopted = await postgres.start()
    try:
        assert adopted
        assert await ask(postgres, "SELECT 1") == 1
    finally:
        await postgres.stop()
    assert processes_of(used.root) == []


async def test_a_survivor_without_a_pid_file_is_replaced(
    used: DataFolder,
    bin_folder: Path,
    killed: Callable[[str, str], None],
    processes_of: Callable[[Path], list[psutil.Process]],
) -> None:
    await asyncio.to_thread(killed, ABANDON, str(used.wanted))
    (used.run / "postgres.pid").unlink()
    postgres = EmbeddedPostgres(used, bin=bin_folder)
    adopted = await postgres.start()
    try:
        assert not adopted
        assert await ask(postgres, "SELECT 1") == 1
    finally:
        await postgres.stop()
    assert processes_of(used.root) == []


async def test_a_stale_pid_file_with_the_number_of_a_living_process_does_not_stop_it(used: DataFolder, bin_folder: Path) -> None:
    first = EmbeddedPostgres(used, bin=bin_folder)
    await first.start()
    await first.stop()
    stale = used.root / "postgres" / "data" / "postmaster.pid"
    stale.write_text(f"{os.getppid()}\n{used.root}/postgres/data\n1\n1\n\n\n")
    second = EmbeddedPostgres(used, bin=bin_folder)
    await second.start()
    try:
        assert await ask(second, "SELECT 1") == 1
    finally:
        await second.stop()


async def test_a_half_made_cluster_is_made_anew(data: DataFolder, bin_folder: Path) -> None:
    half = data.root / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    postgres = EmbeddedPostgres(data, bin=bin_folder)
    await postgres.start()
    try:
        assert await ask(postgres, "SELECT 1") == 1
        assert not half.exists()
    finally:
        await postgres.stop()


async def test_databases_of_another_major_version_are_left_alone(data: DataFolder, bin_folder: Path) -> None:
    cluster = data.root / "postgres" / "data"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("17\n")

    with pytest.raises(DataFolderError, match="written by Postgres 17"):
        await EmbeddedPostgres(data, bin=bin_folder).start()


async def test_a_broken_cluster_fails_with_postgress_words(used: DataFolder, bin_folder: Path) -> None:
    first = EmbeddedPostgres(used, bin=bin_folder)
    await first.start()
    await first.stop()
    (used.root / "postgres" / "data" / "global" / "pg_control").unlink()

    with pytest.raises(ChildFailed, match=r"ended at once.*postgres\.log") as caught:
        await EmbeddedPostgres(used, bin=bin_folder).start()
    assert "pg_control" in caught.value.log_tail


async def test_a_full_disk_is_said_before_anything_is_made(
    data: DataFolder, bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10 * 2**20})())

    with pytest.raises(DiskFull, match="10 MB are free"):
        await EmbeddedPostgres(data, bin=bin_folder).start()
    assert not (data.root / "postgres" / "data").exists()


def test_a_user_without_a_name_is_told_what_to_do(data: DataFolder, bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 2**31 - 7)

    with pytest.raises(OperatorError, match="POSTGRES_URL"):
        EmbeddedPostgres(data, bin=bin_folder)
