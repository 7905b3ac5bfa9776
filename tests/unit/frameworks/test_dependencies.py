"""What the frameworks accept as dependencies, and what they hand to the installers."""

from __future__ import annotations

import json

import pytest

from core.errors import InvalidInput
from core.files import FileTree
from core.frameworks.express.framework import Express
from core.frameworks.registry import FRAMEWORKS, framework

FASTAPI, EXPRESS = FRAMEWORKS["fastapi"], FRAMEWORKS["express"]


def python(*lines: str) -> FileTree:
    return FileTree({"requirements.txt": "\n".join(lines) + "\n"})


def node(dependencies: object, **rest: object) -> FileTree:
    return FileTree({"package.json": json.dumps({"dependencies": dependencies, **rest})})


@pytest.mark.parametrize(
    "line",
    [
        "git+https://example.com/x.git",
        "x @ https://example.com/x.whl",
        "https://example.com/x.whl",
        "./local",
        "../local",
        "-e .",
        "-r other.txt",
        "--index-url https://example.com/simple",
        "--extra-index-url=https://example.com/simple",
        "-i https://example.com",
        "x==1.0 --hash=sha256:00",
        "x==1.0\\",
        "file:///etc/passwd",
        "x ==",
    ],
)
def test_a_requirement_that_is_no_name_and_version_is_refused(line: str) -> None:
    tree = python("fastapi==0.165.0", line)
    with pytest.raises(InvalidInput, match="not accepted"):
        FASTAPI.dependencies(tree)
    with pytest.raises(InvalidInput, match="not accepted"):
        FASTAPI.dependency_files(tree)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("x", "git+https://example.com/x.git"),
        ("x", "github:someone/x"),
        ("x", "someone/x"),
        ("x", "https://example.com/x.tgz"),
        ("x", "file:../x"),
        ("x", "link:../x"),
        ("x", "workspace:*"),
        ("x", "npm:y@1"),
        ("x", "catalog:"),
        ("x", 1),
        ("../x", "1.0.0"),
        ("X Y", "1.0.0"),
    ],
)
def test_a_node_dependency_that_is_no_name_and_version_is_refused(name: str, version: object) -> None:
    for call in (EXPRESS.dependencies, EXPRESS.dependency_files):
        with pytest.raises(InvalidInput, match="not accepted"):
            call(node({name: version}))


@pytest.mark.parametrize("text", ["[]", "{", '{"dependencies": ["x"]}', "[" * 100_000])
def test_a_package_json_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"package\.json"):
        EXPRESS.dependencies(FileTree({"package.json": text}))


def test_without_a_manifest_the_scaffolds_counts() -> None:
    for spec in FRAMEWORKS.values():
        assert spec.dependencies(FileTree()) == spec.dependencies(spec.scaffold())


def test_comments_extras_and_markers_of_requirements_are_read() -> None:
    tree = python("# web", "fastapi==0.165.0  # pinned", "", "uvicorn[standard]>=0.30,<1", 'tzdata; sys_platform == "win32"')
    assert FASTAPI.dependencies(tree) == {"fastapi": "0.165.0", "uvicorn": ">=0.30,<1", "tzdata": ""}


def test_the_scaffolds_own_set_is_installed_from_the_lock_with_hashes() -> None:
    (python_lock,) = FASTAPI.dependency_files(FASTAPI.scaffold()).values()
    assert "--hash=sha256:" in python_lock
    files = EXPRESS.dependency_files(EXPRESS.scaffold())
    assert set(files) == {"package.json", "pnpm-lock.yaml"}
    assert "tarball" not in files["pnpm-lock.yaml"]
    assert "://" not in python_lock + files["pnpm-lock.yaml"]


def test_what_an_app_adds_is_installed_beside_the_lock() -> None:
    tree = FASTAPI.with_dependencies(FASTAPI.scaffold(), {"python-slugify": "8.0.4", "Jinja2": ">=3.1"})
    assert FASTAPI.dependencies(tree)["python-slugify"] == "8.0.4"
    (lock,) = FASTAPI.dependency_files(tree).values()
    assert lock.endswith("python-slugify==8.0.4\nJinja2>=3.1\n")
    assert "--hash=sha256:" in lock


