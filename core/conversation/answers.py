"""The cards that one person gets as an answer: a list, an app, a log, files, settings, a database. Pure.

Called by the dialogue. They are private to whoever asked; the one with a password in it is made here and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.conversation.grammar import VERBS
from core.conversation.presenter.parts import button, log, shown_file, stop_button, url_fact
from core.conversation.presenter.phrases import count, dollars, moment
from core.conversation.redaction import plain, shown, shown_line
from core.words.cards import Button, Card, Child, Fact, Facts, Files, Link, Log, Table, Text, Tone
from core.words.events import DatabaseFacts
from core.words.views import (
    AppState,
    AppView,
    BuildView,
    ReleaseView,
    RevealedDatabase,
    SubscriptionView,
    WorkspaceSettings,
    WorkspaceUsage,
)

MAX_FILE_CHARS = 100_000  #: of a file; what a message does not hold, chats attach
SHOWN_RELEASES = 10

_TONES = {
    AppState.BUILDING: Tone.WORKING,
    AppState.DEPLOYING: Tone.WORKING,
    AppState.REVIEW: Tone.WAITING,
    AppState.FAILED: Tone.BAD,
    AppState.LIVE: Tone.GOOD,
    AppState.STOPPED: Tone.QUIET,
    AppState.CRASHED: Tone.BAD,
    AppState.DELETED: Tone.QUIET,
}


def apps_card(apps: Sequence[AppView]) -> Card:
    """The apps."""
    if not apps:
        return _card("Apps", [Text(text="There are no apps yet. Say what you need: build a todo app with due dates")])
    rows = [
        [app.slug, app.state.value, f"v{app.release}" if app.release else "–", shown_line(app.url) or "–", moment(app.updated_at)]
        for app in apps
    ]
    return _card(
        count(len(apps), "app").capitalize(), [Table(columns=["App", "State", "Release", "Address", "Changed"], rows=rows)]
    )


def app_card(app: AppView, releases: Sequence[ReleaseView], build: BuildView | None) -> Card:
    """One app."""
    facts = [url_fact(app.url)] if app.url else []
    facts += [
        Fact(label="Name", value=app.slug, style="code"),
        Fact(label="Framework", value=app.framework or "not chosen yet"),
        Fact(label="Owner", value=shown_line(app.owner, 80) or "–"),
        Fact(label="Made", value=moment(app.created_at)),
    ]
    children: list[Child] = [Facts(facts=facts)]
    if build is not None:
        why = f": {shown_line(build.reason)}" if build.reason else ""
        children.append(Text(text=f"Newest build: number {build.number}, {build.state.value}{why}", style="muted"))
    if releases:
        rows = [
            [
                f"v{r.number}",
                "live" if r.live else "kept" if r.kept else "gone",
                "yes" if r.has_data else "no",
                shown_line(r.summary, 80),
                shown_line(r.by, 40),
                moment(r.at),
            ]
            for r in releases[:SHOWN_RELEASES]
        ]
        children.append(Table(columns=["Release", "State", "Data kept", "What was asked for", "By", "When"], rows=rows))
    return Card(
        kind="notice",
        title=shown_line(app.name, 80) or app.slug,
        tone=_TONES[app.state],
        status=app.state.value.capitalize(),
        children=children,
        actions=_app_actions(app, len(releases) > 1),
    )


def _app_actions(app: AppView, has_earlier: bool) -> list[Button | Link]:
    slug = app.slug
    delete = button("delete", slug, "Delete…", style="danger")
    rollback = [button("rollback", slug, "Rollback…")] if has_earlier else []
    settings = button("settings", slug, "Settings")
    match app.state:
        case AppState.LIVE | AppState.CRASHED:
            link = url_fact(app.url)
            opened = [Link(label="Open", url=app.url, style="primary")] if link.style == "link" else []
            actions: list[Button | Link] = [*opened, button("logs", slug, "Logs"), settings, *rollback]
            return [*actions, button("restart", slug, "Restart"), stop_button(slug, shown_line(app.name, 60) or slug), delete]
        case AppState.STOPPED:
            return [button("start", slug, "Start", style="primary"), settings, *rollback, delete]
        case AppState.REVIEW:
            return [button("deploy", slug, "Approve & deploy", style="primary"), settings, delete]
        case AppState.DELETED:
            return []
        case AppState.BUILDING | AppState.DEPLOYING | AppState.FAILED:
            return [settings, delete]


def logs_card(slug: str, lines: Sequence[str], *, follow: bool) -> Card:
    """What it printed."""
    parts = log(lines, live_app=slug if follow else "", limit=max(len(lines), 1))
    return _card(f"Log of {slug}", parts or [Text(text="It has printed nothing yet.")])


def files_card(build: BuildView) -> Card:
    """The files of a build."""
    if not build.files:
        return _card(f"Files of {build.slug}", [Text(text=f"Build {build.number} has no files yet.")])
    card = _card(f"Files of {build.slug}", [Files(build=build.build, files=[shown_file(file) for file in build.files])])
    download = [Link(label="Download .zip", url=f"/builds/{build.build}.zip", action="zip", value=build.build)]
    return card.model_copy(update={"subtitle": f"Build {build.number}, {count(len(build.files), 'file')}", "actions": download})


def file_card(build: BuildView, path: str, content: str) -> Card:
    """The text of one file, as it is."""
    text = plain(content)
    parts: list[Child] = [Text(text=text[:MAX_FILE_CHARS] if text.strip() else "(empty)", style="code")]
    if len(text) > MAX_FILE_CHARS:
        left = len(text) - MAX_FILE_CHARS
        parts.append(Text(text=f"{count(left, 'more character')}; the whole file is in the .zip.", style="muted"))
    return _card(shown_line(path, 90), parts).model_copy(update={"subtitle": f"{build.slug}, build {build.number}"})


def setup_card(build: BuildView) -> Card:
    """How it is set up: the instructions, and the settings that it reads."""
    parts: list[Child] = [Text(text=words)] if (words := shown(build.instructions, 6000).strip()) else []
    wanted = build.plan.settings if build.plan is not None else []
    if wanted:
        rows = [[s.name, shown_line(s.purpose, 160), "yes" if s.required else "no"] for s in wanted]
        parts.append(Table(columns=["Setting", "What it is for", "Needed"], rows=rows))
    else:
        parts.append(Text(text="It needs no settings of its own.", style="muted"))
    card = _card(f"Setup of {build.slug}", parts)
    return card.model_copy(update={"subtitle": f"Build {build.number}", "actions": [button("settings", build.slug, "Settings")]})


def subscriptions_card(found: Sequence[SubscriptionView], channels: Mapping[str, str]) -> Card:
    """Which channels are told of what; ``channels`` says what they are called, where that is known."""
    if not found:
        return _card("Notifications", [Text(text="No channel is told of anything yet. Type notify in one to begin.")])
    rows = [
        [
            shown_line(channels.get(s.channel, s.channel), 80),
            s.app or "every app",
            ", ".join(s.kinds),
            s.by,
            shown_line(s.trouble),
        ]
        for s in found
    ]
    columns = ["Channel", "App", "News", "By", "Trouble"]
    if not any(s.trouble for s in found):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return _card("Notifications", [Table(columns=columns, rows=rows)])


def env_card(slug: str, version: int, names: Sequence[str], needed: Mapping[str, str]) -> Card:
    """The names of the settings."""
    rows = [
        [name, "set" if name in names else "not set", shown_line(needed.get(name, ""), 160)] for name in sorted({*names, *needed})
    ]
    parts: list[Child] = [Table(columns=["Setting", "State", "What it is for"], rows=rows)] if rows else []
    parts = parts or [Text(text="It has no settings.")]
    card = _card(f"Settings of {slug}", [*parts, Text(text="Values are kept encrypted and are not shown.", style="muted")])
    subtitle = f"Version {version}" if version else ""
    return card.model_copy(update={"subtitle": subtitle, "actions": [button("settings", slug, "Settings")]})


def database_card(slug: str, facts: DatabaseFacts | None) -> Card:
    """The database, without its password."""
    if facts is None:
        return _card(f"Database of {slug}", [Text(text="It has no database: it needs none, or it was never deployed.")])
    shown_facts = [
        Fact(label="Name", value=shown_line(facts.name), style="code"),
        Fact(label="Host", value=shown_line(f"{facts.host}:{facts.port}" if facts.port else facts.host), style="code"),
        Fact(label="Role", value=shown_line(facts.role), style="code"),
        Fact(label="Size limit", value=f"{facts.size_limit_mb:,} MB"),
        Fact(label="Connections", value=f"at most {facts.connections}"),
    ]
    card = _card(f"Database of {slug}", [Facts(facts=[fact for fact in shown_facts if fact.value])])
    return card.model_copy(update={"actions": [button("reveal", slug, "Reveal")]})


def revealed_card(slug: str, revealed: RevealedDatabase) -> Card:
    """How to reach the database, password and all. For the one who asked."""
    return _card(
        f"Database of {slug}",
        [
            Facts(
                facts=[
                    Fact(label="From this machine", value=revealed.url.get_secret_value(), style="code"),
                    Fact(label="What the app sees", value=revealed.app_url.get_secret_value(), style="code"),
                ]
            ),
            Text(text="Only you see this. The password is in it; keep it to yourself.", style="muted"),
        ],
    )


def workspace_facts(usage: WorkspaceUsage, settings: WorkspaceSettings) -> list[Fact]:
    """What a workspace has and used this month, of what it may."""
    models = f"{usage.tokens:,}"
    if settings.budget_tokens is not None:
        models += f" of {settings.budget_tokens:,}"
    facts = [
        Fact(label="Plan", value=usage.plan.capitalize()),
        Fact(label="Apps", value=f"{usage.apps:,}, {usage.live:,} live"),
        Fact(label="Builds this month", value=f"{usage.builds:,}"),
        Fact(label="Model tokens this month", value=models),
    ]
    if usage.cost_usd or settings.budget_usd is not None:
        cost = f"about {dollars(usage.cost_usd)}" + (" and more" if usage.unpriced_tokens else "")
        of = f" of {dollars(settings.budget_usd)}" if settings.budget_usd is not None else ""
        facts.append(Fact(label="Models this month", value=cost + of))
    return facts


def usage_card(rows: Sequence[tuple[AppView, Mapping[str, object]]], whole: Sequence[Fact] = ()) -> Card:
    """What the apps use, below what the workspace does; a dash where there is nothing that could use it."""
    first: list[Child] = [Facts(facts=list(whole))] if whole else []
    if not rows:
        return _card("Usage", [*first, Text(text="There are no apps yet.")])
    columns = ["App", "Database", "Connections", "Tables", "Memory", "Builds", "Models"]
    table = [
        [
            app.slug,
            _megabytes(used.get("size_mb"), used.get("size_limit_mb")),
            _number(used.get("connections")),
            _number(used.get("tables") if used.get("size_mb") is not None else None),
            _megabytes(used.get("memory_mb"), None),
            _number(used.get("builds")),
            _models(used),
        ]
        for app, used in rows
    ]
    return _card("Usage", [*first, Table(columns=columns, rows=table)])


def _models(used: Mapping[str, object]) -> str:
    tokens, cost, unpriced = used.get("tokens"), used.get("cost_usd"), used.get("unpriced_tokens")
    if not isinstance(tokens, int) or not tokens:
        return "–"
    told = f"{tokens:,} tokens"
    if isinstance(cost, float) and cost > 0:
        told += f", about {dollars(cost)}" + (" and more" if unpriced else "")
    return told


def _megabytes(used: object, limit: object) -> str:
    if not isinstance(used, int | float):
        return "–"
    return f"{used:.1f} of {limit:,} MB" if isinstance(limit, int) else f"{used:.1f} MB"


def _number(value: object) -> str:
    if isinstance(value, Mapping | list | tuple):
        return str(len(value))
    return f"{value:,}" if isinstance(value, int) else "–"


def help_card() -> Card:
    """The commands."""
    rows = [[verb.usage, verb.summary] for verb in VERBS.values()]
    hint = Text(text="In an app's thread, APP can be left out; plain words there change the app.", style="muted")
    return _card("Commands", [Table(columns=["Command", "What it does"], rows=rows), hint])


def _card(title: str, children: Sequence[Child | Log]) -> Card:
    return Card(kind="notice", title=shown(title, 90), children=list(children))
