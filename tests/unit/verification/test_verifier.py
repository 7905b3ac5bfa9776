"""The verifier over fakes: stages, rejections, masks, and nothing left whatever happens."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import DiskFull, InvalidInput, MissingPart, NotHealthy, TemporaryError
from core.files import FileTree
from core.frameworks.framework import Framework, Recipe, StartCommand, Toolchain
from core.hosting.fake_host import FakeHost, Machine
from core.hosting.host import Instance, InstanceSpec
from core.ids import AppId, InstanceId
from core.tenants.credentials import fresh_tenant
from core.tenants.fake_tenants import FakeTenants
from core.tenants.tenants import Migration, MigrationReport, Tenant
from core.verification.artifacts import ArtifactStore
from core.verification.browser import Cookie, NotSeen, Seen, Sight
from core.verification.fake_browser import PNG, FakeBrowser
from core.verification.fake_prober import FakeProber, answer
from core.verification.fake_sandbox import FakeSandbox
from core.verification.prober import ProbeAnswer
from core.verification.sandbox import Command, Ending, Outcome
from core.verification.tryout import Timing
from core.verification.verifier import Rejected, Verified, Verifier
from core.words.cards import Step, StepState
from core.words.plan import Feature, FieldType, FrameworkName, Plan, Resource, ResourceField, Setting
from core.words.walls import Isolation, Limits, Network

TODOS = Resource(name="todos", singular="todo", fields=[ResourceField(name="title", type=FieldType.TEXT, required=True)])
PLAN = Plan(name="Todos", framework="fastapi", summary="Todos.", resources=[TODOS])
TREE = FileTree(
    {
        "main.py": "print(1)\n",
        "deps.json": '["left"]',
        "migrations/0001_todos.sql": "CREATE TABLE todos (id bigserial PRIMARY KEY);\n",
    }
)


class Paper(Framework):
    """Installs and builds by what the fake sandbox's script writes."""

    name: FrameworkName = "fastapi"
    features: frozenset[Feature] = frozenset({"search", "authentication"})
    label = "Paper"
    runtime = "Paper 1"
    layer_folder = ".venv"
    manifest = "deps.json"

    def scaffold(self) -> FileTree:
        return TREE

    def owns(self, path: str) -> bool:
        return False

    def with_dependencies(self, tree: FileTree, dependencies: Mapping[str, str]) -> FileTree:
        return tree

    def dependencies(self, tree: FileTree) -> Mapping[str, str]:
        return dict.fromkeys(json.loads(tree["deps.json"]), "1.0.0")

    def dependency_files(self, tree: FileTree) -> FileTree:
        return FileTree({"deps.json": tree["deps.json"]})

    def install(self, tools: Toolchain) -> Sequence[Recipe]:
        return [Recipe(name="fetch", argv=["/install"], network=Network.REGISTRIES, limits=Limits(seconds=9, memory_mb=77))]

    def build(self, tree: FileTree, tools: Toolchain) -> Sequence[Recipe]:
        return [Recipe(name="compile", argv=["/build"], env={"MODE": "strict"})]

    def start(self, tree: FileTree, tools: Toolchain) -> StartCommand:
        return StartCommand(argv=["/start"], env={"NODE_ENV": "production"})


def well(output: str = "", code: int = 0, ending: Ending = Ending.EXITED) -> Outcome:
    return Outcome(ending=ending, exit_code=code, output=output, seconds=0.01)


