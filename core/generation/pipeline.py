"""The pipeline: from a sentence to a checked tree of source files, or a sentence that says why not.

Called by the build step of the engine. In order: plan, scaffold, files, merge, dependencies, validation; then a few bounded
rounds for what is missing or wrong (`core.generation.job`). It runs nothing and touches no disk: install, build and try-out are
verification's business, whose findings come back through `Pipeline.fix`, which asks no model, and `Pipeline.repair`.

What a model writes never reaches a path that the platform owns or that is frozen, nor, in a change, a file that the plan of the
change does not name (`core.generation.draft`). A vendor's failure is an `Ended`, never an exception; exceptions are
`InvalidInput` and `TooLarge` for what the person sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from core.errors import InvalidInput, TooLarge
from core.frameworks.framework import Framework
from core.generation import features, relevance
from core.generation.draft import Draft, Kind
from core.generation.generated import Done as Done
from core.generation.generated import Ended as Ended
from core.generation.generated import Generated as Generated
from core.generation.generated import PipelineLimits as PipelineLimits
from core.generation.generated import ended
from core.generation.index import PackageIndex
from core.generation.job import Job
from core.generation.model import Brief, ChangeBrief, Complete, Failure, Model, Usage
from core.generation.policy import PackagePolicy
from core.generation.progress import Listener, Note, Planned
from core.generation.scaffolding import Laid, relaid, titled
from core.words.plan import FEATURES, Feature, FrameworkName, Plan, PlannedFile


class Pipeline:
    """Generates, changes and repairs, with any `Model`. Without an ``index``, only listed packages are accepted."""

    def __init__(
        self,
        frameworks: Callable[[FrameworkName], Framework],
        limits: PipelineLimits | None = None,
        index: PackageIndex | None = None,
    ) -> None:
        self._frameworks = frameworks
        self._limits = limits or PipelineLimits()
        self._policy = PackagePolicy(index)

    async def generate(self, model: Model, brief: Brief, progress: Listener) -> Generated:
        """A new app.

        Raises:
            InvalidInput: the description is empty or not text.
            TooLarge: the description is over the limit, which the message names.
        """
        self._check_text(brief.description, "description")
        self._check_wishes(brief)
        notes, note = _notes(progress)
        outcome = await model.plan(brief)
        for text in outcome.notes:
            note(text)
        if not isinstance(outcome, Complete):
            return ended(outcome, outcome.usage, "No plan was made")
        planned = outcome.value
        if brief.framework is not None and planned.framework != brief.framework:
            reason = f"The model planned for {planned.framework} although {brief.framework} was asked for; try again."
            return Ended(kind="failed", reason=reason, usage=outcome.usage)
        framework = self._frameworks(planned.framework)
        wished = features.known(brief.features)
        # The starter knows what it writes: a feature that it did not plan is not in its app.
        wanted = features.complete([*planned.features, *(() if model.own_code else wished)])
        told = _with_assumption(planned, "" if model.own_code else features.styling_assumption(brief.styling, framework))
        base = framework.scaffold([feature for feature in wanted if feature in framework.features])
        draft = Draft(framework, titled(base, told), self._policy, note)
        progress(Planned(await draft.settle(told.model_copy(update={"features": wanted}))))
        return await Job(model, draft, progress, self._limits, outcome.usage, notes).write(brief)

    async def change(self, model: Model, brief: ChangeBrief, progress: Listener) -> Generated:
        """An existing app, changed; files that the change does not name are byte-identical.

        Raises:
            InvalidInput, TooLarge: as for `generate`, on the request.
        """
        self._check_text(brief.request, "change request")
        notes, note = _notes(progress)
        outcome = await model.plan_change(brief)
        for text in outcome.notes:
            note(text)
        if not isinstance(outcome, Complete):
            return ended(outcome, outcome.usage, "No plan was made")
        before, after = brief.plan, outcome.value
        if after.framework != before.framework:
            reason = f"A change cannot move the app from {before.framework} to {after.framework}; build a new app for that."
            return Ended(kind="failed", reason=reason, usage=outcome.usage)
        framework = self._frameworks(before.framework)
        wanted = _features_after(before, after, brief.request)
        laid = relaid(framework, brief.tree, before.features, wanted, brief.frozen)
        came = {*features.overlay(framework, wanted)} - {*features.overlay(framework, before.features)}
        after = after.model_copy(update={"files": [file for file in after.files if file.path not in came]})
        left = [path for path in laid.by_hand if path not in {file.path for file in after.files}]
        if left and model.own_code:
            return Ended(kind="failed", reason=_by_hand_alone(left[0]), usage=outcome.usage)
        # An app never loses its database by a change: its rows would be out of reach without anybody having said so.
        database = after.requires_database or before.requires_database
        files = [*after.files, *(PlannedFile(path=path, purpose="takes what was laid in, or out") for path in left)]
        update = {"requires_database": database, "features": wanted, "files": files}
        draft = Draft(framework, laid.tree, self._policy, note, frozen=brief.frozen, kind=Kind.CHANGE)
        told = _laid_in(before.features, wanted, laid)
        progress(Planned(await draft.settle(after.model_copy(update=update))))
        for sentence in told[:1]:
            note(sentence)
        job = Job(model, draft, progress, self._limits, outcome.usage, notes)
        return await job.write(replace(brief, tree=laid.tree), told="\n".join(told), laid=laid.tree != brief.tree)

    async def fix(self, failure: Failure, progress: Listener) -> Done | None:
        """An app that failed a check, mended without a model, where what is wrong has one certain answer; None where it has not."""
        framework = self._frameworks(failure.plan.framework)
        notes, note = _notes(lambda event: None)
        draft = Draft(framework, failure.tree, self._policy, note, frozen=failure.frozen, kind=Kind.REPAIR)
        draft.plan = failure.plan
        near = [path for suspect in failure.suspects for path in relevance.imports_of(failure.tree, suspect)]
        if not await draft.mended([*failure.suspects, *near], failure.log_tail):
            return None
        tree, problems = await draft.assembled()
        if problems or tree == failure.tree:
            return None
        for text in notes:
            progress(Note(text))
        return Done(plan=draft.plan, tree=tree, usage=Usage(), notes=tuple(notes), written=tuple(sorted(draft.contents)))

    async def repair(self, model: Model, failure: Failure, progress: Listener) -> Generated:
        """An app that failed a check, with what must change for it to pass. One call is one round; the caller bounds them."""
        framework = self._frameworks(failure.plan.framework)
        notes, note = _notes(progress)
        draft = Draft(framework, failure.tree, self._policy, note, frozen=failure.frozen, kind=Kind.REPAIR)
        draft.plan = failure.plan
        return await Job(model, draft, progress, self._limits, Usage(), notes).mend(failure)

    def _check_text(self, text: str, what: str) -> None:
        if not text.strip():
            raise InvalidInput(f"The {what} is empty; say in a sentence what the app should do.")
        if len(text) > self._limits.description_chars:
            limit = self._limits.description_chars
            raise TooLarge(
                f"The {what} has {len(text):,} characters; at most {limit:,} are accepted. Shorten it and send it again."
            )
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InvalidInput(f"The {what} is not valid text; send UTF-8.") from None
        if "\0" in text:
            raise InvalidInput(f"The {what} has a NUL character; remove it and send it again.")

    def _check_wishes(self, brief: Brief) -> None:
        limits = self._limits
        if len(brief.features) > limits.features:
            raise TooLarge(f"{len(brief.features)} features are more than the {limits.features} that one request may name.")
        for wish in (*brief.features, brief.styling):
            if len(wish) > limits.feature_chars:
                raise TooLarge(
                    f"A feature or styling may have at most {limits.feature_chars} characters; put more into the description."
                )


def _notes(progress: Listener) -> tuple[list[str], Callable[[str], None]]:
    """A list of notes, and what adds to it and tells each once."""
    notes: list[str] = []

    def note(text: str) -> None:
        if text not in notes:
            notes.append(text)
            progress(Note(text))

    return notes, note


def _with_assumption(plan: Plan, sentence: str) -> Plan:
    if not sentence or sentence in plan.assumptions:
        return plan
    return plan.model_copy(update={"assumptions": [*plan.assumptions, sentence]})


def _features_after(before: Plan, after: Plan, request: str) -> list[Feature]:
    """The planned features, and those of before that the request does not speak of: a plan that only forgot one takes nothing away."""
    spoken_of = features.named_in(request)
    kept = [feature for feature in before.features if feature in after.features or feature not in spoken_of]
    return [feature for feature in FEATURES if feature in features.complete([*after.features, *kept])]


def _by_hand_alone(path: str) -> str:
    return (
        f"{path} was changed since the app was made, and the built-in starter cannot change it further. "
        "Ask whoever runs this Nexus to set a model's key, or send changed files."
    )


def _laid_in(before: Sequence[Feature], after: Sequence[Feature], laid: Laid) -> list[str]:
    """What a model is told of features that came or went; the first is for the person too."""
    came = [features.FEATURE_LABELS[feature] for feature in after if feature not in before]
    gone = [features.FEATURE_LABELS[feature] for feature in before if feature not in after]
    if not laid.touched and not laid.by_hand:
        return []
    what = [f"{', '.join(came)} was put in" if came else "", f"{', '.join(gone)} was taken out" if gone else ""]
    told = [
        f"From the scaffold, {' and '.join(filter(None, what))}: {', '.join(laid.touched) or 'nothing that could be laid in'}."
    ]
    if laid.by_hand:
        told.append("These files were changed since the scaffold made them, so that you have to take it over by hand:")
    for path, text in laid.by_hand.items():
        told.append(
            f"=== {path}, as the scaffold has it now\n{text}" if text else f"=== {path}: the scaffold has no such file now"
        )
    return told
