"""The parts that several cards share: steps with plain names, logs, what a live release is made of, and the buttons."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from core.conversation.presenter.fold import BuildStory
from core.conversation.presenter.phrases import WALLS, count, listed
from core.conversation.presenter.questions import stop_question
from core.conversation.redaction import shown_line
from core.words.cards import Button, Confirm, Fact, Facts, FileEntry, Log, Step, StepState, Text
from core.words.events import DeploymentLive

SHOWN_LOG_LINES = 12
MAX_VALUE = 69  #: characters of a button's value


def step(raw: Step, names: Mapping[str, str]) -> Step:
    """A step as it is shown."""
    name = names.get(raw.name) or shown_line(raw.name, 60) or "Step"
    return Step(name=name, state=raw.state, detail=shown_line(raw.detail), seconds=raw.seconds)


def steps(done: Mapping[str, Step], names: Mapping[str, str], expected: Collection[str] = ()) -> list[Step]:
    """The steps in the order of ``names``, waiting where they are expected and nothing is known of them; then any others."""
    known = [done.get(name) or Step(name=name, state=StepState.WAITING) for name in names if name in done or name in expected]
    return [step(raw, names) for raw in [*known, *(raw for name, raw in done.items() if name not in names)]]


def log(lines: Sequence[str] | str, *, title: str = "", live_app: str = "", limit: int = SHOWN_LOG_LINES) -> list[Log]:
    """The last lines; nothing where there are none and none can come."""
    parts = lines.splitlines() if isinstance(lines, str) else list(lines)
    kept = [text for text in (shown_line_kept(part) for part in parts[-limit * 4 :]) if text.strip()][-limit:]
    return [Log(title=title, lines=kept, live_app=live_app)] if kept or live_app else []


def shown_line_kept(text: str) -> str:
    """A log line with its indentation."""
    indent = len(text) - len(text.lstrip(" \t"))
    return " " * min(indent, 20) + shown_line(text)


def url_fact(url: str, label: str = "Address") -> Fact:
    """A link where it is one that a browser opens, else words: what it holds is not under our control."""
    web = url.startswith(("http://", "https://")) and not any(c.isspace() for c in url)
    return Fact(label=label, value=shown_line(url), style="link" if web else "text")


def walls(isolation: str) -> str:
    """How strong the walls are, in words."""
    return WALLS.get(isolation) or shown_line(isolation, 160)


def live_parts(live: DeploymentLive) -> list[Facts | Text]:
    """Database, hosting and the names of the settings, of a release that is live."""
    parts: list[Facts | Text] = []
    database, hosting = live.database, live.hosting
    if database is not None:
        where = f"{database.host}:{database.port}" if database.port else database.host
        parts.append(
            Facts(
                facts=[
                    Fact(label="Database", value=shown_line(database.name), style="code"),
                    Fact(label="Database host", value=shown_line(where), style="code"),
                    Fact(label="Role", value=shown_line(database.role), style="code"),
                    Fact(label="Limits", value=f"{database.size_limit_mb:,} MB, {count(database.connections, 'connection')}"),
                ]
            )
        )
    else:
        parts.append(Facts(facts=[Fact(label="Database", value="none")]))
    cpus = f"{hosting.cpus:g}"
    parts.append(
        Facts(
            facts=[
                Fact(label="Service", value=shown_line(hosting.service), style="code"),
                Fact(label="Runtime", value=shown_line(hosting.runtime)),
                Fact(label="Host", value=shown_line(hosting.host)),
                Fact(label="Isolation", value=walls(hosting.isolation)),
                Fact(label="Resources", value=f"{hosting.memory_mb:,} MB memory, {cpus} CPU"),
                Fact(label="Domain", value=shown_line(hosting.domain), style="code"),
                Fact(label="Settings", value=listed([shown_line(name, 64) for name in live.settings]) or "none"),
            ]
        )
    )
    return [Facts(facts=[fact for fact in part.facts if fact.value]) if isinstance(part, Facts) else part for part in parts]


def button(
    action: str,
    value: str,
    label: str,
    *,
    style: str = "plain",
    confirm: Confirm | None = None,
) -> Button:
    """A button; a value that is too long is cut, so that a card is valid whatever an event holds."""
    return Button.model_validate(
        {"action": action, "value": value[:MAX_VALUE], "label": label, "style": style, "confirm": confirm}
    )


def stop_button(slug: str, title: str) -> Button:
    """Stop, which asks again."""
    return button("stop", slug, "Stop", confirm=stop_question(title))


def change_button(slug: str) -> Button:
    """Change…, which opens a form."""
    return button("change", slug, "Change…")


def short_digest(digest: str) -> str:
    """The algorithm and the first 12 hex digits: enough to tell artifacts apart, and a prefix of the whole."""
    return digest[:19]


def shown_file(file: FileEntry) -> FileEntry:
    """A file with texts that are fit to be shown."""
    return file.model_copy(update={"path": shown_line(file.path, 200), "purpose": shown_line(file.purpose, 160)})


def notes(build: BuildStory) -> list[Text]:
    """What is worth a line, while it was built."""
    return paragraph("\n".join(shown_line(note) for note in build.notes), style="muted")


def paragraph(text: str, style: str = "body") -> list[Text]:
    """A paragraph; none where there is nothing to say."""
    lines = "\n".join(line for line in text.splitlines() if line.strip())
    return [Text.model_validate({"text": lines, "style": style})] if lines else []
