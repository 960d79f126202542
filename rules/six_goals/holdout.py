"""Holdout: accounts left alone on purpose, to learn what the tasks are worth."""

from hashlib import sha256


def holdout_bucket(salt: str, goal: str, account_id: str) -> int:
    """Return the account's bucket, 0 to 99: the same in every run, for one goal and salt."""
    digest = sha256(f"{salt}|{goal}|{account_id}".encode()).hexdigest()
    return int(digest[:8], 16) % 100


def is_held_out(salt: str, goal: str, account_id: str, percent: int = 10) -> bool:
    """Say whether the account gets no task for this goal. Source: domain 3."""
    return holdout_bucket(salt, goal, account_id) < percent
