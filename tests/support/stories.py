"""Events as the engine tells them, for tests of what is made of them: cards, threads, the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from core.words import events as e
from core.words.cards import FileEntry, Step, StepState
from core.words.plan import FieldType, Plan, PlannedFile, Resource, ResourceField, Setting

START = datetime(2026, 11, 12, 14, 5, tzinfo=UTC)
DIGEST = "sha256:" + "ab12cd34" * 8
BUILD, APPROVAL, DEPLOYMENT = "b_0123456789bcdfgh", "ap_0123456789bcdfgh", "d_0123456789bcdfgh"

PLAN = Plan(
    name="Todo list",
    framework="fastapi",
    summary="Keeps todos with due dates and priorities. Overdue ones come first.",
    resources=[
        Resource(
            name="todos",
            singular="todo",
            fields=[
                ResourceField(name="title", type=FieldType.TEXT, required=True),
                ResourceField(name="due_date", type=FieldType.DATE),
                ResourceField(name="person", type=FieldType.REFERENCE, references="people"),
            ],
        ),
        Resource(name="people", singular="person", fields=[ResourceField(name="name", type=FieldType.TEXT)]),
    ],
    settings=[Setting(name="SMTP_URL", purpose="where reminders are sent from", required=True)],
    files=[
        PlannedFile(path="app/main.py", purpose="routes"),
        PlannedFile(path="app/models.py", purpose="what a todo is"),
        PlannedFile(path="migrations/001_todos.sql", purpose="tables"),
        PlannedFile(path="README.md", purpose="setup"),
    ],
    assumptions=["A todo belongs to at most one person.", "Priorities are low, normal and high."],
)
FILES = [
    FileEntry(path="app/main.py", size=4120, purpose="routes"),
    FileEntry(path="app/models.py", size=2210, purpose="what a todo is"),
    FileEntry(path="app/static/index.html", size=12840, purpose="the page"),
    FileEntry(path="migrations/001_todos.sql", size=412, purpose="tables"),
    FileEntry(path="README.md", size=1890, purpose="setup"),
]


def told(*facts: e.Fact, start: int = 1, app: str = "app_1") -> list[e.Event]:
    """The facts as recorded events, a second apart."""
    return [
        e.Event(id=start + n, app=app, seq=start + n, at=START + timedelta(seconds=n), fact=fact) for n, fact in enumerate(facts)
    ]


def step(name: str, state: StepState = StepState.DONE, detail: str = "", seconds: float | None = None) -> Step:
    return Step(name=name, state=state, detail=detail, seconds=seconds)


def requested(
    build: str = BUILD, *, number: int = 1, text: str = "a todo app with due dates", change: bool = False
) -> list[e.Fact]:
    purpose = "change" if change else "new"
    asked = e.BuildRequested(build=build, number=number, purpose=purpose, text=text, by="Ann", model="openai gpt-x")
    return [e.Said(by="Ann", text=text), asked]


def written(build: str = BUILD) -> list[e.Fact]:
    """Planned, and every file written."""
    return [
        e.BuildStep(build=build, step=step("plan", StepState.RUNNING)),
        e.BuildStep(build=build, step=step("plan", detail=PLAN.summary, seconds=0.4)),
        e.AppNamed(slug="todo-list", name="Todo list", framework="fastapi"),
        e.BuildPlanned(build=build, plan=PLAN),
        e.BuildStep(build=build, step=step("write", StepState.RUNNING)),
        *(e.FileWritten(build=build, path=file.path, size=file.size) for file in FILES),
        e.BuildStep(build=build, step=step("write", detail="5 files", seconds=6.2)),
    ]


def verified(build: str = BUILD) -> list[e.Fact]:
    return [
        e.BuildStep(build=build, step=step("install", StepState.RUNNING)),
        e.BuildStep(build=build, step=step("install", detail="14 packages, from the store", seconds=0.6)),
        e.BuildStep(build=build, step=step("build", detail="compile", seconds=0.3)),
        e.BuildStep(build=build, step=step("try", StepState.RUNNING, detail="starting")),
    ]


EVIDENCE = [
    step("install", detail="14 packages, from the store", seconds=0.6),
    step("build", detail="compile", seconds=0.3),
    step("start", detail="healthy after 0.8 s", seconds=0.8),
    step("database", detail="1 migration, 2 tables", seconds=0.2),
    step("todos", detail="made, read, changed and deleted one; wrong input is refused", seconds=0.1),
    step("page", detail="answers with HTML", seconds=0.05),
    step("picture", StepState.SKIPPED, detail="no browser is here"),
]


WIDE = e.PictureFact(digest="sha256:" + "a" * 64, width=1280, height=800)
NARROW = e.PictureFact(digest="sha256:" + "b" * 64, width=390, height=844)


def ready(build: str = BUILD, approval: str = APPROVAL, *, destructive: Sequence[str] = (), digest: str = DIGEST) -> list[e.Fact]:
    return [
        e.BuildStep(build=build, step=step("try", detail="5 checks", seconds=1.2)),
        e.BuildReady(
            build=build,
            artifact=digest,
            plan=PLAN,
            files=FILES,
            dependencies={"fastapi": "0.139.0", "asyncpg": "0.32.0", "uvicorn": "0.44.0"},
            evidence=EVIDENCE,
            isolation="namespaces",
            instructions="Set SMTP_URL, then deploy. Reminders are sent at eight.",
            input_tokens=3210,
            output_tokens=8100,
            cost_usd=0.134,
            destructive=list(destructive),
            picture=WIDE,
            phone=NARROW,
            seconds=9.4,
        ),
        e.ApprovalRequested(
            approval=approval, build=build, digest=digest, who="anyone here", deadline=START + timedelta(hours=72)
        ),
    ]


def deploying(build: str = BUILD, deployment: str = DEPLOYMENT, *, release: int = 1, approval: str = APPROVAL) -> list[e.Fact]:
    return [
        e.ApprovalEnded(approval=approval, build=build, outcome="approved", by="Ben"),
        e.DeploymentRequested(deployment=deployment, build=build, purpose="deploy", release=release, by="Ben"),
        e.DeploymentStep(deployment=deployment, step=step("database", detail="t_9f3c", seconds=0.2)),
        e.DeploymentStep(deployment=deployment, step=step("migrate", detail="1 applied, 0 before", seconds=0.1)),
        e.DeploymentStep(deployment=deployment, step=step("start", StepState.RUNNING)),
    ]


def live(deployment: str = DEPLOYMENT, *, release: int = 1) -> list[e.Fact]:
    return [
        e.DeploymentStep(deployment=deployment, step=step("start", detail="Python 3.11", seconds=0.1)),
        e.DeploymentLive(
            deployment=deployment,
            release=release,
            url="http://todo-list.localhost:8080",
            database=e.DatabaseFacts(
                tenant="tn_1", host="127.0.0.1", port=5433, name="t_9f3c", role="t_9f3c_app", size_limit_mb=512, connections=20
            ),
            hosting=e.HostingFacts(
                service="i_0123456789bcdfgh",
                runtime="Python 3.11",
                host="process",
                isolation="namespaces",
                memory_mb=512,
                cpus=1.0,
                domain="todo-list.localhost",
            ),
            settings=["SMTP_URL"],
            log_tail=["Started server process", "Listening", "GET /healthz 200"],
            seconds=1.4,
        ),
    ]


def failed(build: str = BUILD) -> list[e.Fact]:
    return [
        e.BuildFailed(
            build=build,
            stage="try",
            reason="The app ended while it started (exit code 1)",
            log_tail="Traceback (most recent call last):\n  File \"/app/app/main.py\", line 12\nKeyError: 'SMTP_URL'",
            evidence=[*EVIDENCE[:2], step("start", StepState.FAILED, detail="exit code 1")],
            files=FILES,
        )
    ]


def whole_life() -> list[e.Event]:
    """From the first words to the deletion, with everything in between."""
    second, third = "b_2222222222222222", "b_3333333333333333"
    return told(
        *requested(),
        e.BuildQueued(build=BUILD, ahead=2),
        *written(),
        e.BuildNote(build=BUILD, text="The model was asked again (try 2)."),
        *verified(),
        *ready(),
        *deploying(),
        *live(),
        *requested(second, number=2, text="drop the priorities", change=True),
        *ready(second, "ap_2", destructive=["ALTER TABLE todos DROP COLUMN priority"]),
        *requested(third, number=3, text="make it blue", change=True),
        e.ApprovalEnded(approval="ap_2", build=second, outcome="superseded"),
        *failed(third),
        e.AppCrashed(release=1, reason="It used more memory than it may", log_tail=["Killed"]),
        e.AppRecovered(release=1, url="http://todo-list.localhost:8080"),
        e.SettingsChanged(by="Ann", set=["SMTP_URL"], version=2),
        e.DeploymentRequested(deployment="d_2", build=BUILD, purpose="settings", release=2, by="Ann"),
        *live("d_2", release=2),
        e.DeploymentRequested(
            deployment="d_3", build=BUILD, purpose="rollback", release=3, by="Ann", from_release=1, with_data=True
        ),
        e.DeploymentFailed(deployment="d_3", stage="health", reason="It did not answer", log_tail="boom\nbang", still_live=2),
        e.AppStopped(by="Ann"),
        e.AppDeleted(by="Ann", snapshot="app_1-last.dump"),
    )
