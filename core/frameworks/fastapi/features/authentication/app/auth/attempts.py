"""How often a password may be guessed. Kept in the database, because several instances of the app may run."""

from app.db import database

MOST = 10
WINDOW = "interval '15 minutes'"
ADDRESS = "sha256(convert_to(lower($1), 'UTF8'))"


class TooMany(Exception):
    """Too many tries; ``seconds`` until the next may be made."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many wrong passwords for this address. Try again in {-(-seconds // 60)} min.")
        self.seconds = seconds


async def count(email: str) -> None:
    """Note a try before the password is looked at, in one statement, so that tries at the same time are counted too; raises TooMany."""
    await database.row(f"DELETE FROM auth_attempts WHERE last_tried < now() - {WINDOW}")
    noted = await database.row(
        f"INSERT INTO auth_attempts AS kept (address_hash, tried, last_tried) VALUES ({ADDRESS}, ARRAY[now()], now()) "
        f"ON CONFLICT (address_hash) DO UPDATE SET tried = (kept.tried || now())[cardinality(kept.tried) - {MOST - 2}:], "
        f"last_tried = now() WHERE cardinality(kept.tried) < {MOST} OR kept.tried[1] < now() - {WINDOW} RETURNING address_hash",
        email,
    )
    if noted is None:
        seconds = await database.value(
            f"SELECT ceil(extract(epoch FROM tried[1] + {WINDOW} - now())) FROM auth_attempts WHERE address_hash = {ADDRESS}", email
        )
        raise TooMany(max(1, int(seconds or 1)))


async def forgive(email: str) -> None:
    """The password was right."""
    await database.row(f"DELETE FROM auth_attempts WHERE address_hash = {ADDRESS}", email)