def test_another_version_of_the_scaffolds_own_leaves_the_lock_out() -> None:
    (lock,) = FASTAPI.dependency_files(python("fastapi==0.100.0")).values()
    assert lock == "fastapi==0.100.0\n"


def test_adding_a_dependency_twice_changes_its_version() -> None:
    tree = FASTAPI.with_dependencies(FASTAPI.with_dependencies(FASTAPI.scaffold(), {"Some_Thing": "1"}), {"some-thing": "2"})
    assert FASTAPI.dependencies(tree)["some-thing"] == "2"
    assert "Some_Thing" not in FASTAPI.dependencies(tree)
    grown = EXPRESS.with_dependencies(EXPRESS.with_dependencies(EXPRESS.scaffold(), {"dayjs": "1.0.0"}), {"dayjs": "1.1.0"})
    assert EXPRESS.dependencies(grown)["dayjs"] == "1.1.0"


def test_adding_nothing_changes_nothing() -> None:
    for spec in FRAMEWORKS.values():
        assert spec.with_dependencies(spec.scaffold(), {}) == spec.scaffold()


@pytest.mark.parametrize(("name", "version"), [("x y", "1"), ("x", "git+https://e"), ("x", "1 || 2; rm"), ("-r x", "1")])
def test_a_dependency_that_is_added_is_checked_too(name: str, version: str) -> None:
    for spec in FRAMEWORKS.values():
        with pytest.raises(InvalidInput, match="not accepted"):
            spec.with_dependencies(spec.scaffold(), {name: version})


def test_the_installer_sees_names_and_versions_and_nothing_else_of_package_json() -> None:
    hostile = node(
        {"express": "5.3.0"},
        scripts={"preinstall": "touch /tmp/owned", "prepare": "x"},
        pnpm={"overrides": {"express": "npm:evil@1"}},
        workspaces=["../*"],
        packageManager="pnpm@1.0.0",
        devDependencies={"x": "git+https://example.com/x"},
        bin={"x": "x.js"},
    )
    files = EXPRESS.dependency_files(hostile)
    assert json.loads(files["package.json"]) == {"name": "app", "private": True, "dependencies": {"express": "5.3.0"}}


def test_lock_files_and_tool_settings_belong_to_the_platform() -> None:
    assert all(EXPRESS.owns(path) for path in ("pnpm-lock.yaml", "package-lock.json", "pnpm-workspace.yaml"))
    assert all(FASTAPI.owns(path) for path in ("requirements.lock", "pyproject.toml", "uv.lock"))
    assert not EXPRESS.owns("server.js")
    assert not FASTAPI.owns("app/main.py")


@pytest.mark.parametrize("wanted", ["fastapi", "FastAPI", " EXPRESS ", "React"])
def test_a_framework_is_found_by_its_name_in_any_case(wanted: str) -> None:
    assert framework(wanted).name == wanted.strip().lower()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [("fastpi", "Did you mean fastapi?"), ("expres", "Did you mean express?"), ("cobol", "knows fastapi, express")],
)
def test_an_unknown_framework_is_answered_with_the_known_ones(wanted: str, said: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        framework(wanted)
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("files", "start"),
    [
        ({"server.js": ""}, "server.js"),
        ({"index.js": "", "package.json": "{}"}, "index.js"),
        ({"main/start.js": "", "server.js": "", "package.json": '{"main": "./main/start.js"}'}, "main/start.js"),
        ({"server.js": "", "package.json": '{"main": "../../etc/passwd"}'}, "server.js"),
        ({"src/index.js": "", "package.json": '{"main": 3}'}, "src/index.js"),
    ],
)
def test_any_usual_entry_file_of_a_node_app_is_found(files: dict[str, str], start: str) -> None:
    assert Express().entry(FileTree(files)) == start


def test_a_node_app_without_an_entry_file_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"Add server\.js"):
        Express().entry(FileTree({"package.json": "{}", "lib.js": ""}))