@dataclass
class Stage:
    """Everything around a verifier, and what a test wants to happen."""

    root: Path
    install: Outcome | None = field(default_factory=well)
    build: Outcome | None = field(default_factory=well)
    isolation: Isolation = Isolation.NAMESPACES
    machine: Machine = field(default_factory=Machine)
    tenants: FakeTenants = field(default_factory=FakeTenants)
    prober: FakeProber = field(default_factory=lambda: FakeProber([TODOS]))
    browser: FakeBrowser = field(default_factory=FakeBrowser)
    host: FakeHost | None = None
    allow_unconfined: bool = False
    brings: frozenset[Feature] = Paper.features
    progress: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = ArtifactStore(self.root)
        self.sandbox = FakeSandbox(self.script, isolation=self.isolation)
        self.host = self.host or FakeHost(self.machine, isolation=self.isolation)
        tool = Path(sys.executable)
        self.verifier = Verifier(
            store=self.store,
            sandbox=self.sandbox,
            host=self.host,
            tenants=self.tenants,
            prober=self.prober,
            toolchain=Toolchain(
                python=tool,
                uv=tool,
                uv_cache=Path("/cache/uv"),
                node=tool,
                pnpm=tool,
                pnpm_store=Path("/cache/pnpm"),
                launchers=Path("/launchers"),
            ),
            platform_api_url="http://localhost:8080",
            browser=self.browser,
            allow_unconfined=self.allow_unconfined,
            timing=Timing(healthy=0.5, answer=0.5, pause=0.001),
        )

    def script(self, command: Command) -> Outcome | None:
        if list(command.argv) == ["/install"]:
            (command.workdir / ".venv").mkdir()
            return self.install
        (command.workdir / "main.pyc").write_text("compiled")
        return self.build

    async def verify(self, tree: FileTree = TREE, plan: Plan | None = PLAN, *, own_code: bool = False) -> Verified | Rejected:
        paper = Paper()
        paper.features = self.brings
        return await self.verifier.verify(tree, paper, plan, self.progress.append, own_code=own_code)

    async def rejected(self, tree: FileTree = TREE, plan: Plan | None = PLAN) -> Rejected:
        result = await self.verify(tree, plan)
        assert isinstance(result, Rejected), result
        await self.nothing_is_left()
        return result

    async def verified(self, tree: FileTree = TREE, plan: Plan | None = PLAN) -> Verified:
        result = await self.verify(tree, plan)
        assert isinstance(result, Verified), result
        await self.nothing_is_left()
        return result

    async def nothing_is_left(self) -> None:
        assert self.machine.kept == {}
        assert self.browser.open == 0
        assert await self.tenants.databases() == []
        assert [p.name for folder in ("work", "claims") for p in (self.root / folder).glob("*")] == []


@pytest.fixture
def stage(root: Path) -> Stage:
    return Stage(root)


async def test_a_good_app_is_verified_with_short_true_evidence(stage: Stage) -> None:
    result = await stage.verified()
    assert [(s.name, s.state, s.detail) for s in result.evidence if s.name != "start"] == [
        ("install", StepState.DONE, "1 package, installed"),
        ("build", StepState.DONE, "compile"),
        ("database", StepState.DONE, "1 migration, 1 table; run again, nothing changed"),
        ("page", StepState.DONE, "opens without errors, 3 requests"),
        ("todos", StepState.DONE, "create, read, update, delete, bad input refused"),
    ]
    assert result.isolation is Isolation.NAMESPACES
    artifact = await stage.store.open(result.artifact)
    assert artifact is not None
    assert (artifact.folder / "main.pyc").read_text() == "compiled"


async def test_the_picture_of_the_first_page_comes_with_the_artifact(stage: Stage) -> None:
    result = await stage.verified()
    assert result.wide is not None
    assert (result.wide.content, result.wide.media_type, result.wide.width, result.wide.height) == (PNG, "image/png", 1280, 800)


async def test_the_page_is_photographed_with_rows_in_it_and_after_the_checks(stage: Stage) -> None:
    await stage.verified()
    assert stage.prober.asked.count(("POST", "/api/todos")) == 3 + 3, "two that are refused and one, then three for the picture"
    assert stage.prober.asked[-4:] == [*[("POST", "/api/todos")] * 3, ("GET", "/healthz")]


