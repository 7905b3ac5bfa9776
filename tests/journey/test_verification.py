"""From a file tree to an artifact with evidence, with the real sandbox, host, Postgres, package managers and frameworks."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from core.files import FileTree
from core.frameworks.registry import FRAMEWORKS
from core.verification.untrusted import remove
from core.verification.verifier import Rejected, Verified
from core.words.cards import Step, StepState
from core.words.plan import FieldType, FrameworkName, Plan, Resource, ResourceField
from core.words.walls import Isolation
from tests.support.postgres import ThrowawayPostgres, throwaway_postgres
from tests.support.verification_house import House, build_house


@pytest.fixture(scope="module")
def postgres() -> Iterator[ThrowawayPostgres]:
    with throwaway_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Short, for the sake of sockets; other users may enter it, but not list it."""
    base = Path(tempfile.mkdtemp(prefix="nxv", dir="/tmp"))
    base.chmod(0o711)
    yield base / "data"
    remove(base)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(postgres: ThrowawayPostgres, folder: Path) -> AsyncIterator[House]:
    house = await build_house(folder, dsn=postgres.admin_dsn, sockets=postgres.socket_dir, port=postgres.port)
    yield house
    await house.tenants.close()


CUSTOMERS = Resource(
    name="customers", singular="customer", fields=[ResourceField(name="name", type=FieldType.TEXT, required=True)]
)
INVOICES = Resource.model_validate(
    {
        "name": "invoices",
        "singular": "invoice",
        "fields": [
            {"name": "number", "type": "integer", "required": True},
            {"name": "customer", "type": "reference", "references": "customers", "required": True},
            {"name": "note", "type": "long_text"},
            {"name": "rate", "type": "number"},
            {"name": "amount", "type": "money"},
            {"name": "paid", "type": "boolean"},
            {"name": "due", "type": "date"},
            {"name": "sent_at", "type": "datetime"},
            {"name": "email", "type": "email"},
            {"name": "link", "type": "url"},
            {"name": "state", "type": "choice", "choices": ["open", "closed"]},
        ],
    }
)
MIGRATION = """
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE invoices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number bigint NOT NULL,
    customer bigint NOT NULL REFERENCES customers (id), note text, rate numeric, amount numeric(14,2),
    paid boolean NOT NULL DEFAULT false, due date, sent_at timestamptz, email text, link text, state text,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()
);
"""
FASTAPI = """
from app.crud import crud
from app.fields import Date, Email, Flag, Line, LongText, Moment, Money, Number, Record, Reference, Url, Whole, one_of
from typing import Annotated


class Customer(Record):
    name: Line


class Invoice(Record):
    number: Whole
    customer: Reference
    note: LongText | None = None
    rate: Number | None = None
    amount: Money | None = None
    paid: Flag = False
    due: Date | None = None
    sent_at: Moment | None = None
    email: Email | None = None
    link: Url | None = None
    state: Annotated[Line, one_of("open", "closed")] | None = None


ROUTERS = [crud("customers", Customer, one="customer"), crud("invoices", Invoice, one="invoice")]
"""
EXPRESS = """
import { crud } from '../crud.js';
import * as f from '../fields.js';

export const resources = [
  crud({ table: 'customers', one: 'customer', fields: { name: f.line({ required: true }) } }),
  crud({ table: 'invoices', one: 'invoice', fields: {
    number: f.integer({ required: true }), customer: f.reference({ required: true }), note: f.longText(), rate: f.number(),
    amount: f.money(), paid: f.flag(), due: f.date(), sent_at: f.moment(), email: f.email(), link: f.url(),
    state: f.choice(['open', 'closed']),
  } }),
];
"""
NEXTJS = (
    EXPRESS.replace(".js'", "'")
    .replace("import { crud }", "import { crud, type Resource }")
    .replace("resources = [", "resources: Resource[] = [")
)
OWN = {
    "fastapi": ("app/resources/__init__.py", FASTAPI),
    "express": ("src/resources/index.js", EXPRESS),
    "react": ("server/resources/index.js", EXPRESS),
    "nextjs": ("lib/resources/index.ts", NEXTJS),
    "vue": ("server/resources/index.js", EXPRESS),
}


