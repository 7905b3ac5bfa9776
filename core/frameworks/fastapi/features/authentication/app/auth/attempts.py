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
    """Note a try before the password is looked at, so that tries at the same time are counted too; raises TooMany."""
    await database.row(f"DELETE FROM auth_attempts WHERE tried_at < now() - {WINDOW}")
    noted = await database.row(f"INSERT INTO auth_attempts (address_hash) VALUES ({ADDRESS}) RETURNING id", email)
    tries = await database.row(
        f"SELECT count(*) AS tries, ceil(extract(epoch FROM min(tried_at) + {WINDOW} - now())) AS seconds "
        f"FROM auth_attempts WHERE address_hash = {ADDRESS} AND tried_at > now() - {WINDOW}",
        email,
    )
    if tries["tries"] > MOST:
        await database.row("DELETE FROM auth_attempts WHERE id = $1", noted["id"])  # or the wait would never end
        raise TooMany(max(1, int(tries["seconds"])))


async def forgive(email: str) -> None:
    """The password was right."""
    await database.row(f"DELETE FROM auth_attempts WHERE address_hash = {ADDRESS}", email)
