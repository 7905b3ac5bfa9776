"""Installs ``requirements.lock`` of the working folder into its ``.venv``, with uv: ``install_fastapi.py UV PYTHON``.

Wheels only, so that no code of a package runs; first from the shared cache alone, which takes no network round trip, and from
the index where something is missing. Byte code is made here, because the folder is read-only afterwards.
"""

from __future__ import annotations

import os
import subprocess
import sys


def main(uv: str, python: str) -> int:
    os.environ.setdefault("PYC_INVALIDATION_MODE", "UNCHECKED_HASH")
    subprocess.run(
        [uv, "venv", "--quiet", "--relocatable", "--no-project", "--no-config", "--python", python, ".venv"], check=True
    )
    install = [uv, "pip", "install", "--no-config", "--python", ".venv", "--only-binary", ":all:", "--compile-bytecode"]
    install += ["--requirement", "requirements.lock"]
    cached = subprocess.run([*install, "--quiet", "--offline"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return 0 if cached.returncode == 0 else subprocess.run(install).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