def app(name: FrameworkName) -> tuple[FileTree, Plan]:
    path, code = OWN[name]
    tree = FRAMEWORKS[name].scaffold().with_files({path: code, "migrations/0002_tables.sql": MIGRATION})
    plan = Plan(name="Invoices", framework=name, summary="Invoices.", resources=[INVOICES, CUSTOMERS])
    return tree, plan


def shown(result: Verified | Rejected) -> str:
    lines = [f"{step.state} {step.name}: {step.detail} ({step.seconds})" for step in result.evidence]
    return "\n".join([repr(result), *lines, getattr(result, "log_tail", "")])


@pytest.mark.parametrize("name", list(OWN))
async def test_an_app_is_verified_with_its_evidence_and_nothing_else_is_left(house: House, name: FrameworkName) -> None:
    tree, plan = app(name)
    progress: list[Step] = []
    result = await house.verifier.verify(tree, FRAMEWORKS[name], plan, progress.append)
    assert isinstance(result, Verified), shown(result)
    evidence = {step.name: step for step in result.evidence}
    if house.browser.why_not:
        assert evidence.pop("browser") == Step(name="browser", state=StepState.SKIPPED, detail=house.browser.why_not)
    else:
        assert re.fullmatch(r"opens without errors, \d+ requests", evidence["page"].detail)
        assert (result.wide is not None, result.narrow is not None) == (True, True)
    assert list(evidence) == ["install", "build", "database", "start", "page", "invoices", "customers"]
    assert {step.state for step in evidence.values()} == {StepState.DONE}
    assert re.fullmatch(r"\d+ packages, (installed|from the store)", evidence["install"].detail)
    assert evidence["database"].detail == "2 migrations, 2 tables; run again, nothing changed"
    assert evidence["invoices"].detail == "create, read, update, delete, bad input refused"
    assert [(s.name, s.state) for s in progress if s.state is not StepState.RUNNING] == [
        ("install", StepState.DONE),
        ("build", StepState.DONE),
        ("try", StepState.DONE),
    ]
    artifact = await house.store.open(result.artifact)
    assert artifact is not None
    assert (artifact.folder / "migrations" / "0002_tables.sql").read_text() == MIGRATION
    assert await house.leftovers() == []


@pytest.mark.parametrize("name", ["fastapi", "express", "react", "nextjs"])
async def test_the_second_time_installs_nothing_and_gives_the_same_artifact(house: House, name: FrameworkName) -> None:
    tree, plan = app(name)
    first = await house.verifier.verify(tree, FRAMEWORKS[name], plan, lambda step: None)
    second = await house.verifier.verify(tree, FRAMEWORKS[name], plan, lambda step: None)
    assert isinstance(first, Verified), shown(first)
    assert isinstance(second, Verified), shown(second)
    assert second.artifact == first.artifact
    assert second.evidence[0].detail.endswith("from the store")


async def test_two_at_once_end_with_one_artifact(house: House) -> None:
    tree, plan = app("express")
    tree = tree.with_files({"public/extra.txt": "at once"})
    results = await asyncio.gather(
        *(house.verifier.verify(tree, FRAMEWORKS["express"], plan, lambda step: None) for _ in range(2))
    )
    assert all(isinstance(result, Verified) for result in results), results
    assert len({result.artifact for result in results if isinstance(result, Verified)}) == 1
    assert await house.leftovers() == []


