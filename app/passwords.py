"""Passwords: made here, told once, kept as argon2 hashes; they are never chosen, logged or sent by a page."""

import secrets
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from alcore.errors import InvalidInput
from app.roles import Account

N_BYTES = 12


def new_password() -> str:
    """A password of 96 random bits, as 16 letters, digits and signs."""
    return secrets.token_urlsafe(N_BYTES)


def hash_password(password: str) -> str:
    """What is kept of a password: also the part behind the colon of a line `name:hash` in the users file."""
    return PasswordHasher().hash(password)


def fits_hash(hashed: str, password: str) -> bool:
    """Whether a password is the one that was hashed."""
    try:
        return PasswordHasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def read_users(file: Path | None) -> dict[str, str]:
    """Read `name:argon2 hash` lines; empty ones and those that start with # are skipped.

    Raises:
        InvalidInput: a line is of another form; its number is named, not its content.
    """
    users: dict[str, str] = {}
    for number, line in enumerate(file.read_text("utf-8").splitlines() if file else [], start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, hashed = line.strip().partition(":")
        if not colon or not name or not hashed.startswith("$argon2"):
            raise InvalidInput(f"line {number} of the users file is not `name:argon2 hash`")
        users[name] = hashed
    return users


def file_accounts(file: Path | None) -> dict[str, Account]:
    """The people of a users file; each may do everything, as they could before there were roles."""
    return {name: Account(password_hash=h, role="operator", is_active=True) for name, h in read_users(file).items()}