@pytest.mark.parametrize(
    ("sight", "reason", "logged"),
    [
        (
            Sight(path="/", errors=["Uncaught: ReferenceError: todos is not defined at /main.py:3:1"], error_count=2),
            "The page / opens with 2 errors: Uncaught: ReferenceError: todos is not defined at /main.py:3:1.",
            "todos is not defined at main.py:3:1",
        ),
        (Sight(path="/", empty=True), "The page / is empty.", ""),
        (Sight(path="/", trouble="was not loaded after 8 s"), "The page / was not loaded after 8 s.", ""),
        (
            Sight(path="/", empty=True, elsewhere=["https://cdn.example.com/a.js", "https://cdn.example.com/b.js"]),
            "The page / is empty.",
            "not reached here: cdn.example.com. Whatever a page needs, the app must serve.",
        ),
    ],
)
async def test_a_page_that_does_not_open_as_it_should_is_rejected_and_can_be_mended(
    root: Path, sight: Sight, reason: str, logged: str
) -> None:
    result = await Stage(root, browser=FakeBrowser(lambda visit: Seen(sights=[sight]))).rejected()
    assert (result.reason, result.repairable) == (reason, True)
    assert logged in result.log_tail
    assert (result.evidence[-1].name, result.evidence[-1].state) == ("page", StepState.FAILED)
    assert ("main.py" in result.suspects) == ("main.py" in reason)


async def test_what_a_page_wants_elsewhere_and_how_it_fits_a_phone_is_said(root: Path) -> None:
    sight = Sight(path="/", requests=1, elsewhere=["https://fonts.example.com/a.woff2"], fits_phone=False)
    result = await Stage(root, browser=FakeBrowser(lambda visit: Seen(sights=[sight]))).verified()
    (page,) = [step for step in result.evidence if step.name == "page"]
    assert page.detail == "opens without errors, 1 request; wider than a phone; not tried: fonts.example.com"


async def test_without_a_browser_the_page_is_asked_for_and_the_evidence_says_so(root: Path) -> None:
    result = await Stage(root, browser=FakeBrowser(why_not="no browser on this machine")).verified()
    assert [(s.name, s.state, s.detail) for s in result.evidence if s.name in ("page", "browser")] == [
        ("page", StepState.DONE, "answers with HTML"),
        ("browser", StepState.SKIPPED, "no browser on this machine"),
    ]
    assert result.wide is None


async def test_a_browser_that_fails_is_not_the_apps_fault(root: Path) -> None:
    browser = FakeBrowser(lambda visit: NotSeen(why="the browser does not start"))
    result = await Stage(root, browser=browser).verified()
    assert ("browser", "the browser does not start") in [(s.name, s.detail) for s in result.evidence]


async def test_a_page_that_brings_the_browser_down_is_the_apps_fault(root: Path) -> None:
    def down(visit: object) -> Seen:
        raise NotHealthy("The page needed more than 1024 MB of memory in a browser.")

    result = await Stage(root, browser=FakeBrowser(down)).rejected()
    assert "1024 MB" in result.reason
    assert result.evidence[-1].name == "page"


async def test_the_pages_of_the_plan_are_opened_too_but_those_with_parameters(root: Path) -> None:
    pages = ["/reports: totals", "/todos/:id: one", "/api/x: no", "/", "/#/todos: the list", "about: no", "", "/about"]

    def html(method: str, path: str, json: Any) -> ProbeAnswer | None:
        return ProbeAnswer(status=200, headers={"content-type": "text/html"}) if path in ("/reports", "/about") else None

    stage = Stage(root, prober=FakeProber([TODOS], override=html))
    result = await stage.verified(plan=PLAN.model_copy(update={"pages": pages}))
    assert [list(visit.paths) for visit in stage.browser.visits] == [["/", "/reports", "/about"]]
    assert [s.name for s in result.evidence][4:7] == ["page", "/reports", "/about"]


async def test_a_promised_page_that_is_not_there_is_rejected(root: Path) -> None:
    result = await Stage(root).rejected(plan=PLAN.model_copy(update={"pages": ["/reports: totals"]}))
    assert result.reason == "GET /reports answered 404 instead of 200."
    assert result.evidence[-1].name == "/reports"


ACCOUNTS = PLAN.model_copy(update={"features": ["authentication", "search"]})


async def test_an_app_with_accounts_is_tried_as_somebody_who_has_one(root: Path) -> None:
    stage = Stage(root, prober=FakeProber([TODOS], authentication=True))
    result = await stage.verified(plan=ACCOUNTS)
    assert [(s.name, s.detail) for s in result.evidence][4:] == [
        ("sign-in", "account made; 401 without it"),
        ("page", "opens without errors, 3 requests"),
        ("todos", "create, read, update, delete, bad input refused"),
        ("search", "a word finds its row, nonsense does not: todos"),
    ]
    (visit,) = stage.browser.visits
    assert visit.cookies == [Cookie(name="session", value="of the one who registered")]
    assert visit.forgiven == [401]


