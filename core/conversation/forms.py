"""The forms that a conversation opens, and reading what comes back. Pure.

Called by the dialogue. A form has at most five inputs, which is what Discord shows, and perhaps more where there is room. What is
filled in is untrusted: reading refuses with `InvalidInput`, and never repeats a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from core.builds.requests import BuildRequest
from core.conversation.commands import Build
from core.conversation.names import PROVIDERS, app_name, features_of, framework_name, setting_name
from core.conversation.presenter.phrases import moment
from core.conversation.redaction import shown_line
from core.errors import InvalidInput
from core.words.cards import Form, Input
from core.words.notifications import NOTIFICATIONS
from core.words.plan import FRAMEWORK_NAMES
from core.words.thread_ref import ThreadRef
from core.words.views import ReleaseView, WorkspaceSettings

MAX_OPTIONS = 25
MAX_OPTION_LABEL = 75
NAMED_INPUTS = 3

_PROVIDER_LABELS = {
    "auto": "The best that has a key",
    "starter": "Starter, without a model",
    "openai": "OpenAI",
    "anthropic": "Anthropic",
    "compatible": "OpenAI-compatible server",
}


def build_form(typed: Build) -> Form:
    """What to build; starts with what was typed already. Where there is no room to ask for the provider, it stays as typed, in the
    form's value."""
    frameworks = [("", "Let Nexus choose"), *((name, name) for name in FRAMEWORK_NAMES)]
    return Form(
        form="build",
        value=typed.provider,
        title="Build an app",
        submit="Build",
        inputs=[
            Input(
                name="description",
                label="What should it do?",
                kind="multiline",
                value=typed.description,
                required=True,
                hint="For example: a todo app with due dates and priorities",
                max_length=4000,
            ),
            Input(name="framework", label="Framework", kind="select", options=frameworks, value=typed.framework or ""),
            Input(
                name="features", label="Must have", value=", ".join(typed.features), hint="With commas between", max_length=500
            ),
            Input(name="styling", label="Look", value=typed.styling, hint="For example: calm, dark, large type", max_length=300),
            Input(
                name="name",
                label="Name",
                value=typed.name,
                hint="It becomes the address; empty: made from the plan",
                max_length=40,
            ),
        ],
        more=[
            Input(
                name="provider",
                label="Which model writes",
                kind="select",
                options=[(name, _PROVIDER_LABELS[name]) for name in PROVIDERS],
                value=typed.provider,
            )
        ],
        file=Input(
            name="picture", label="A picture to start from", kind="file", hint="A sketch, or something that looks like it"
        ),
    )


def read_build(value: str, values: Mapping[str, str]) -> BuildRequest:
    """The request that was filled in."""
    framework = values.get("framework", "").strip()
    provider = values.get("provider", "").strip() or value
    return BuildRequest(
        description=values.get("description", "").strip(),
        framework=framework_name(framework) if framework else None,
        features=features_of(values.get("features", "")),
        styling=values.get("styling", "").strip(),
        provider=provider if provider in PROVIDERS else "auto",
        name=app_name(values.get("name", "")),
    )


def change_form(slug: str) -> Form:
    """What should be different."""
    return Form(
        form="change",
        value=slug,
        title="Change the app",
        submit="Change",
        inputs=[
            Input(
                name="text",
                label="What should be different?",
                kind="multiline",
                required=True,
                hint="For example: add a priority to every todo",
                max_length=4000,
            )
        ],
        file=Input(name="picture", label="A picture of it", kind="file", hint="A sketch, or a screenshot of what is wrong"),
    )


def env_form(slug: str, names: Sequence[str], needed: Mapping[str, str]) -> Form:
    """Set and remove settings. ``needed`` are the names that the app reads, with their purpose; those without a value come first.
    A value that is kept is never shown."""
    wanted = sorted({*names, *needed}, key=lambda name: (name in names, name))
    inputs = [
        Input(
            name=f"set:{name}",
            label=name[:45],
            kind="secret",
            hint=(shown_line(needed.get(name, ""), 60) or ("Set; leave it empty to keep it" if name in names else ""))[:100],
        )
        for name in wanted[:NAMED_INPUTS]
    ]
    inputs.append(Input(name="more", label="Set others" if inputs else "Set", kind="multiline", hint="NAME=value, one to a line"))
    if names:
        inputs.append(Input(name="unset", label="Remove", hint="Names, with commas between"))
    known = f"Set now: {', '.join(names)}." if names else "Nothing is set yet."
    text = f"{known} Values are kept encrypted and are not shown again. A live app is started anew with them."
    return Form(form="env", value=slug, title="Settings of the app", submit="Save", text=shown_line(text, 1500), inputs=inputs)


