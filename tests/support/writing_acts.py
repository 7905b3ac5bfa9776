"""The acts: what a model vendor may do with one build, what the thread says then, and how it ends.

One table for the journeys, which play every act through the real SDKs and the whole engine, and for docs/generation.md, which shows it.
``python -m tests.support.writing_acts`` writes the document's table anew; a test compares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.generation import sentinels
from core.words.plan import FrameworkName, Plan
from tests.support.model_server import BEHAVIOURS, NO_CREDIT, UNKNOWN_MODEL, Error, Reply, planning, saying, writing
from tests.support.model_server import writing_what_is_asked as what_is_asked
from tests.support.writing_apps import (
    BROKEN_PAGES,
    INDEX,
    INJECTED,
    LOST_PAGES,
    OWN_SERVER,
    PAGES,
    PLAIN_PAGES,
    SAD_PAGES,
    TIPS,
)

Script = tuple[Sequence[Reply], Sequence[Reply], Sequence[Reply]]  #: for the plan, the files and the repairs
Files = Mapping[str, str]
Play = Callable[[Plan, Files], Script]

ALL = ("openai", "anthropic", "compatible")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "generation.md"
BEGIN, END = "<!-- acts: made from tests/support/writing_acts.py -->\n", "<!-- /acts -->\n"
WRONG_KEY = Error(status=401, openai="invalid_api_key", anthropic="authentication_error", message="Incorrect API key: sk-…")
SECRET = "sk-proj-" + "Zq7RtB2nXw9KdLp4VmYs6HcJ"
NO_SUCH_PACKAGE = "express-notes-ultra-helper-9000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One behaviour of a vendor or a model."""

    what: str  #: as the document calls it
    says: str = ""  #: what the thread says of it, word for word; ``{vendor}`` is the provider's name
    happens: str
    ready: bool  #: it ends in a working app
    play: Play
    by: Sequence[str]  #: the providers that play it
    verbs: str  #: what the vendor is asked for, in order
    framework: FrameworkName = "express"
    files: Files | None = None  #: that the app has in the end, where they are not those of the plan
    built: bool = False  #: it is built and tried when it is played; of the others the files are those of one that is

    def said(self, vendor: str, quote: str = "") -> str:
        """What the thread says, of this vendor, with what a refusing one has said itself."""
        return self.says.replace("{vendor}", vendor).replace("{quote}", quote)

    def slug(self, provider: str) -> str:
        """The app's address."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.what[:26]} {provider}".lower()).strip("-")


# -- what is played ---------------------------------------------------------------------------------------------------


def _named(behaviour: str) -> Play:
    """One of the named behaviours of the model server."""
    return lambda plan, files: (*BEHAVIOURS[behaviour](plan, files), ())


def _writes(first: Files, *repairs: Files) -> Play:
    """Files that differ from what they should be, and what is written when they are rejected; the last again and again."""
    return lambda plan, files: (
        [planning(_with(plan, first))],
        [writing({**files, **first})],
        [writing(repair) for repair in repairs or [first]],
    )


def _with(plan: Plan, files: Files) -> Plan:
    """The plan, with these files in it too."""
    more = [plan.files[0].model_copy(update={"path": path}) for path in files if path not in {one.path for one in plan.files}]
    return plan.model_copy(update={"files": [*plan.files, *more]})


def _fails(error: Error) -> Play:
    return lambda plan, files: ([Reply(error=error)], [Reply(error=error)], ())


def _hangs(times: int) -> Play:
    """So many answers with files that stop in the middle, and do not end."""
    return lambda plan, files: ([planning(plan)], [*[writing(files, hang_after=3)] * times, what_is_asked(files)], ())


def _never_whole(plan: Plan, files: Files) -> Script:
    """One file that never comes to its end: a few characters more with every answer."""

    def begun(nonce: str) -> str:
        whole = "".join(sentinels.emit(path, text, nonce) for path, text in files.items() if path != "src/tips.js")
        return f"{whole}{sentinels.opening(nonce)}src/tips.js>>>\n{TIPS[:700]}"

    rest = [saying(TIPS[640 + 60 * n : 760 + 60 * n], stop="length") for n in range(3)]
    cut = Reply(text=begun, stop="length")
    return [planning(plan)], [cut, *rest, cut, *rest], ()


def _as_json(plan: Plan, files: Files) -> Script:
    listed = {"files": [{"path": path, "content": text} for path, text in files.items()]}
    return [planning(plan)], [saying(json.dumps(listed))], ()


def _invents(plan: Plan, files: Files) -> Script:
    return [planning(plan.model_copy(update={"dependencies": [NO_SUCH_PACKAGE]}))], [what_is_asked(files)], ()


def _own_server(plan: Plan, files: Files) -> Script:
    return [planning(_with(plan, {"server.js": ""}))], [writing({**files, "server.js": OWN_SERVER})], ()


_INDEX = "src/resources/index.js"
_PAGES = "src/pages.js"
_WRONG = {_INDEX: INDEX.replace("search:", "search(:")}
_LEAK = {"src/tips.js": f"export const key = '{SECRET}';\n"}
_NANOID = {"src/tips.js": "import { nanoid } from 'nanoid';\n\nexport const tip = () => nanoid();\n"}

# -- the table --------------------------------------------------------------------------------------------------------

_APP = "a working app"
_END = "ends"

ACTS: Sequence[Act] = (
    Act(what="answers well", happens=_APP, ready=True, play=_named("good"), by=ALL, verbs="plan write", built=True),
    Act(
        what="answers in FastAPI, slowly",
        happens=_APP,
        ready=True,
        play=_named("slow"),
        by=["anthropic"],
        framework="fastapi",
        verbs="plan write",
        built=True,
    ),
    Act(
        what="answers byte by byte",
        happens=_APP,
        ready=True,
        play=_named("split at every byte"),
        by=["openai"],
        verbs="plan write",
    ),
    Act(
        what="is cut off in the plan",
        happens=f"asked once more, with more room; {_APP}",
        ready=True,
        play=_named("truncated in plan"),
        by=["compatible"],
        verbs="plan plan write",
    ),
    Act(
        what="is cut off in every plan",
        says="No plan was made. The answer of {vendor} reached its length limit before its end. "
        "Try again, or ask for less at once.",
        happens=_END,
        ready=False,
        play=_named("truncated in every plan"),
        by=["openai"],
        verbs="plan plan",
    ),
    Act(
        what="is cut off in a file",
        says="The answer of {vendor} reached its length limit before its end. src/tips.js is continued where it stopped (time 1).",
        happens=f"the rest is asked for and joined; {_APP}",
        ready=True,
        play=_named("truncated in a file"),
        by=ALL,
        verbs="plan write resume",
    ),
    Act(
        what="is cut off in a file again and again",
        says="The file src/tips.js is longer than the model writes in one answer: it was continued 3 times and written anew, "
        "and cut off again. Ask for less at once, or choose another model.",
        happens=_END,
        ready=False,
        play=_never_whole,
        by=["openai"],
        verbs="plan write resume resume resume write",
    ),
    Act(
        what="drops the connection",
        says="The answer of {vendor} broke off before its end. Asked again (try 2).",
        happens=f"asked for what is missing; {_APP}",
        ready=True,
        play=_named("cut off"),
        by=ALL,
        verbs="plan write write",
    ),
    Act(
        what="drops every connection",
        says="These files were not finished: migrations/0001_init.sql, src/resources/index.js, src/tips.js, public/schema.json. "
        "The answer of {vendor} broke off before its end. Try again, or ask for less at once.",
        happens=_END,
        ready=False,
        play=_named("cut off always"),
        by=["anthropic"],
        verbs="plan write write write",
    ),
    Act(
        what="falls silent",
        says="{vendor} did not answer in time. Asked again (try 2).",
        happens=f"asked again; {_APP}",
        ready=True,
        play=_hangs(1),
        by=["openai"],
        verbs="plan write write",
    ),
    Act(
        what="falls silent every time",
        says="{vendor} did not answer in time; try again, or ask for less at once.",
        happens=_END,
        ready=False,
        play=_hangs(9),
        by=["compatible"],
        verbs="plan write write write",
    ),
    Act(
        what="puts markdown fences around files",
        happens=f"they are taken off; {_APP}",
        ready=True,
        play=_named("fenced"),
        by=["openai"],
        framework="fastapi",
        verbs="plan write",
    ),
    Act(
        what="talks around the files",
        happens=f"the talk is left out; {_APP}",
        ready=True,
        play=_named("chatty"),
        by=["compatible"],
        verbs="plan write",
    ),
    Act(
        what="answers with JSON of files",
        happens=f"they are read from it; {_APP}",
        ready=True,
        play=_as_json,
        by=["anthropic"],
        verbs="plan write",
    ),
    Act(
        what='answers with "bash git clone" once',
        says="The answer lacks migrations/0001_init.sql (and 3 more files). Asked again (try 2).",
        happens=f"told what was wrong, and asked again; {_APP}",
        ready=True,
        play=_named("bash git clone at first"),
        by=["anthropic"],
        verbs="plan write write",
    ),
    Act(
        what='answers with "bash git clone" every time',
        says='The model answered with text instead of files: commands for somebody to run. It said: "```bash git clone '
        'https://example.com/todo.git && cd todo && npm install ``` Then open the page." Try again, or choose another model.',
        happens=_END,
        ready=False,
        play=_named("bash git clone"),
        by=["openai"],
        verbs="plan write write write",
    ),
    Act(
        what='writes "rest of the code unchanged" once',
        says="src/tips.js:9: It leaves code out; write the whole file, with nothing elided. Asked again (try 2).",
        happens=f"the file is asked for anew; {_APP}",
        ready=True,
        play=_named("elided at first"),
        by=["compatible"],
        verbs="plan write repair",
    ),
    Act(
        what='writes "rest of the code unchanged" every time',
        says="After 3 tries the files still do not pass validation. src/tips.js:9: It leaves code out; write the whole file, with "
        "nothing elided. Try again, or ask for less at once.",
        happens=_END,
        ready=False,
        play=_named("elided"),
        by=["anthropic"],
        verbs="plan write repair repair",
    ),
    Act(
        what="writes a syntax error",
        says="src/resources/index.js:11: It is not valid JavaScript: this ( is not closed before the next }. Asked again (try 2).",
        happens=f"the file is asked for anew; {_APP}",
        ready=True,
        play=_writes(_WRONG, {_INDEX: INDEX}),
        by=["openai"],
        verbs="plan write repair",
    ),
    Act(
        what="writes a syntax error every time",
        says="After 3 tries the files still do not pass validation. src/resources/index.js:11: It is not valid JavaScript: "
        "this ( is not closed before the next }. Try again, or ask for less at once.",
        happens=_END,
        ready=False,
        play=_writes(_WRONG),
        by=["compatible"],
        verbs="plan write repair repair",
    ),
    Act(
        what="writes an API key into a file",
        says="src/tips.js:1: It holds what looks like an API key; read it from a setting of the app instead. Asked again (try 2).",
        happens=f"the file is asked for anew, and the key is kept nowhere; {_APP}",
        ready=True,
        play=_writes(_LEAK, {"src/tips.js": TIPS}),
        by=["anthropic"],
        verbs="plan write repair",
    ),
    Act(
        what="writes an API key into a file every time",
        says="After 3 tries the files still do not pass validation. src/tips.js:1: It holds what looks like an API key; read it "
        "from a setting of the app instead. Try again, or ask for less at once.",
        happens=_END,
        ready=False,
        play=_writes(_LEAK),
        by=["openai"],
        verbs="plan write repair repair",
    ),
    Act(
        what="uses a package of the list without asking for it",
        says="The package nanoid is used and was not asked for; it was added.",
        happens=f"mended without the model; {_APP}",
        ready=True,
        play=_writes(_NANOID),
        by=["compatible"],
        verbs="plan write",
        built=True,
        files=_NANOID,
    ),
    Act(
        what="wants a package that does not exist",
        says=f"There is no Node.js package '{NO_SUCH_PACKAGE}'; do it without, or with one on the list.",
        happens=f"it is left out; {_APP}",
        ready=True,
        play=_invents,
        by=["openai"],
        verbs="plan write",
    ),
    Act(
        what="forgets /healthz, and listens at a port of its own",
        says="server.js had no GET /healthz; it was added.",
        happens=f"mended without the model; {_APP}",
        ready=True,
        play=_own_server,
        by=["anthropic"],
        verbs="plan write",
        built=True,
    ),
    Act(
        what="writes an app that shows an error page",
        says="GET / answered 500 instead of 200. The model mends it (round 1 of 3).",
        happens=f"the model gets the check and the log; {_APP}",
        ready=True,
        play=_writes({_PAGES: BROKEN_PAGES}, {_PAGES: PAGES}),
        by=["anthropic"],
        verbs="plan write repair",
        built=True,
    ),
    Act(
        what="mends an error page with the same error",
        says="GET / answered 500 instead of 200. The model changed src/pages.js, and the same failure came again. "
        "Reply with what should be different, or try again.",
        happens=_END,
        ready=False,
        play=_writes({_PAGES: BROKEN_PAGES}, {_PAGES: f"// Another try.\n{BROKEN_PAGES}"}),
        by=["compatible"],
        verbs="plan write repair",
        built=True,
    ),
    Act(
        what="mends an error page with other errors",
        says="In 3 rounds the model changed src/pages.js; src/pages.js; src/pages.js, and it still fails. "
        "Reply with what should be different, or try again.",
        happens=_END,
        ready=False,
        play=_writes({_PAGES: BROKEN_PAGES}, {_PAGES: PLAIN_PAGES}, {_PAGES: SAD_PAGES}, {_PAGES: LOST_PAGES}),
        by=["openai"],
        verbs="plan write repair repair repair",
        built=True,
    ),
    Act(
        what="writes an app whose log gives orders to models",
        says="The app ended by itself with code 1 while it was tried. The model mends it (round 1 of 3).",
        happens=f"the log goes back as data between marks that it cannot know; {_APP}",
        ready=True,
        play=_writes({_PAGES: INJECTED}, {_PAGES: PAGES}),
        by=["openai"],
        verbs="plan write repair",
        built=True,
    ),
    Act(
        what="obeys a description that gives orders",
        says="The file path '.github/workflows/run.yml' is not accepted: '.github' belongs to the tools.",
        happens=f"the orders are data, what was written for them is checked as everything; {_APP}",
        ready=True,
        play=_named("prompt injection"),
        by=["anthropic"],
        verbs="plan write",
        built=True,
    ),
    Act(
        what="writes to paths outside of the app",
        says="The file path '../../etc/cron.d/nexus' is not accepted: it has an empty, '.' or '..' part.",
        happens=f"they are left out; {_APP}",
        ready=True,
        play=_named("hostile paths"),
        by=["compatible"],
        verbs="plan write",
    ),
    Act(
        what="refuses",
        says="{vendor} declined to write this.{quote} Describe the app in other words.",
        happens=_END,
        ready=False,
        play=_named("refusing"),
        by=ALL,
        verbs="plan",
    ),
    Act(
        what="refuses in the middle",
        says="{vendor} declined to write this.{quote} Describe the app in other words.",
        happens=_END,
        ready=False,
        play=_named("refusing in files"),
        by=["anthropic"],
        verbs="plan write",
    ),
    Act(
        what="is overloaded",
        says="{vendor} is overloaded; try again in a few minutes, or choose another provider.",
        happens=f"asked up to four times, with pauses; {_END}, or another provider takes over (below)",
        ready=False,
        play=_named("overloaded"),
        by=ALL,
        verbs="plan plan plan plan",
    ),
    Act(
        what="is overloaded in the middle of an answer",
        says="{vendor} is overloaded. Asked again (try 2).",
        happens=f"asked for what is missing; {_APP}",
        ready=True,
        play=_named("overloaded inside the stream"),
        by=["anthropic"],
        verbs="plan write write",
    ),
    Act(
        what="limits the rate, for a second",
        happens=f"asked again when the vendor says; {_APP}",
        ready=True,
        play=_named("rate-limited with Retry-After"),
        by=["openai"],
        verbs="plan plan write",
    ),
    Act(
        what="limits the rate, for an hour",
        says="{vendor} accepts no more requests from this key for now; try again in about 60 minutes.",
        happens=f"{_END}, or another provider takes over",
        ready=False,
        play=_named("rate-limited for an hour"),
        by=["anthropic"],
        verbs="plan",
    ),
    Act(
        what="has no credit left",
        says="The {vendor} account has no credit left; add credit there, or use another key.",
        happens=f"{_END}, or another provider takes over",
        ready=False,
        play=_fails(NO_CREDIT),
        by=["openai"],
        verbs="plan",
    ),
    Act(
        what="does not know the key",
        says="Anthropic does not accept the API key; correct ANTHROPIC_API_KEY and start Nexus again.",
        happens=_END,
        ready=False,
        play=_fails(WRONG_KEY),
        by=["anthropic"],
        verbs="plan",
    ),
    Act(
        what="does not know the model",
        says="{vendor} knows no model named gpt-6.2-sol; choose another one in the settings.",
        happens=_END,
        ready=False,
        play=_fails(UNKNOWN_MODEL),
        by=["openai"],
        verbs="plan",
    ),
)

#: what is played on an app that is live, or by two vendors; what the tests of these say is here, for the document
MORE: Mapping[str, tuple[str, str]] = {
    "is overloaded, and another provider is configured": (
        "Anthropic is overloaded; OpenAI wrote it instead.",
        f"the other one takes over, for a minute; {_APP}",
    ),
    "changes a few lines by exact edits": ("", "a new revision; all other files are the same to the byte, and the rows stay"),
    "changes by edits that do not fit": (
        "src/resources/index.js: The edit was not made, because its text does not occur in the file. Asked again (try 2).",
        "told so, and asked for the whole file; a new revision",
    ),
    "changes by edits that never fit": (
        "The model's change of src/resources/index.js does not fit the file. The edit was not made, because its text does not "
        "occur in the file. Ask for the change in other words.",
        f"{_END}; what is live stays",
    ),
    "changes a migration that was released": (
        "migrations/0001_init.sql: It was released and may not change; leave it, and put the change into a new, "
        "higher-numbered file. Asked again (try 2).",
        "told so; the change comes as a new migration",
    ),
    "is cancelled in the middle of an answer": (
        "Cancelled by alice. Nothing was changed.",
        "the request to the vendor is closed at once; what it cost is counted",
    ),
    "is in the middle of an answer when Nexus is killed": (
        "Nexus was interrupted here and goes on.",
        f"asked anew after the start; {_APP}",
    ),
}


def table() -> str:
    """The document's table."""
    rows = ["| the model or its vendor | the thread says | what happens |", "|---|---|---|"]
    for act in ACTS:
        rows.append(_row(act.what, act.said("OpenAI", ' It said: "…"'), act.happens))
    rows += [_row(what, said, happens) for what, (said, happens) in MORE.items()]
    return "\n".join(rows) + "\n"


def _row(what: str, said: str, happens: str) -> str:
    return f"| {what} | {said or '–'} | {happens} |"


def with_table(document: str) -> str:
    """The document with the table as it should be."""
    before, rest = document.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