async def test_two_with_different_new_dependencies_at_once_are_both_installed(house: House) -> None:
    """As root, the package cache belongs to one sandbox user at a time."""
    spec = FRAMEWORKS["fastapi"]
    tree, plan = app("fastapi")
    trees = [spec.with_dependencies(tree, {package: "*"}) for package in ("toolz", "iniconfig")]
    results = await asyncio.gather(*(house.verifier.verify(one, spec, plan, lambda step: None) for one in trees))
    for result in results:
        assert isinstance(result, Verified), shown(result)
        assert result.evidence[0].detail == "5 packages, installed"


INDEX, MAIN = "src/resources/index.js", "app/resources/__init__.py"


@pytest.mark.parametrize(
    ("name", "path", "code", "stage", "said", "logged"),
    [
        ("express", INDEX, "export const resources = [;\n", "build", "does not build", "SyntaxError"),
        ("fastapi", MAIN, "ROUTERS = [\n", "build", "does not build", "SyntaxError"),
        ("fastapi", MAIN, "import nowhere\n\nROUTERS = []\n", "build", "does not build", "nowhere"),
        (
            "express",
            INDEX,
            "export const resources = [];\nthrow new Error('broken at birth');\n",
            "try",
            "ended by itself with code 1",
            "broken at birth",
        ),
        ("express", "migrations/0002_tables.sql", "CREATE TABLE x (y nonsense);\n", "try", "0002_tables.sql", "nonsense"),
        (
            "fastapi",
            MAIN,
            'import os\nos.path.lexists("static/passwd") or os.symlink("/etc/passwd", "static/passwd")\nROUTERS = []\n',
            "build",
            "'static/passwd' cannot be part of an app",
            "",
        ),
    ],
)
async def test_a_broken_app_is_rejected_with_its_reason_and_the_file(
    house: House, name: FrameworkName, path: str, code: str, stage: str, said: str, logged: str
) -> None:
    tree, plan = app(name)
    result = await house.verifier.verify(tree.with_files({path: code}), FRAMEWORKS[name], plan, lambda step: None)
    assert isinstance(result, Rejected), shown(result)
    assert (result.stage, result.evidence[-1].state) == (stage, StepState.FAILED), shown(result)
    assert said in result.reason, shown(result)
    assert logged in result.log_tail or logged in result.reason, shown(result)
    if logged:
        assert path in result.suspects, shown(result)
    assert str(house.store.root) not in repr(result)
    assert await house.leftovers() == []


PAGE = """<!doctype html><title>Page</title><p>Words</p><script type="module" src="app.js"></script>"""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("throw new Error('broken at the first look');", "opens with 1 error: Uncaught: Error: broken at the first look"),
        ("document.body.replaceChildren();", "is empty"),
        ("await fetch('/api/nothing');", "opens with 1 error: /api/nothing answered 404"),
    ],
)
async def test_a_page_that_answers_and_does_not_work_is_rejected_with_its_error(house: House, code: str, said: str) -> None:
    if house.browser.why_not:
        assert not os.environ.get("CI"), house.browser.why_not
        return
    tree, plan = app("express")
    broken = tree.with_files({"public/app.js": code, "public/index.html": PAGE})
    result = await house.verifier.verify(broken, FRAMEWORKS["express"], plan, lambda step: None)
    assert isinstance(result, Rejected), shown(result)
    assert (result.evidence[-1].name, result.evidence[-1].state, result.repairable) == ("page", StepState.FAILED, True)
    assert said in result.reason, shown(result)
    assert ("public/app.js" in result.suspects) == ("Uncaught" in said), shown(result)
    assert await house.leftovers() == []


@pytest.mark.parametrize("name", ["fastapi", "express", "nextjs"])
async def test_an_app_with_accounts_is_tried_behind_its_sign_in(house: House, name: FrameworkName) -> None:
    path, code = OWN[name]
    spec = FRAMEWORKS[name]
    tree = spec.scaffold(["authentication"]).with_files({path: code, "migrations/0002_tables.sql": MIGRATION})
    plan = app(name)[1].model_copy(update={"features": ["authentication"]})
    result = await house.verifier.verify(tree, spec, plan, lambda step: None)
    assert isinstance(result, Verified), shown(result)
    evidence = {step.name: step.detail for step in result.evidence if step.state is StepState.DONE}
    assert evidence["sign-in"] == "account made; 401 without it"
    assert evidence["invoices"] == "create, read, update, delete, bad input refused"
    assert await house.leftovers() == []


