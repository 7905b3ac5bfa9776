"""Which files are for people and not for machines: a README may say what it likes."""

from __future__ import annotations


def is_prose(path: str) -> bool:
    return path.lower().endswith((".md", ".mdx", ".txt", ".rst"))