async def test_an_app_that_is_open_without_an_account_is_rejected(root: Path) -> None:
    result = await Stage(root).rejected(plan=ACCOUNTS)
    assert result.reason == "GET /api/todos answered 200 without an account instead of 401."
    assert result.evidence[-1].name == "sign-in"


async def test_an_app_in_which_nobody_can_register_is_rejected(root: Path) -> None:
    def closed(method: str, path: str, json: Any) -> ProbeAnswer | None:
        return answer(403, {"detail": "closed"}) if path == "/api/auth/register" else None

    stage = Stage(root, prober=FakeProber([TODOS], authentication=True, override=closed))
    result = await stage.rejected(plan=ACCOUNTS)
    assert result.reason == "POST /api/auth/register answered 403 instead of 201."


async def test_accounts_that_the_app_brings_itself_are_left_alone_and_that_is_said(root: Path) -> None:
    def own(method: str, path: str, json: Any) -> ProbeAnswer | None:
        return answer(401 if path != "/api/auth/register" else 404, {}) if path.startswith("/api/") else None

    stage = Stage(root, prober=FakeProber([TODOS], override=own), brings=frozenset())
    result = await stage.verified(plan=ACCOUNTS)
    names = {step.name: step for step in result.evidence}
    assert names["sign-in"].state is StepState.SKIPPED
    assert "not tried" in names["sign-in"].detail
    assert "todos" not in names


async def test_a_setting_that_works_by_being_left_out_is_not_made_up(root: Path) -> None:
    settings = [Setting(name="REGISTRATION", required=True), Setting(name="GREETING", required=True)]
    result = await Stage(root).verified(plan=PLAN.model_copy(update={"settings": settings}))
    (line,) = [step.detail for step in result.evidence if step.name == "settings"]
    assert line == "made-up values for GREETING"


async def test_progress_tells_each_stage_as_it_begins_and_ends(stage: Stage) -> None:
    await stage.verified()
    told = [(s.name, s.state) for s in stage.progress]
    assert told[0] == ("install", StepState.RUNNING)
    assert [one for one in told if one[1] is StepState.DONE] == [(n, StepState.DONE) for n in ("install", "build", "try")]
    assert [s.detail for s in stage.progress if s.name == "try"] == [
        "",
        "database",
        "start",
        "page",
        "todos",
        "browser",
        "4 checks",
    ]


async def test_install_sees_the_dependency_files_alone_and_build_has_no_network(stage: Stage) -> None:
    seen: list[tuple[list[str], Network, list[str]]] = []
    script = stage.script

    def spy(command: Command) -> Outcome | None:
        seen.append(([*command.argv], command.network, sorted(p.name for p in command.workdir.iterdir())))
        return script(command)

    stage.sandbox._script = spy
    await stage.verified()
    assert seen == [
        (["/install"], Network.REGISTRIES, ["deps.json"]),
        (["/build"], Network.NONE, [".venv", "deps.json", "main.py", "migrations"]),
    ]
    build = stage.sandbox.commands[1]
    assert build.env["MODE"] == "strict"
    (mount,) = build.mounts
    assert not mount.writable
    assert str(mount.source) == mount.target


async def test_the_instance_gets_its_artifact_its_database_and_nothing_more(stage: Stage) -> None:
    await stage.verified()
    (spec,) = stage.machine.started
    assert spec.env.keys() == {"NODE_ENV", "DATABASE_URL", "PLATFORM_API_URL"}
    assert spec.folder.parent == stage.store.root / "artifacts"
    assert [mount.writable for mount in spec.mounts] == [False]


async def test_what_was_installed_once_is_not_installed_again(stage: Stage) -> None:
    await stage.verified()
    result = await stage.verified(TREE.with_files({"main.py": "print(2)\n"}))
    assert result.evidence[0].detail == "1 package, from the store"
    assert stage.sandbox.ran() == ["/install", "/build", "/build"]


