"""Who may do what: one table for the gate, the API and the page."""

import re
from dataclasses import dataclass
from typing import Literal

Role = Literal["annotator", "scientist", "operator"]
"""An annotator works on images; a scientist also runs projects and judges readers; an operator also keeps users."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_WORK = re.compile(r"/v1/(items/.*|projects/\d+/(next|batch|heartbeats))|/logout|(?!/v1/).*")
"""What an annotator may change; the page's own callbacks ask for the role themselves."""

_JUDGING = re.compile(r"/v1/(projects/\d+/(agreement|gold)|items/\d+/adjudication(/lease)?)")
"""What an annotator may not even see: readers stay blind to each other, and nobody knows which images are gold."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """A person who may log in."""

    password_hash: str
    role: Role
    is_active: bool


def may(role: Role, method: str, path: str) -> bool:
    """Whether a role may send a request; `path` is without a proxy's prefix."""
    if path == "/v1/users" or path.startswith("/v1/users/"):
        return role == "operator"
    if role == "annotator" and _JUDGING.fullmatch(path):
        return False
    return role != "annotator" or method in SAFE_METHODS or _WORK.fullmatch(path) is not None
