"""Attachments in a prompt: pictures as blocks of their own, texts as fenced data.

Used by `adapters.models.streaming`. Both stand right after the prefix that the requests of a build share, and become part of it, so
that a picture is paid for in full once. Names and contents are somebody's: nothing of them stands outside of a fence.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.generation.prompts import Block, Prompt, fence
from core.words.attachment import Attachment


def attached(prompt: Prompt, attachments: Sequence[Attachment]) -> Prompt:
    """The prompt with the attachments in it."""
    if not attachments:
        return prompt
    last = max((number for number, block in enumerate(prompt.blocks) if block.shared), default=-1)
    blocks = [_block(one) for one in attachments]
    blocks[-1] = Block(text=blocks[-1].text, image=blocks[-1].image, shared=True)
    return Prompt(system=prompt.system, blocks=(*prompt.blocks[: last + 1], *blocks, *prompt.blocks[last + 1 :]))


def _block(one: Attachment) -> Block:
    if one.is_image:
        return Block(text=f"A picture that was sent along with the request, as it is named:\n{fence(one.name)}", image=one)
    text = one.data.decode("utf-8", "replace")
    return Block(text=f"A file that was sent along with the request, its name and its text:\n{fence(one.name)}\n{fence(text)}")