async def test_many_at_once_install_once_and_end_with_one_artifact(stage: Stage) -> None:
    results = await asyncio.gather(*(stage.verify() for _ in range(6)))
    assert len({result.artifact for result in results if isinstance(result, Verified)}) == 1
    assert all(isinstance(result, Verified) for result in results)
    assert stage.sandbox.ran().count("/install") == 1
    assert len(list((stage.root / "artifacts").iterdir())) == 1
    await stage.nothing_is_left()


async def test_installs_of_one_framework_take_turns_because_they_share_a_cache(stage: Stage) -> None:
    overlapping: list[int] = []
    script = stage.script

    def spy(command: Command) -> Outcome | None:
        overlapping.append(sum(list(other.argv) == ["/install"] for other in stage.sandbox.running))
        return script(command)

    stage.sandbox._script = spy
    trees = [TREE.with_files({"deps.json": json.dumps([f"package-{n}"])}) for n in range(4)]
    results = await asyncio.gather(*(stage.verify(tree) for tree in trees))
    assert all(isinstance(result, Verified) for result in results)
    assert max(overlapping) == 1


async def test_other_dependencies_are_another_layer_and_another_artifact(stage: Stage) -> None:
    first = await stage.verified()
    second = await stage.verified(TREE.with_files({"deps.json": '["left", "right"]'}))
    assert first.artifact != second.artifact
    assert len(list((stage.root / "layers").iterdir())) == 2


async def test_a_failed_install_says_so_and_keeps_no_layer(root: Path) -> None:
    stage = Stage(root, install=well("\x1b[31merror: no such package 'leftt'", 1))
    result = await stage.rejected()
    assert (result.stage, result.log_tail, result.repairable) == ("install", "error: no such package 'leftt'", True)
    assert result.reason == "Its dependencies could not be installed: the step 'fetch' ended with code 1."
    assert [(s.name, s.state) for s in result.evidence] == [("install", StepState.FAILED)]
    assert list((root / "layers").iterdir()) == []


async def test_an_unreachable_registry_is_not_the_apps_fault(root: Path) -> None:
    result = await Stage(root, install=well("request failed: getaddrinfo EAI_AGAIN registry", 1)).rejected()
    assert not result.repairable
    assert result.reason.startswith("The package registry cannot be reached")


async def test_a_failed_build_names_the_files_in_question(stage: Stage) -> None:
    log = "SyntaxError in /app/main.py line 1\nsee {work}/migrations/0001_todos.sql"

    def script(command: Command) -> Outcome | None:
        return well(log.format(work=command.workdir), 1) if list(command.argv) == ["/build"] else stage.install

    stage.sandbox._script = script
    result = await stage.rejected()
    assert (result.stage, result.suspects) == ("build", ["main.py", "migrations/0001_todos.sql"])
    assert result.log_tail == "SyntaxError in /app/main.py line 1\nsee /app/migrations/0001_todos.sql"
    assert [(s.name, s.state) for s in result.evidence] == [("install", StepState.DONE), ("build", StepState.FAILED)]
    assert list((stage.root / "artifacts").iterdir()) == []


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (well(ending=Ending.OUT_OF_MEMORY, code=137), "needed more than 1024 MB of memory"),
        (well(ending=Ending.SIGNALLED, code=139), "was ended by a signal"),
        (None, "took longer than 120 s"),
    ],
)
async def test_limits_are_told_in_words(root: Path, outcome: Outcome | None, said: str) -> None:
    assert said in (await Stage(root, build=outcome).rejected()).reason


async def test_a_hostile_build_is_rejected(stage: Stage) -> None:
    def script(command: Command) -> Outcome | None:
        if list(command.argv) == ["/build"]:
            (command.workdir / "config").symlink_to("/etc/passwd")
        return well()

    stage.sandbox._script = script
    result = await stage.rejected()
    assert result.stage == "build"
    assert "'config' cannot be part of an app" in result.reason


