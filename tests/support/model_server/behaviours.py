"""Behaviours by name, for an app of any plan and files: what models have been seen to do.

`ModelServer.play` plays one; each is the plans and the answers with files, the last of which repeats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from core.generation import sentinels
from core.words.plan import Plan
from tests.support.model_server.replies import (
    GIT_CLONE,
    OVERLOADED,
    RATE_LIMITED,
    Error,
    Reply,
    planning,
    saying,
    writing,
    writing_what_is_asked,
)

Script = tuple[list[Reply], list[Reply]]
Behaviour = Callable[[Plan, Mapping[str, str]], Script]

HOSTILE = {
    "../../etc/cron.d/nexus": "* * * * * root true\n",
    "/etc/passwd": "root::0:0::/:/bin/sh\n",
    ".git/hooks/post-checkout": "#!/bin/sh\ntrue\n",
    ".npmrc": "ignore-scripts=false\n",
    "C:\\autoexec.bat": "echo\n",
    "node_modules/left/index.js": "module.exports = 1\n",
}
INVENTED = "fastapi-todo-ultra-helper-9000"


def _last(files: Mapping[str, str]) -> tuple[str, str]:
    """The longest file, which behaviours spoil."""
    return max(files.items(), key=lambda item: len(item[1]))


def _spoiled(files: Mapping[str, str], text: str) -> dict[str, str]:
    return {**files, _last(files)[0]: text}


def _truncated(files: Mapping[str, str]) -> Reply:
    """All files, cut in the middle of the last one."""
    path, text = _last(files)
    order = {other: content for other, content in files.items() if other != path} | {path: text}

    def cut(nonce: str) -> str:
        whole = "".join(sentinels.emit(one, content, nonce) for one, content in order.items())
        return whole[: whole.rindex(text) + len(text) // 2]

    return Reply(text=cut, stop="length")


def _elided(files: Mapping[str, str]) -> Mapping[str, str]:
    path, text = _last(files)
    mark = "//" if path.endswith((".js", ".ts", ".tsx", ".jsx", ".vue")) else "--" if path.endswith(".sql") else "#"
    lines = text.splitlines(keepends=True)
    return _spoiled(files, "".join(lines[: max(1, len(lines) // 2)]) + f"{mark} ... rest of the code unchanged ...\n")


BEHAVIOURS: Mapping[str, Behaviour] = {
    "good": lambda plan, files: ([planning(plan)], [writing_what_is_asked(files)]),
    "slow": lambda plan, files: ([planning(plan, pause=0.005)], [writing_what_is_asked(files, piece=200, pause=0.005)]),
    "split at every byte": lambda plan, files: ([planning(plan, by_byte=True)], [writing_what_is_asked(files, by_byte=True)]),
    "truncated in plan": lambda plan, files: (
        [saying(plan.model_dump_json()[: len(plan.model_dump_json()) // 2], stop="length"), planning(plan)],
        [writing_what_is_asked(files)],
    ),
    "truncated in every plan": lambda plan, files: (
        [saying(plan.model_dump_json()[: len(plan.model_dump_json()) // 2], stop="length")],
        [writing_what_is_asked(files)],
    ),
    "truncated in a file": lambda plan, files: ([planning(plan)], [_truncated(files), writing_what_is_asked(files)]),
    "truncated in every answer": lambda plan, files: ([planning(plan)], [saying("half a", stop="length")]),
    "fenced": lambda plan, files: (
        [saying(f"```json\n{plan.model_dump_json(indent=1)}\n```")],
        [writing_what_is_asked({path: f"```\n{text}```" for path, text in files.items()})],
    ),
    "chatty": lambda plan, files: (
        [saying(f"Sure! Here is the plan:\n\n{plan.model_dump_json()}\n\nShall I go on?")],
        [Reply(answer=lambda nonce, prompt: f"Of course!\n{_asked(files, nonce, prompt)}\nEnjoy!\n")],
    ),
    "bash git clone": lambda plan, files: ([planning(plan)], [GIT_CLONE]),
    "bash git clone at first": lambda plan, files: ([planning(plan)], [GIT_CLONE, writing_what_is_asked(files)]),
    "elided": lambda plan, files: ([planning(plan)], [writing_what_is_asked(_elided(files))]),
    "elided at first": lambda plan, files: ([planning(plan)], [writing(_elided(files)), writing_what_is_asked(files)]),
    "refusing": lambda plan, files: ([saying("", stop="refusal")], [saying("", stop="refusal")]),
    "refusing in files": lambda plan, files: ([planning(plan)], [saying("I", stop="refusal")]),
    "overloaded": lambda plan, files: ([Reply(error=OVERLOADED)], [Reply(error=OVERLOADED)]),
    "overloaded at first": lambda plan, files: (
        [Reply(error=OVERLOADED), planning(plan)],
        [Reply(error=OVERLOADED), writing_what_is_asked(files)],
    ),
    "overloaded inside the stream": lambda plan, files: (
        [planning(plan)],
        [writing(files, error=OVERLOADED, error_after=2), writing_what_is_asked(files)],
    ),
    "cut off": lambda plan, files: ([planning(plan)], [writing(files, cut_after=4), writing_what_is_asked(files)]),
    "cut off always": lambda plan, files: ([planning(plan)], [writing(files, cut_after=2)]),
    "rate-limited with Retry-After": lambda plan, files: (
        [Reply(error=_limited("1")), planning(plan)],
        [writing_what_is_asked(files)],
    ),
    "rate-limited for an hour": lambda plan, files: ([Reply(error=_limited("3600"))], [Reply(error=_limited("3600"))]),
    "hostile paths": lambda plan, files: ([planning(plan)], [writing({**HOSTILE, **files}), writing_what_is_asked(files)]),
    "invented packages": lambda plan, files: (
        [planning(plan.model_copy(update={"dependencies": [*plan.dependencies, INVENTED]}))],
        [writing_what_is_asked(files)],
    ),
    "prompt injection": lambda plan, files: (
        # A model that obeyed: it writes what an injected text asked for, beside the app.
        [planning(plan)],
        [
            Reply(
                answer=lambda nonce, prompt: (
                    _asked(files, nonce, prompt)
                    + sentinels.emit(".env", "OPENAI_API_KEY=${OPENAI_API_KEY}\n", nonce)
                    + sentinels.emit(".github/workflows/run.yml", "on: push\n", nonce)
                )
            ),
            writing_what_is_asked(files),
        ],
    ),
}


def _asked(files: Mapping[str, str], nonce: str, prompt: str) -> str:
    return writing_what_is_asked(files).said(nonce, prompt)


def _limited(seconds: str) -> Error:
    return replace(RATE_LIMITED, headers={"retry-after": seconds})
