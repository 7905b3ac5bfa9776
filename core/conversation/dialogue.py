"""The dialogue: what a person does, from whichever platform, made into calls of the engine and one private answer.

Called by every chat adapter with `Inbound` values, already authenticated. It posts nothing: what others should see reaches the thread
through events. A refusal is said to the one who asked, and to nobody else. A redelivery has no second effect: the engine takes the key
where it can, the `Inbox` remembers the others, and the answer to a repetition is empty.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.builds.requests import BuildRequest
from core.conversation import answers, forms
from core.conversation import commands as c
from core.conversation.face import EngineFace, Inbox
from core.conversation.grammar import help_text, parse
from core.conversation.names import nearest
from core.conversation.seeing import Seeing
from core.errors import Conflict, InvalidInput, NexusError, NotFound
from core.ids import ApprovalId, BuildId, ThreadId
from core.words.inbound import Action, Answer, Command, FormSubmit, Inbound, Reply, Who
from core.words.notifications import NOTIFICATIONS
from core.words.thread_ref import ThreadRef
from core.words.views import AppState, BuildState, BuildView, DeploymentView

ACTION_LOG_LINES = 100


class _Repeated(Exception):
    """This was done already."""


class Dialogue:
    """Handles what people do; one for all platforms."""

    def __init__(self, engine: EngineFace, inbox: Inbox) -> None:
        self._engine = engine
        self._inbox = inbox
        self._see = Seeing(engine)
        self._actions: Mapping[str, Callable[[Action], Awaitable[Answer]]] = {
            "approve": self._press_approve,
            "discard": self._press_discard,
            "cancel": self._press_cancel,
            "retry": self._press_retry,
            "change": self._press_change,
            "fix": self._press_fix,
            "logs": lambda a: self._see.logs(a.who, a.value, ACTION_LOG_LINES),
            "logfile": lambda a: self._see.log_file(a.who, a.value),
            "follow": lambda a: self._see.follow(a.who, a.value),
            "file": lambda a: self._see.file(a.who, a.value),
            "zip": lambda a: self._see.archive(a.who, a.value),
            "setup": lambda a: self._see.setup(a.who, a.value),
            "settings": lambda a: self._env_form(a.who, a.value),
            "reveal": lambda a: self._see.reveal(a.who, a.value),
            "rollback": lambda a: self._rollback_form(a.who, a.value, None),
            "deploy": lambda a: self._deploy(a.who, a.value, a.key),
            "stop": lambda a: self._stop(a.who, a.value, a.key),
            "start": lambda a: self._start(a.who, a.value, a.key),
            "restart": lambda a: self._restart(a.who, a.value, a.key),
            "delete": lambda a: self._delete_form(a.who, a.value),
            "build": self._press_build,
            "notify": lambda a: self._notify_form(a.who, a.place),
            "workspace": lambda a: self._workspace_form(a.who, a.value),
        }
        self._forms: Mapping[str, Callable[[FormSubmit], Awaitable[Answer]]] = {
            "build": self._submit_build,
            "change": self._submit_change,
            "env": self._submit_env,
            "rollback": self._submit_rollback,
            "delete": self._submit_delete,
            "settings": self._submit_settings,
            "models": self._submit_settings,
            "notify": self._submit_notify,
        }

    async def handle(self, inbound: Inbound) -> Answer:
        """Do it. Errors that Nexus raises on purpose become answers; anything else is a defect and is raised."""
        try:
            match inbound:
                case Command():
                    return await self._command(inbound)
                case Reply():
                    return await self._reply(inbound)
                case Action():
                    return await self._act(inbound)
                case FormSubmit():
                    return await self._submit(inbound)
        except _Repeated:
            return Answer()
        except NexusError as error:
            if isinstance(inbound, Action) and inbound.thread is not None:
                # What is refused is often on a card that was not brought up to date, because its place was closed then.
                with contextlib.suppress(NexusError):
                    await self._engine.show_again(inbound.who, inbound.thread)
            return Answer(text=error.message, error=True)

    # -- commands ---------------------------------------------------------------------------------------------------------

    async def _command(self, command: Command) -> Answer:
        parsed = parse(command.text)
        match parsed:
            case c.Build():
                return await self._build_command(command, parsed)
            case c.ListApps():
                return Answer(card=answers.apps_card(await self._engine.apps(command.who)))
            case c.Settings(part=part):
                return await self._workspace_form(command.who, part)
            case c.Notify() | c.NotifyOff() | c.NotifyList():
                return await self._notify(command, parsed)
            case c.Help(verb=""):
                return Answer(card=answers.help_card())
            case c.Help():
                return Answer(text=help_text(parsed.verb))
            case c.Usage(app=None):
                return await self._see.usage(command.who, None)
        slug = await self._which(command.who, parsed.app, command.thread)
        try:
            return await self._about(command, parsed, slug)
        except NotFound as error:
            if parsed.app is None:
                raise
            raise await self._nearest_app(command.who, slug, error) from error

    async def _about(self, command: Command, parsed: c.ParsedCommand, slug: str) -> Answer:
        """A command about one app."""
        who, key = command.who, command.key
        match parsed:
            case c.Show():
                return await self._see.app(who, slug)
            case c.Logs():
                return await self._see.logs(who, slug, parsed.lines)
            case c.Files():
                return await self._see.files(who, slug, parsed.path)
            case c.EnvList():
                version, names = await self._engine.settings(who, slug)
                return Answer(card=answers.env_card(slug, version, names, await self._needed(who, slug)))
            case c.EnvSet():
                return await self._set_env(who, slug, parsed.values, (), key)
            case c.EnvUnset():
                return await self._set_env(who, slug, {}, parsed.names, key)
            case c.Db():
                return await self._see.database(who, slug)
            case c.Deploy():
                return await self._deploy(who, slug, key)
            case c.Rollback(number=None):
                return await self._rollback_form(who, slug, None)
            case c.Rollback(number=int(number)):
                return await self._rollback(who, slug, number, with_data=bool(parsed.with_data), key=key)
            case c.Stop():
                return await self._stop(who, slug, key)
            case c.Start():
                return await self._start(who, slug, key)
            case c.Restart():
                return await self._restart(who, slug, key)
            case c.Delete():
                return await self._delete_form(who, slug)
            case c.Usage():
                return await self._see.usage(who, slug)
        raise AssertionError(f"{parsed!r} is not about one app")

    async def _which(self, who: Who, typed: str | None, thread: ThreadId | None) -> str:
        """The app that is meant: the one that was typed, or the thread's."""
        if typed is not None:
            return typed
        if thread is not None and (app := (await self._engine.thread(who, thread)).app):
            return app
        slugs = [app.slug for app in await self._engine.apps(who) if app.state is not AppState.DELETED]
        if not slugs:
            raise InvalidInput("There are no apps yet. Make one first: build a todo app with due dates")
        raise InvalidInput(f"Which app? Type its name after the command. There are: {', '.join(slugs[:10])}.")

    async def _nearest_app(self, who: Who, slug: str, error: NotFound) -> NotFound:
        slugs = [app.slug for app in await self._engine.apps(who)]
        near = "" if slug in slugs else nearest(slug, slugs)
        return NotFound(f"{error.message} Did you mean {near}?") if near else error

    # -- builds -----------------------------------------------------------------------------------------------------------

    async def _build_command(self, command: Command, parsed: c.Build) -> Answer:
        if not parsed.description:
            return Answer(form=forms.build_form(parsed))
        request = BuildRequest(
            description=parsed.description,
            framework=parsed.framework,
            features=parsed.features,
            styling=parsed.styling,
            provider=parsed.provider,
            name=parsed.name,
            attachments=command.attachments,
        )
        typed_there = command.place is not None and bool(command.place.thread) and not command.hidden
        view = await self._engine.build(
            command.who, request, thread=command.thread, place=command.place, seen=typed_there, key=command.key
        )
        return _building(view)

    async def _press_build(self, pressed: Action) -> Answer:
        return Answer(form=forms.build_form(c.Build()))

    async def _submit_build(self, sent: FormSubmit) -> Answer:
        request = forms.read_build(sent.value, sent.values)
        if not request.description:
            raise InvalidInput("Say in a sentence what the app should do, for example: a todo app with due dates")
        if sent.attachments:
            request = replace(request, attachments=sent.attachments)
        return _building(await self._engine.build(sent.who, request, thread=sent.thread, place=sent.place, key=sent.key))

    async def _press_retry(self, pressed: Action) -> Answer:
        return _building(await self._engine.retry(pressed.who, BuildId(pressed.value), key=pressed.key))

    async def _press_change(self, pressed: Action) -> Answer:
        return Answer(form=forms.change_form(pressed.value))

    async def _submit_change(self, sent: FormSubmit) -> Answer:
        slug = sent.value or await self._which(sent.who, None, sent.thread)
        text = _change_text(sent.values.get("text", ""))
        return _building(await self._engine.change(sent.who, slug, text, attachments=sent.attachments, key=sent.key))

    async def _reply(self, reply: Reply) -> Answer:
        """Change the thread's app; in a thread without one, these words are what to build."""
        text = _change_text(reply.text)
        slug = (await self._engine.thread(reply.who, reply.thread)).app
        sent: dict[str, Any] = {"key": reply.key, "seen": True}
        if not slug:
            request = BuildRequest(description=text, attachments=reply.attachments)
            return _building(await self._engine.build(reply.who, request, thread=reply.thread, **sent))
        return _building(await self._engine.change(reply.who, slug, text, attachments=reply.attachments, **sent))

    async def _press_fix(self, pressed: Action) -> Answer:
        return _building(await self._engine.fix(pressed.who, pressed.value, key=pressed.key))

    async def _press_cancel(self, pressed: Action) -> Answer:
        await self._once(pressed.key)
        await self._engine.cancel(pressed.who, BuildId(pressed.value))
        return Answer(text="The build is being cancelled.")

    # -- approval ---------------------------------------------------------------------------------------------------------

    async def _press_approve(self, pressed: Action) -> Answer:
        approval, build, digest = _approve_value(pressed.value)
        view = await self._engine.build_view(pressed.who, build)
        asked = view.approval
        if asked is None or asked.approval != approval or not asked.digest.startswith(digest):
            raise Conflict("The build has changed since that card was made; look at the newest card and approve that one.")
        await self._once(pressed.key)
        return _approved(await self._engine.approve(pressed.who, approval, asked.digest))

    async def _press_discard(self, pressed: Action) -> Answer:
        await self._once(pressed.key)
        await self._engine.discard(pressed.who, ApprovalId(pressed.value))
        return Answer(text="The build is discarded. What is live stays.")

    async def _deploy(self, who: Who, slug: str, key: str) -> Answer:
        """Approve what waits."""
        builds = await self._engine.builds(who, slug)
        for build in builds:
            if build.approval is not None and build.approval.state == "pending":
                await self._once(key)
                return _approved(await self._engine.approve(who, build.approval.approval, build.approval.digest))
        newest = builds[0] if builds else None
        if newest is not None and not newest.state.over:
            raise Conflict(f"A build of {slug} is under way. Its card asks for approval when it is ready.")
        if newest is not None and newest.state is BuildState.FAILED:
            raise Conflict(f"The last build of {slug} failed, so there is nothing to deploy. Try it again, or ask for a change.")
        raise Conflict(
            f"Nothing of {slug} waits for approval. Ask for a change in its thread, or roll back to an earlier release."
        )

    # -- what runs --------------------------------------------------------------------------------------------------------

    async def _rollback_form(self, who: Who, slug: str, chosen: int | None) -> Answer:
        await self._engine.check_managing(who, slug)
        return Answer(form=forms.rollback_form(slug, await self._engine.releases(who, slug), chosen))

    async def _rollback(self, who: Who, slug: str, number: int, *, with_data: bool, key: str) -> Answer:
        view = await self._engine.rollback(who, slug, number, with_data=with_data, key=key)
        what = "with its data and settings" if with_data else "its code only; the data stay as they are"
        return Answer(text=f"Rolling {slug} back to v{number}, {what}. It becomes v{view.release}.")

    async def _submit_rollback(self, sent: FormSubmit) -> Answer:
        number, with_data = forms.read_rollback(sent.values)
        return await self._rollback(sent.who, await self._meant(sent), number, with_data=with_data, key=sent.key)

    async def _stop(self, who: Who, slug: str, key: str) -> Answer:
        await self._once(key)
        await self._engine.stop(who, slug)
        return Answer(text=f"{slug} is stopped. Its data and its releases stay.")

    async def _start(self, who: Who, slug: str, key: str) -> Answer:
        view = await self._engine.start(who, slug, key=key)
        return Answer(text=f"Starting v{view.release} of {slug}.")

    async def _restart(self, who: Who, slug: str, key: str) -> Answer:
        view = await self._engine.restart(who, slug, key=key)
        return Answer(text=f"Restarting v{view.release} of {slug}.")

    async def _delete_form(self, who: Who, slug: str) -> Answer:
        await self._engine.check_managing(who, slug)
        return Answer(form=forms.delete_form((await self._engine.app(who, slug)).slug))

    async def _submit_delete(self, sent: FormSubmit) -> Answer:
        slug = await self._meant(sent)
        forms.confirm_delete(slug, sent.values)
        await self._once(sent.key)
        snapshot = await self._engine.delete(sent.who, slug)
        kept = f" The last snapshot of its data is kept as {snapshot}." if snapshot else ""
        return Answer(text=f"{slug} is deleted.{kept}")

    # -- settings ---------------------------------------------------------------------------------------------------------

    async def _needed(self, who: Who, slug: str) -> dict[str, str]:
        """The settings that the newest plan reads, and what for."""
        for build in await self._engine.builds(who, slug):
            if build.plan is not None:
                return {setting.name: setting.purpose for setting in build.plan.settings}
        return {}

    async def _env_form(self, who: Who, slug: str) -> Answer:
        await self._engine.check_managing(who, slug)
        _, names = await self._engine.settings(who, slug)
        return Answer(form=forms.env_form(slug, names, await self._needed(who, slug)))

    async def _submit_env(self, sent: FormSubmit) -> Answer:
        wanted, removed = forms.read_env(sent.values)
        return await self._set_env(sent.who, await self._meant(sent), wanted, removed, sent.key)

    async def _set_env(
        self, who: Who, slug: str, wanted: Mapping[str, str], removed: tuple[str, ...] | list[str], key: str
    ) -> Answer:
        view = await self._engine.set_settings(who, slug, set=wanted, unset=removed, key=key)
        set_words = f"set {', '.join(sorted(wanted))}" if wanted else ""
        unset_words = f"removed {', '.join(removed)}" if removed else ""
        done = " and ".join(words for words in (set_words, unset_words) if words)
        then = f"v{view.release} starts with that." if view is not None else "The next release starts with that."
        return Answer(text=f"{done[0].upper()}{done[1:]}. {then}")

    async def _workspace_form(self, who: Who, part: str) -> Answer:
        await self._engine.check_deciding(who)
        settings = await self._engine.workspace(who)
        return Answer(form=forms.models_form(settings) if part == "models" else forms.workspace_form(settings))

    async def _submit_settings(self, sent: FormSubmit) -> Answer:
        settings = forms.read_workspace(sent.values, await self._engine.workspace(sent.who))
        await self._once(sent.key)
        await self._engine.set_workspace(sent.who, settings)
        return Answer(text="The workspace's settings are saved.")

    # -- notifications ----------------------------------------------------------------------------------------------------

    async def _notify(self, command: Command, parsed: c.Notify | c.NotifyOff | c.NotifyList) -> Answer:
        who, place = command.who, _channel(command.place)
        match parsed:
            case c.NotifyList():
                return Answer(card=answers.subscriptions_card(await self._engine.subscriptions(who), {}))
            case c.NotifyOff():
                return await self._subscribe(who, place, parsed.app, (), command.key)
            case c.Notify(kinds=()):
                return await self._notify_form(who, place)
            case c.Notify():
                return await self._subscribe(who, place, parsed.app, parsed.kinds, command.key)

    async def _notify_form(self, who: Who, place: ThreadRef | None) -> Answer:
        place = _channel(place)
        slugs = [app.slug for app in await self._engine.apps(who) if app.state is not AppState.DELETED]
        return Answer(form=forms.notify_form(place, slugs))

    async def _submit_notify(self, sent: FormSubmit) -> Answer:
        channel, slug, kinds = forms.read_notify(sent.values)
        return await self._subscribe(sent.who, replace(_channel(sent.place), channel=channel), slug, kinds, sent.key)

    async def _subscribe(self, who: Who, place: ThreadRef, slug: str | None, kinds: Sequence[str], key: str) -> Answer:
        await self._once(key)
        try:
            if kinds:
                await self._engine.subscribe(who, place, slug, kinds)
                return Answer(text=f"That channel is told of {slug or 'every app'} from now on: {', '.join(kinds)}.")
            if not await self._engine.unsubscribe(who, place, slug):
                raise Conflict(f"That channel is not told of {slug or 'any app'}; `notify list` shows which is told of what.")
            return Answer(text=f"That channel is told of {slug or 'any app'} no more.")
        except NotFound as error:
            if near := nearest(slug or "", NOTIFICATIONS):
                raise NotFound(f"{error.message} Did you mean the news {near}?") from error
            raise await self._nearest_app(who, slug or "", error) from error

    # -- presses and forms ------------------------------------------------------------------------------------------------

    async def _act(self, pressed: Action) -> Answer:
        do = self._actions.get(pressed.action)
        if do is None:
            raise InvalidInput("That button is from another version of Nexus; look at the newest card.")
        return await do(pressed)

    async def _submit(self, sent: FormSubmit) -> Answer:
        do = self._forms.get(sent.form)
        if do is None:
            raise InvalidInput("That form is from another version of Nexus; open it again.")
        return await do(sent)

    async def _meant(self, sent: FormSubmit) -> str:
        return await self._which(sent.who, sent.value or None, sent.thread)

    async def _once(self, key: str) -> None:
        if not await self._inbox.first(key):
            raise _Repeated


def _approve_value(value: str) -> tuple[ApprovalId, BuildId, str]:
    parts = value.split(" ")
    if len(parts) != 3 or not all(parts):
        raise InvalidInput("That button is from another version of Nexus; look at the newest card.")
    return ApprovalId(parts[0]), BuildId(parts[1]), parts[2]


def _building(view: BuildView) -> Answer:
    words = "It is being built" if view.purpose != "change" else "The change is being built"
    return Answer(text=f"{words}; follow it in its thread.", thread=view.thread)


def _change_text(typed: str) -> str:
    if not typed.strip():
        raise InvalidInput("Say what should be different, for example: add a priority to every todo")
    return typed.strip()


def _channel(place: ThreadRef | None) -> ThreadRef:
    if place is None:
        raise InvalidInput(
            "Notifications are for channels of Slack and Discord: type it there. Here, every app's thread is in the list."
        )
    return replace(place, thread="")


def _approved(view: DeploymentView | None) -> Answer:
    if view is None:
        return Answer(text="Your yes is noted. It removes data, so a second person must say yes too; then it is deployed.")
    return Answer(text=f"Approved. {view.slug} is being deployed as v{view.release}.")
