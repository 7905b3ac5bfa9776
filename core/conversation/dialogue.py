"""The dialogue: what a person does, from whichever platform, made into calls of the engine and one private answer.

Called by every chat adapter with `Inbound` values, already authenticated. It posts nothing: what others should see reaches the thread
through events. A refusal is said to the one who asked, and to nobody else. A redelivery has no second effect: the engine takes the key
where it can, the `Inbox` remembers the others, and the answer to a repetition is empty.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from core.builds.requests import BuildRequest
from core.conversation import answers, forms
from core.conversation import commands as c
from core.conversation.face import EngineFace, Inbox
from core.conversation.grammar import help_text, nearest, parse
from core.errors import Conflict, InvalidInput, NexusError, NotFound
from core.ids import ApprovalId, BuildId, ThreadId
from core.words.attachment import Attachment
from core.words.inbound import Action, Answer, Command, FormSubmit, Inbound, Reply, Who
from core.words.views import AppState, BuildState, BuildView, DeploymentView

ACTION_LOG_LINES = 100


class _Repeated(Exception):
    """This was done already."""


class Dialogue:
    """Handles what people do; one for all platforms."""

    def __init__(self, engine: EngineFace, inbox: Inbox) -> None:
        self._engine = engine
        self._inbox = inbox
        self._actions: Mapping[str, Callable[[Action], Awaitable[Answer]]] = {
            "approve": self._press_approve,
            "discard": self._press_discard,
            "cancel": self._press_cancel,
            "retry": self._press_retry,
            "change": self._press_change,
            "logs": lambda a: self._logs(a.who, a.value, ACTION_LOG_LINES),
            "settings": lambda a: self._env_form(a.who, a.value),
            "reveal": self._press_reveal,
            "rollback": lambda a: self._rollback_form(a.who, a.value, None),
            "deploy": lambda a: self._deploy(a.who, a.value, a.key),
            "stop": lambda a: self._stop(a.who, a.value, a.key),
            "start": lambda a: self._start(a.who, a.value, a.key),
            "restart": lambda a: self._restart(a.who, a.value, a.key),
            "delete": lambda a: self._delete_form(a.who, a.value),
        }
        self._forms: Mapping[str, Callable[[FormSubmit], Awaitable[Answer]]] = {
            "build": self._submit_build,
            "change": self._submit_change,
            "env": self._submit_env,
            "rollback": self._submit_rollback,
            "delete": self._submit_delete,
            "settings": self._submit_settings,
            "models": self._submit_settings,
        }

    async def handle(self, inbound: Inbound) -> Answer:
        """Do it. Errors that Nexus raises on purpose become answers; anything else is a defect and is raised."""
        try:
            match inbound:
                case Command():
                    return await self._command(inbound)
                case Reply():
                    return await self._change(
                        inbound.who, "", inbound.text, thread=inbound.thread, key=inbound.key, attachments=inbound.attachments
                    )
                case Action():
                    return await self._act(inbound)
                case FormSubmit():
                    return await self._submit(inbound)
        except _Repeated:
            return Answer()
        except NexusError as error:
            return Answer(text=error.message, error=True)

    # -- commands ---------------------------------------------------------------------------------------------------------

    async def _command(self, command: Command) -> Answer:
        parsed = parse(command.text)
        match parsed:
            case c.Build():
                return await self._build_command(command, parsed)
            case c.ListApps():
                return Answer(card=answers.apps_card(await self._engine.apps(command.who)))
            case c.Settings(part="models"):
                return Answer(form=forms.models_form(await self._engine.workspace(command.who)))
            case c.Settings():
                return Answer(form=forms.workspace_form(await self._engine.workspace(command.who)))
            case c.Help(verb=""):
                return Answer(card=answers.help_card())
            case c.Help():
                return Answer(text=help_text(parsed.verb))
            case c.Usage(app=None):
                return await self._usage(command.who, None)
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
                return await self._show(who, slug)
            case c.Logs():
                return await self._logs(who, slug, parsed.lines)
            case c.Files():
                return await self._files(who, slug, parsed.path)
            case c.EnvList():
                version, names = await self._engine.settings(who, slug)
                return Answer(card=answers.env_card(slug, version, names, await self._needed(who, slug)))
            case c.EnvSet():
                return await self._set_env(who, slug, parsed.values, (), key)
            case c.EnvUnset():
                return await self._set_env(who, slug, {}, parsed.names, key)
            case c.Db():
                return Answer(card=answers.database_card(slug, await self._engine.database(who, slug)))
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
                return await self._usage(who, slug)
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
        return _building(await self._engine.build(command.who, request, thread=command.thread, key=command.key))

    async def _submit_build(self, sent: FormSubmit) -> Answer:
        request = forms.read_build(sent.value, sent.values)
        if not request.description:
            raise InvalidInput("Say in a sentence what the app should do, for example: a todo app with due dates")
        return _building(await self._engine.build(sent.who, request, thread=sent.thread, key=sent.key))

    async def _press_retry(self, pressed: Action) -> Answer:
        return _building(await self._engine.retry(pressed.who, BuildId(pressed.value), key=pressed.key))

    async def _press_change(self, pressed: Action) -> Answer:
        return Answer(form=forms.change_form(pressed.value))

    async def _submit_change(self, sent: FormSubmit) -> Answer:
        return await self._change(sent.who, sent.value, sent.values.get("text", ""), thread=sent.thread, key=sent.key)

    async def _change(
        self, who: Who, slug: str, text: str, *, thread: ThreadId | None, key: str, attachments: Sequence[Attachment] = ()
    ) -> Answer:
        """Change the app; in a thread without one, these words are what to build."""
        if not text.strip():
            raise InvalidInput("Say what should be different, for example: add a priority to every todo")
        if not slug and thread is not None and not (slug := (await self._engine.thread(who, thread)).app):
            request = BuildRequest(description=text.strip(), attachments=attachments)
            return _building(await self._engine.build(who, request, thread=thread, key=key))
        slug = slug or await self._which(who, None, None)
        return _building(await self._engine.change(who, slug, text.strip(), attachments=attachments, key=key))

    async def _press_cancel(self, pressed: Action) -> Answer:
        await self._once(pressed.key)
        await self._engine.cancel(pressed.who, BuildId(pressed.value))
        return Answer(text="The build is being cancelled.")

    async def _files(self, who: Who, slug: str, path: str) -> Answer:
        builds = await self._engine.builds(who, slug)  # without files
        newest = next((build for build in builds if build.state is BuildState.READY), builds[0] if builds else None)
        if newest is None:
            raise NotFound(f"{slug} has no files yet: nothing of it was built so far.")
        build = await self._engine.build_view(who, newest.build)
        if not path:
            return Answer(card=answers.files_card(build))
        paths = [file.path for file in build.files if file.change != "removed"]
        if path not in paths and (near := nearest(path, paths)):
            raise NotFound(f"There is no file {path!a} in {slug}. Did you mean {near}?")
        return Answer(card=answers.file_card(build, path, await self._engine.file(who, build.build, path)))

    # -- approval ---------------------------------------------------------------------------------------------------------

    async def _press_approve(self, pressed: Action) -> Answer:
        approval, build, digest = _approve_value(pressed.value)
        view = await self._engine.build_view(pressed.who, build)
        asked = view.approval
        if asked is None or asked.approval != approval or not asked.digest.startswith(digest):
            raise Conflict("The build has changed since that card was made; look at the newest card and approve that one.")
        await self._once(pressed.key)
        return _deploying(await self._engine.approve(pressed.who, approval, asked.digest))

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
                return _deploying(await self._engine.approve(who, build.approval.approval, build.approval.digest))
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
        return Answer(form=forms.delete_form((await self._engine.app(who, slug)).slug))

    async def _submit_delete(self, sent: FormSubmit) -> Answer:
        slug = await self._meant(sent)
        forms.confirm_delete(slug, sent.values)
        await self._once(sent.key)
        snapshot = await self._engine.delete(sent.who, slug)
        kept = f" The last snapshot of its data is kept as {snapshot}." if snapshot else ""
        return Answer(text=f"{slug} is deleted.{kept}")

    # -- seeing -----------------------------------------------------------------------------------------------------------

    async def _show(self, who: Who, slug: str) -> Answer:
        app = await self._engine.app(who, slug)
        builds = await self._engine.builds(who, slug)
        card = answers.app_card(app, await self._engine.releases(who, slug), builds[0] if builds else None)
        return Answer(card=card, thread=app.thread)

    async def _logs(self, who: Who, slug: str, lines: int) -> Answer:
        app = await self._engine.app(who, slug)
        printed = await self._engine.logs(who, slug, lines)
        return Answer(card=answers.logs_card(slug, printed, follow=app.state is AppState.LIVE))

    async def _press_reveal(self, pressed: Action) -> Answer:
        return Answer(card=answers.revealed_card(pressed.value, await self._engine.reveal(pressed.who, pressed.value)))

    async def _usage(self, who: Who, slug: str | None) -> Answer:
        apps = [await self._engine.app(who, slug)] if slug is not None else await self._engine.apps(who)
        there = [app for app in apps if app.state is not AppState.DELETED]
        return Answer(card=answers.usage_card([(app, await self._engine.usage(who, app.slug)) for app in there]))

    # -- settings ---------------------------------------------------------------------------------------------------------

    async def _needed(self, who: Who, slug: str) -> dict[str, str]:
        """The settings that the newest plan reads, and what for."""
        for build in await self._engine.builds(who, slug):
            if build.plan is not None:
                return {setting.name: setting.purpose for setting in build.plan.settings}
        return {}

    async def _env_form(self, who: Who, slug: str) -> Answer:
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

    async def _submit_settings(self, sent: FormSubmit) -> Answer:
        settings = forms.read_workspace(sent.values, await self._engine.workspace(sent.who))
        await self._engine.set_workspace(sent.who, settings)
        return Answer(text="The workspace's settings are saved.")

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


def _deploying(view: DeploymentView) -> Answer:
    return Answer(text=f"Approved. {view.slug} is being deployed as v{view.release}.")