async def test_a_migration_that_fails_is_a_rejection_with_its_file(stage: Stage) -> None:
    result = await stage.rejected(TREE.with_files({"migrations/0002_bad.sql": "CRATE TABLE x ();\n"}))
    assert (result.stage, result.suspects) == ("try", ["migrations/0002_bad.sql"])
    assert result.evidence[-1].name == "database"
    assert result.evidence[-1].state is StepState.FAILED


async def test_a_migration_that_runs_twice_is_a_rejection(root: Path) -> None:
    class Forgetful(FakeTenants):
        async def migrate(self, tenant: Tenant, migrations: Sequence[Migration]) -> MigrationReport:
            return MigrationReport(applied=["0001_todos.sql"], already=[])

    result = await Stage(root, tenants=Forgetful()).rejected()
    assert result.reason == "The migration '0001_todos.sql' ran a second time."


async def test_an_app_that_ends_by_itself_is_told_at_once_with_its_log(root: Path) -> None:
    machine = Machine()

    class Crashing(FakeHost):
        async def start(self, spec: InstanceSpec) -> Instance:
            instance = await super().start(spec)
            password = spec.env["DATABASE_URL"].split(":")[2].split("@")[0]
            machine.prints(spec.instance, f"connecting to {spec.env['DATABASE_URL']}", f"with {password}", "boom in main.py")
            machine.ends(spec.instance, exit_code=3)
            return instance

    prober = FakeProber([TODOS])
    prober.silent = True
    result = await Stage(root, machine=machine, host=Crashing(machine), prober=prober).rejected()
    assert result.reason == "The app ended by itself with code 3 while it was tried."
    assert result.log_tail == "connecting to •••\nwith •••\nboom in main.py"
    assert (result.stage, result.suspects) == ("try", ["main.py"])


async def test_an_app_that_runs_out_of_memory_is_told(root: Path) -> None:
    machine = Machine()

    class Hungry(FakeHost):
        async def start(self, spec: InstanceSpec) -> Instance:
            instance = await super().start(spec)
            machine.ends(spec.instance, exit_code=137, out_of_memory=True)
            return instance

    prober = FakeProber()
    prober.silent = True
    result = await Stage(root, machine=machine, host=Hungry(machine), prober=prober).rejected()
    assert "more memory" in result.reason


async def test_an_app_that_never_gets_healthy_is_given_up(root: Path) -> None:
    prober = FakeProber(override=lambda method, path, json: answer(503, {"detail": "no database"}))
    result = await Stage(root, prober=prober).rejected()
    assert result.reason == "The app was not healthy within 0 s: GET /healthz answered 503."


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (answer(200, {}), "GET / did not answer with an HTML page."),
        (answer(404, {}), "GET / answered 404 instead of 200."),
        (ProbeAnswer(status=302, headers={"location": "https://example.com/"}), "GET / answered 302 instead of 200."),
        (ProbeAnswer(status=302, headers={"location": "/"}), "GET / answered 302 instead of 200."),
    ],
)
async def test_a_page_that_is_none_is_told(root: Path, page: ProbeAnswer, said: str) -> None:
    prober = FakeProber([TODOS], override=lambda method, path, json: page if path == "/" else None)
    result = await Stage(root, prober=prober).rejected()
    assert (result.reason, result.evidence[-1].name) == (said, "page")


async def test_a_page_may_redirect_within_the_app(root: Path) -> None:
    moved = ProbeAnswer(status=302, headers={"location": "/home"})
    home = ProbeAnswer(status=200, headers={"content-type": "text/html"})
    prober = FakeProber([TODOS], override=lambda method, path, json: {"/": moved, "/home": home}.get(path))
    result = await Stage(root, prober=prober).verified()
    assert "page" in [one.name for one in result.evidence]


async def test_an_app_that_breaks_under_use_is_told(root: Path) -> None:
    used: list[str] = []

    def override(method: str, path: str, json: Any) -> ProbeAnswer | None:
        used.append(method)
        return answer(500, {}) if path == "/healthz" and "DELETE" in used else None

    result = await Stage(root, prober=FakeProber([TODOS], override=override)).rejected()
    assert result.reason == "After it was used, GET /healthz answered 500."


async def test_checks_that_cannot_be_made_are_skipped_with_the_reason(stage: Stage) -> None:
    result = await stage.verified(plan=None)
    assert result.evidence[-1] == Step(name="resources", state=StepState.SKIPPED, detail="no plan says what the app keeps")