def read_env(values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What to set and what to remove."""
    wanted = {setting_name(name[4:]): value for name, value in values.items() if name.startswith("set:") and value}
    for line in values.get("more", "").splitlines():
        if line.strip():
            name, equals, value = line.partition("=")
            if not equals:
                raise InvalidInput("A line has no NAME= in front. Write NAME=value, one to a line.")
            wanted[setting_name(name.strip())] = value.strip()
    removed = [setting_name(name) for name in re.split(r"[\s,;]+", values.get("unset", "")) if name]
    if both := sorted(set(removed) & set(wanted)):
        raise InvalidInput(f"{', '.join(both)} is to be set and removed at once; do one of them.")
    if not wanted and not removed:
        raise InvalidInput("Nothing was filled in, so nothing was changed.")
    return wanted, removed


def rollback_form(slug: str, releases: Sequence[ReleaseView], chosen: int | None = None) -> Form:
    """Which release comes back, and whether its data and settings come with it.

    Raises:
        InvalidInput: no earlier release is kept.
    """
    kept = [release for release in releases if release.kept and not release.live][:MAX_OPTIONS]
    if not kept:
        raise InvalidInput(f"{slug} has no earlier release to go back to.")
    numbers = [release.number for release in kept]
    return Form(
        form="rollback",
        value=slug,
        title="Roll back",
        submit="Roll back",
        text="It becomes a new release, without a build. A snapshot of the data as they are now is taken first.",
        inputs=[
            Input(
                name="release",
                label="Release",
                kind="select",
                options=[(str(release.number), _release_label(release)) for release in kept],
                value=str(chosen if chosen in numbers else numbers[0]),
                required=True,
            ),
            Input(
                name="data",
                label="What comes back",
                kind="select",
                options=[("code", "Code only; the data stay as they are"), ("all", "Code, data and settings")],
                value="code",
                required=True,
            ),
        ],
    )


def _release_label(release: ReleaseView) -> str:
    end = ", " + moment(release.at).split(",")[0] + ("" if release.has_data else ", code only")
    start = f"v{release.number}"
    summary = shown_line(release.summary, MAX_OPTION_LABEL - len(start) - len(end) - 2)
    return f"{start} {summary}".strip() + end


def read_rollback(values: Mapping[str, str]) -> tuple[int, bool]:
    """The number, and whether with data."""
    typed = values.get("release", "").strip()
    if not re.fullmatch(r"[0-9]{1,6}", typed):
        raise InvalidInput("Choose a release to go back to.")
    return int(typed), values.get("data") == "all"


def delete_form(slug: str) -> Form:
    """Type its name to delete it."""
    return Form(
        form="delete",
        value=slug,
        title="Delete the app",
        submit="Delete for good",
        text=f"{slug} stops answering, and its database and releases are removed. A last snapshot of its data is kept.",
        inputs=[Input(name="confirm", label="Type the app's name to confirm", required=True, hint=slug, max_length=80)],
    )


def confirm_delete(slug: str, values: Mapping[str, str]) -> None:
    """Refuse unless the name was typed."""
    if values.get("confirm", "").strip().casefold() != slug.casefold():
        raise InvalidInput(f"That is not its name, so nothing was deleted. Type {slug} to delete it.")


def notify_form(place: ThreadRef, apps: Sequence[str]) -> Form:
    """Which channel is told of what."""
    news = [(preset, label) for preset, (label, _) in _PRESETS.items()]
    chosen = apps[: MAX_OPTIONS - 1]
    return Form(
        form="notify",
        title="Notifications",
        submit="Save",
        inputs=[
            Input(name="channel", label="Channel", kind="channel", value=place.channel, required=True),
            Input(
                name="app",
                label="Of which app",
                kind="select",
                options=[("*", "Every app, also those to come"), *((slug, slug) for slug in chosen)],
                value="*",
                required=True,
                hint="More apps: type notify APP" if len(apps) > len(chosen) else "",
            ),
            Input(name="kinds", label="What", kind="select", options=news, value="all", required=True),
        ],
    )


_PRESETS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "all": ("Everything", tuple(NOTIFICATIONS)),
    "act": ("When somebody must act: review, failed, crashed", ("review", "failed", "crashed")),
    "live": ("When a release is live", ("live",)),
    "health": ("When an app crashes and recovers", ("crashed", "recovered")),
    "off": ("Nothing any more", ()),
}


def read_notify(values: Mapping[str, str]) -> tuple[str, str | None, tuple[str, ...]]:
    """The channel, the app (None for all) and the kinds; no kinds is to be told no more."""
    preset = _PRESETS.get(values.get("kinds", ""))
    channel, app = values.get("channel", "").strip(), values.get("app", "*").strip()
    if preset is None or not channel:
        raise InvalidInput("Choose a channel, and what it should be told of.")
    return channel, None if app in {"", "*"} else app, preset[1]


def workspace_form(settings: WorkspaceSettings) -> Form:
    """What a workspace decides about approvals."""
    approvers = [("anyone", "Anyone here"), ("requester", "Whoever asked for it"), ("named", "The people named below")]
    hours = f"{settings.approval_hours:g}"
    return Form(
        form="settings",
        title="Workspace settings",
        submit="Save",
        inputs=[
            Input(
                name="approvers",
                label="Who may approve",
                kind="select",
                options=approvers,
                value=settings.approvers,
                required=True,
            ),
            Input(
                name="named_approvers",
                label="Named people",
                kind="people",
                value=", ".join(settings.named_approvers),
                hint="With commas between",
            ),
            Input(
                name="self_approval",
                label="May people approve their own builds?",
                kind="checkbox",
                value="true" if settings.self_approval else "false",
            ),
            Input(
                name="second_person",
                label="Must two say yes to what removes data?",
                kind="checkbox",
                value="true" if settings.second_person else "false",
            ),
            Input(name="approval_hours", label="Hours until an approval expires", value=hours, required=True, max_length=8),
        ],
    )


def models_form(settings: WorkspaceSettings) -> Form:
    """What a workspace decides about the models that write its apps."""
    return Form(
        form="models",
        title="Models",
        submit="Save",
        inputs=[
            Input(
                name="provider",
                label="Which model writes",
                kind="select",
                options=[(name, _PROVIDER_LABELS[name]) for name in PROVIDERS],
                value=settings.provider,
                required=True,
            ),
            Input(
                name="model", label="Model", value=settings.model, hint="Its vendor's name; empty: the usual one", max_length=120
            ),
            Input(
                name="budget_usd",
                label="Budget, US dollars a month",
                value="" if settings.budget_usd is None else f"{settings.budget_usd:g}",
                hint="Empty: no limit",
                max_length=12,
            ),
            Input(
                name="budget_tokens",
                label="Budget, tokens a month",
                value="" if settings.budget_tokens is None else str(settings.budget_tokens),
                hint="For models whose price is not known; empty: no limit",
                max_length=15,
            ),
        ],
    )


def _amount(typed: str, what: str) -> float | None:
    plain = typed.strip().replace(",", "").replace("_", "").removeprefix("$")
    if not plain:
        return None
    try:
        amount = float(plain)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < 1e12 or (what == "tokens" and amount != int(amount)):
        raise InvalidInput(f"Budget for models: a number of {what} from 0 upwards, or nothing for no limit.")
    return amount


def read_workspace(values: Mapping[str, str], now: WorkspaceSettings) -> WorkspaceSettings:
    """The settings that were filled in; what is missing stays as it is."""
    changed: dict[str, object] = now.model_dump()
    if typed := values.get("approval_hours", "").strip():
        try:
            hours = float(typed.replace(",", "."))
        except ValueError:
            hours = 0.0
        if not 0.1 <= hours <= 24 * 365:
            raise InvalidInput("Hours until an approval expires: a number from 0.1 to 8,760.")
        changed["approval_hours"] = hours
    if "named_approvers" in values:
        changed["named_approvers"] = [name.strip() for name in re.split(r"[,;\n]", values["named_approvers"]) if name.strip()]
    for name in ("self_approval", "second_person"):
        if name in values:
            changed[name] = values[name].casefold() in {"true", "on", "yes", "1"}
    for name in ("approvers", "provider"):
        if values.get(name):
            changed[name] = values[name]
    if "model" in values:
        changed["model"] = values["model"].strip()
    for name, what in (("budget_usd", "US dollars"), ("budget_tokens", "tokens")):
        if name in values:
            changed[name] = _amount(values[name], what)
    try:
        settings = WorkspaceSettings.model_validate(changed)
    except ValidationError as error:
        wrong = ", ".join(str(problem["loc"][0]) for problem in error.errors(include_url=False, include_input=False))
        raise InvalidInput(f"These settings are not among the choices: {wrong}. Open the form again.") from None
    if settings.approvers == "named" and not settings.named_approvers:
        raise InvalidInput("Name at least one person who may approve, or choose anyone or the requester.")
    return settings