async def test_an_app_that_does_not_keep_its_promise_is_rejected(house: House) -> None:
    tree, plan = app("express")
    broken = EXPRESS.replace("note: f.longText()", "remark: f.longText()")
    result = await house.verifier.verify(tree.with_files({INDEX: broken}), FRAMEWORKS["express"], plan, lambda step: None)
    assert isinstance(result, Rejected), shown(result)
    assert (result.stage, result.evidence[-1].name) == ("try", "invoices")
    assert await house.leftovers() == []


async def test_the_password_of_the_scratch_database_is_in_no_log(house: House) -> None:
    tree, plan = app("express")
    code = "export const resources = [];\nconsole.log('URL', process.env.DATABASE_URL);\nthrow new Error('enough');\n"
    result = await house.verifier.verify(tree.with_files({INDEX: code}), FRAMEWORKS["express"], plan, lambda step: None)
    assert isinstance(result, Rejected), shown(result)
    assert "URL •••" in result.log_tail
    assert "postgresql://" not in repr(result)


NEVER_HEALTHY = "await new Promise((done) => setTimeout(done, 600_000)); export const resources = [];\n"


async def until_an_instance_runs(house: House) -> None:
    async with asyncio.timeout(60):
        while not await house.host.instances():  # noqa: ASYNC110 - another process may be the one that starts it
            await asyncio.sleep(0.02)


async def test_a_cancelled_try_out_leaves_nothing(house: House) -> None:
    tree, plan = app("express")
    broken = tree.with_files({INDEX: NEVER_HEALTHY})
    task = asyncio.create_task(house.verifier.verify(broken, FRAMEWORKS["express"], plan, lambda step: None))
    await until_an_instance_runs(house)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await house.leftovers() == []


async def test_what_a_killed_verification_left_is_swept_and_not_before(
    house: House, postgres: ThrowawayPostgres, folder: Path
) -> None:
    tree, _ = app("express")
    arguments = [str(folder), postgres.admin_dsn, str(postgres.socket_dir), str(postgres.port)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.verification_house", *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(dict(tree.with_files({INDEX: NEVER_HEALTHY}))).encode())
        process.stdin.close()
        await until_an_instance_runs(house)
        assert await house.verifier.sweep() == 0
        assert len(await house.tenants.databases()) == 1
    finally:
        process.kill()
        await process.wait()
    assert len(await house.host.instances()) == 1, "instances outlive whoever started them"
    assert await house.verifier.sweep() == 1
    assert await house.leftovers() == []


@pytest.mark.parametrize("name", ["fastapi", "express", "nextjs"])
async def test_where_no_namespaces_can_be_made_the_weaker_walls_serve(
    house: House, postgres: ThrowawayPostgres, folder: Path, name: FrameworkName
) -> None:
    weaker = await build_house(
        folder, dsn=postgres.admin_dsn, sockets=postgres.socket_dir, port=postgres.port, forced="restricted"
    )
    tree, plan = app(name)
    tree = FRAMEWORKS[name].with_dependencies(tree, {"typing-inspect" if name == "fastapi" else "nanoid": "*"})
    result = await weaker.verifier.verify(tree, FRAMEWORKS[name], plan, lambda step: None, own_code=True)
    assert isinstance(result, Verified), shown(result)
    assert result.evidence[0].detail.endswith("installed")
    assert result.isolation is (Isolation.USER if os.geteuid() == 0 else Isolation.PROCESS)
    assert await weaker.leftovers() == []
    await weaker.tenants.close()
