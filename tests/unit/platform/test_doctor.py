"""The doctor: a finding for everything, and a remedy wherever something is missing."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import pytest
from pydantic import SecretStr
from rich.console import Console

from bot.doctor import Finding, Outcome, examine, print_findings
from bot.platform.data_folder import DataFolder
from bot.providers import Provider
from core.errors import MissingPart
from core.words.walls import Isolation

PROVIDER = Provider(name="openai", model="gpt-1", base_url="https://models.example:8443/v1", key=SecretStr("sk-secret"))


async def strong() -> tuple[Isolation, str]:
    return Isolation.NAMESPACES, ""


async def weak() -> tuple[Isolation, str]:
    return Isolation.USER, "bubblewrap does not work here"


async def none() -> tuple[Isolation, str]:
    raise MissingPart("No sandbox works here: run Nexus elsewhere.")


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


async def test_on_a_good_machine_all_is_well(data: DataFolder, free_port: int) -> None:
    findings = by_name(await examine(data=data.wanted, port=free_port, isolation=strong, providers=[PROVIDER]))

    assert {f.name for f in findings.values() if f.outcome is Outcome.FAIL} == set()
    assert {"python", "postgres", "caddy", "node", "uv", "pnpm", "sandbox", "data folder", "free disk", "port"} <= set(findings)
    assert findings["openai"].found == "the model gpt-1 at models.example:8443"


async def test_a_provider_is_named_with_its_model_and_host_and_never_with_its_key(data: DataFolder, free_port: int) -> None:
    own = Provider(name="compatible", model="", base_url="http://me:secret@127.0.0.1:11434/v1", key=None)
    findings = by_name(await examine(data=data.wanted, port=free_port, isolation=strong, providers=[PROVIDER, own]))

    assert findings["compatible"].found == "the first model that it names at 127.0.0.1:11434, without a key"
    assert "sk-secret" not in repr(findings)
    assert "models" not in findings


async def test_without_a_provider_the_doctor_says_who_writes_and_what_to_set(data: DataFolder, free_port: int) -> None:
    finding = by_name(await examine(data=data.wanted, port=free_port, isolation=strong, providers=[]))["models"]

    assert finding.outcome is Outcome.WARN
    assert "starter" in finding.found
    assert all(name in finding.remedy for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "COMPATIBLE_BASE_URL"))


async def test_chat_platforms_that_are_configured_are_asked_last(data: DataFolder, free_port: int) -> None:
    async def asked() -> list[Finding]:
        return [Finding(name="slack", outcome=Outcome.WARN, found="not reachable", remedy="Wait.")]

    findings = await examine(data=data.wanted, port=free_port, isolation=strong, providers=[PROVIDER], chats=asked)
    assert ("slack", Outcome.WARN) == (findings[-1].name, findings[-1].outcome)


async def test_whatever_is_not_well_has_a_remedy(data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10 * 2**20})())
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        findings = by_name(await examine(data=data.wanted, port=foreign.getsockname()[1], isolation=none))

    bad = {f.name for f in findings.values() if f.outcome is Outcome.FAIL}
    assert {"postgres", "caddy", "node", "sandbox", "free disk", "port"} <= bad
    assert findings["browser"].outcome is Outcome.WARN
    assert all(f.remedy for f in findings.values() if f.outcome is not Outcome.OK)


async def test_the_weaker_sandbox_is_a_warning_that_says_why(data: DataFolder, free_port: int) -> None:
    finding = by_name(await examine(data=data.wanted, port=free_port, isolation=weak))["sandbox"]

    assert finding.outcome is Outcome.WARN
    assert "bubblewrap does not work here" in finding.found


async def test_an_unusable_data_folder_does_not_end_the_examination(place: Path, free_port: int) -> None:
    (place / "thesis.txt").write_text("years of work")
    findings = by_name(await examine(data=place, port=free_port, isolation=strong))

    assert findings["data folder"].outcome is Outcome.FAIL
    assert "--data" in findings["data folder"].remedy
    assert findings["postgres"].outcome is Outcome.OK


async def test_a_running_nexus_is_no_taken_port(data: DataFolder) -> None:
    data.claim()
    with socket.create_server(("127.0.0.1", 0)) as own:
        port = own.getsockname()[1]
        data.publish(f"http://localhost:{port}")
        finding = by_name(await examine(data=data.wanted, port=port, isolation=strong))["port"]

    assert finding.outcome is Outcome.OK
    assert f"runs at http://localhost:{port}" in finding.found


@pytest.mark.parametrize(
    ("outcome", "well", "said"), [("ok", True, "Nexus can run."), ("fail", False, "1 of 1 must be put right")]
)
def test_the_table_shows_findings_and_remedies_as_they_are(outcome: str, well: bool, said: str) -> None:
    text = io.StringIO()
    finding = Finding(name="part", outcome=Outcome(outcome), found="found [red]x", remedy="do [this]")

    assert print_findings([finding], Console(file=text, width=100)) is well
    assert "found [red]x" in text.getvalue()
    assert "→ do [this]" in text.getvalue()
    assert said in text.getvalue()
