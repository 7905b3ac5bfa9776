"""A framework of four files: what generation needs of one, and nothing that runs."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from core.errors import InvalidInput
from core.files import FileTree
from core.frameworks.framework import Framework, Recipe, StartCommand, Toolchain
from core.words.plan import Feature, FieldType, FrameworkName, Plan, PlannedFile, Resource, ResourceField

SERVER = 'ROUTES = {"/healthz": 200}\n'
MIGRATION = "CREATE TABLE todos (id bigserial PRIMARY KEY, title text NOT NULL);\n"
ROUTES = "def todos():\n    return []\n"


class TinyFramework(Framework):
    name: FrameworkName = "fastapi"
    label = "Tiny"
    runtime = "Python"
    layer_folder = ".venv"
    manifest = "packages.json"

    def scaffold(self, features: Collection[Feature] = ()) -> FileTree:
        return FileTree(
            {
                "server.py": SERVER,
                "packages.json": '{"asyncpg": "0.32.0"}\n',
                "migrations/0001_init.sql": "SELECT 1;\n",
                "README.md": "# App\n",
            }
        )

    def owns(self, path: str) -> bool:
        return path == "server.py"

    def with_dependencies(self, tree: FileTree, dependencies: Mapping[str, str]) -> FileTree:
        merged = {**self.dependencies(tree), **dependencies}
        return tree.with_files({"packages.json": json.dumps(merged, sort_keys=True) + "\n"})

    def dependencies(self, tree: FileTree) -> Mapping[str, str]:
        try:
            wanted: Mapping[str, str] = json.loads(tree["packages.json"])
        except ValueError:
            raise InvalidInput("The file packages.json is not JSON; correct it.") from None
        if any(version.startswith("git") for version in wanted.values()):
            raise InvalidInput("A dependency is a git address; name a version instead.")
        return wanted

    def dependency_files(self, tree: FileTree) -> FileTree:
        return FileTree({"packages.json": tree["packages.json"]})

    def install(self, tools: Toolchain) -> Sequence[Recipe]:
        return ()

    def build(self, tree: FileTree, tools: Toolchain) -> Sequence[Recipe]:
        return ()

    def start(self, tree: FileTree, tools: Toolchain) -> StartCommand:
        return StartCommand(argv=["/bin/true"])


def tiny(name: FrameworkName) -> Framework:
    """The lookup that the pipeline and the models take."""
    return TinyFramework()


def todo_plan(**changes: object) -> Plan:
    """A plan for `FILES`."""
    plan = Plan(
        name="Todos",
        framework="fastapi",
        summary="Keeps todos.",
        resources=[
            Resource(name="todos", singular="todo", fields=[ResourceField(name="title", type=FieldType.TEXT, required=True)])
        ],
        files=[
            PlannedFile(path="migrations/0001_init.sql", purpose="the tables"),
            PlannedFile(path="app/routes.py", purpose="the routes"),
        ],
    )
    return plan.model_copy(update=changes)


FILES: Mapping[str, str] = {"migrations/0001_init.sql": MIGRATION, "app/routes.py": ROUTES}