async def test_an_app_without_a_database_gets_none(stage: Stage) -> None:
    plan = PLAN.model_copy(update={"requires_database": False, "resources": []})
    result = await stage.verified(TREE.with_files({"migrations/0001_todos.sql": None}), plan)
    assert Step(name="database", state=StepState.SKIPPED, detail="the app uses none") in result.evidence
    assert "DATABASE_URL" not in stage.machine.started[0].env


async def test_required_settings_are_made_up_and_the_evidence_says_so(stage: Stage) -> None:
    settings = [Setting(name="STRIPE_KEY", required=True), Setting(name="HOOK_URL", required=True), Setting(name="OTHER")]
    result = await stage.verified(plan=PLAN.model_copy(update={"settings": settings}))
    env = stage.machine.started[0].env
    assert (env["STRIPE_KEY"], env["HOOK_URL"], "OTHER" in env) == ("example", "https://example.com/", False)
    assert Step(name="settings", state=StepState.SKIPPED, detail="made-up values for STRIPE_KEY, HOOK_URL") in result.evidence


async def test_foreign_code_does_not_run_without_walls(root: Path) -> None:
    stage = Stage(root, isolation=Isolation.PROCESS)
    result = await stage.rejected()
    assert "NEXUS_ALLOW_UNCONFINED" in result.reason
    assert not result.repairable
    assert (stage.sandbox.commands, stage.machine.started) == ([], [])


async def test_our_own_code_runs_without_walls_and_foreign_code_where_it_is_allowed(root: Path) -> None:
    stage = Stage(root, isolation=Isolation.PROCESS)
    assert isinstance(await stage.verify(own_code=True), Verified)
    allowed = await Stage(root, isolation=Isolation.PROCESS, allow_unconfined=True).verified()
    assert allowed.isolation is Isolation.PROCESS


async def test_the_weaker_of_sandbox_and_host_counts(root: Path) -> None:
    stage = Stage(root, host=FakeHost(isolation=Isolation.PROCESS))
    result = await stage.verify()
    assert isinstance(result, Rejected)
    assert "NEXUS_ALLOW_UNCONFINED" in result.reason


async def test_a_broken_dependency_file_is_a_rejection(stage: Stage) -> None:
    class Picky(Paper):
        def dependencies(self, tree: FileTree) -> Mapping[str, str]:
            raise InvalidInput("The dependency 'git+ssh://x' is not accepted.")

    result = await stage.verifier.verify(TREE, Picky(), PLAN, stage.progress.append)
    assert isinstance(result, Rejected)
    assert (result.stage, result.reason) == ("install", "The dependency 'git+ssh://x' is not accepted.")


@pytest.mark.parametrize("error", [MissingPart, DiskFull, TemporaryError])
async def test_what_is_nobodys_verdict_is_raised_and_leaves_nothing(stage: Stage, error: type[Exception]) -> None:
    def script(command: Command) -> Outcome | None:
        raise error

    stage.sandbox._script = script
    with pytest.raises(error):
        await stage.verify()
    await stage.nothing_is_left()


