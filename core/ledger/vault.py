"""The vault: seals secrets at rest with AES-GCM.

Called where settings and tenants' passwords are written and read. The owner and the name of a secret are associated data, so that a
sealed value moved to another row does not open. A token names its key, so that keys can be rotated: new values are sealed with the
first key, old ones open with any.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from core.errors import OperatorError


class Vault:
    """Seals and opens. ``keys`` are 32 bytes each, the newest first."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {hashlib.sha256(key).hexdigest()[:8]: AESGCM(key) for key in keys}
        self._newest = next(iter(self._keys))

    def seal(self, secret: SecretStr, *, owner: str, name: str) -> str:
        """Return an opaque ASCII token ``v1.key.nonce+ciphertext``."""
        nonce = os.urandom(12)
        sealed = self._keys[self._newest].encrypt(nonce, secret.get_secret_value().encode(), f"{owner}\0{name}".encode())
        return f"v1.{self._newest}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, token: str, *, owner: str, name: str) -> SecretStr:
        """Return the secret.

        Raises:
            OperatorError: the key is not here any more, or the value was tampered with or moved.
        """
        _, key_id, body = token.split(".", 2)
        raw = base64.urlsafe_b64decode(body)
        key = self._keys.get(key_id)
        try:
            if key is None:
                raise InvalidTag
            return SecretStr(key.decrypt(raw[:12], raw[12:], f"{owner}\0{name}".encode()).decode())
        except InvalidTag:
            raise OperatorError(
                f"The secret {name!r} of {owner!r} cannot be opened with this data folder's key; restore the key it was sealed with, "
                "or set the value again."
            ) from None