async def test_a_full_disk_is_not_blamed_on_the_app(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(command: Command) -> Outcome | None:
        monkeypatch.setattr(stage.store, "_min_free", 1 << 60)
        return well("cannot write", 1)

    stage.sandbox._script = script
    with pytest.raises(DiskFull):
        await stage.verify()
    await stage.nothing_is_left()


async def test_an_unreachable_postgres_is_tried_again_later(root: Path) -> None:
    class Gone(FakeTenants):
        async def create(self, tenant: Tenant) -> None:
            raise TemporaryError

    with pytest.raises(TemporaryError):
        await Stage(root, tenants=Gone()).verify()


class Holding:
    """Lets a test stop a verification in the middle of one thing."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def here(self) -> None:
        self.reached.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize("where", ["install", "build", "database", "start", "try"])
async def test_a_cancelled_verification_leaves_nothing(root: Path, where: str) -> None:
    holding = Holding()

    class Tenants(FakeTenants):
        async def create(self, tenant: Tenant) -> None:
            await super().create(tenant)
            if where == "database":
                await holding.here()

    machine = Machine()

    class Host(FakeHost):
        async def start(self, spec: InstanceSpec) -> Instance:
            instance = await super().start(spec)
            if where == "start":
                await holding.here()
            return instance

    class Prober(FakeProber):
        async def request(self, *args: Any, **kwargs: Any) -> ProbeAnswer:
            if where == "try":
                await holding.here()
            return await super().request(*args, **kwargs)

    class Sandbox(FakeSandbox):
        async def run(self, command: Command, *, on_output: Any = None) -> Outcome:
            if list(command.argv) == [f"/{where}"]:
                await holding.here()
            return await super().run(command, on_output=on_output)

    stage = Stage(root, machine=machine, host=Host(machine), tenants=Tenants(), prober=Prober([TODOS]))
    stage.verifier._sandbox = Sandbox(stage.script)
    task = asyncio.create_task(stage.verify())
    await holding.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await stage.nothing_is_left()


async def test_a_second_cancellation_does_not_stop_the_clearing_away(root: Path) -> None:
    stopping, go_on = asyncio.Event(), asyncio.Event()
    machine = Machine()

    class Slow(FakeHost):
        async def stop(self, instance: InstanceId, *, grace_seconds: float = 5.0) -> None:
            stopping.set()
            await go_on.wait()
            await super().stop(instance)

    stage = Stage(root, machine=machine, host=Slow(machine))
    task = asyncio.create_task(stage.verify())
    await stopping.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await stage.nothing_is_left()


async def test_what_could_not_be_cleared_away_is_swept_later(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Stubborn(FakeTenants):
        broken = True

        async def drop(self, tenant: Tenant) -> None:
            if self.broken:
                raise TemporaryError
            await super().drop(tenant)

    tenants = Stubborn()
    stage = Stage(root, tenants=tenants)
    assert isinstance(await stage.verify(), Verified)
    assert "will be tried again" in caplog.text
    assert len(await tenants.databases()) == 1
    with pytest.raises(TemporaryError):
        await stage.verifier.sweep()
    tenants.broken = False
    assert await stage.verifier.sweep(live=await tenants.databases()) == 0
    assert await stage.verifier.sweep() == 1
    await stage.nothing_is_left()


async def test_sweeping_clears_what_a_killed_process_left_and_spares_the_living(root: Path) -> None:
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from core.verification.claims import Claims
        names = {"tenant": "t_dead", "database": "t_dead", "app_role": "t_dead_app", "migrator_role": "t_dead_mig"}
        claim = Claims(Path(sys.argv[1])).claim("try_dead", names)
        print("claimed", flush=True)
        sys.stdin.read()
        """
    )
    stage = Stage(root)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, str(root / "claims")), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"claimed\n"
    assert stage.host is not None
    for name in ("try_dead", "in_live"):
        await stage.host.start(InstanceSpec(instance=InstanceId(name), app=AppId("a"), folder=root, argv=["/start"]))
    for name in ("t_dead", "t_live"):
        tenant = fresh_tenant()
        await stage.tenants.create(replace(tenant, database=name))
    assert await stage.verifier.sweep() == 0, "its owner is alive"
    process.kill()
    await process.wait()
    assert await stage.verifier.sweep() == 1
    assert list(stage.machine.kept) == ["in_live"]
    assert await stage.tenants.databases() == ["t_live"]


async def test_an_old_try_out_that_nobody_claims_is_swept_and_a_young_one_is_not(root: Path) -> None:
    stage = Stage(root)
    assert stage.host is not None
    for name in ("try_young", "try_old", "try_listed"):
        await stage.host.start(InstanceSpec(instance=InstanceId(name), app=AppId("a"), folder=root, argv=["/start"]))
    for name in ("try_old", "try_listed"):
        kept = stage.machine.kept[InstanceId(name)]
        old = datetime.now(UTC) - timedelta(hours=1)
        object.__setattr__(kept.instance, "started_at", old)
    assert await stage.verifier.sweep(live={"try_listed"}) == 1
    assert list(stage.machine.kept) == ["try_young", "try_listed"]
