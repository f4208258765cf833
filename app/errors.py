"""Errors of `app`, and the one table that ties code, exception and HTTP status together.

FewclickError
├── NotFound                 no such project, item, job or suggestion
├── Conflict                 the request is fine, the state is not
│   ├── VersionConflict      the item was annotated by someone else since it was read
│   ├── LeaseLost            the lease ran out and another annotator holds the item
│   ├── Busy                 the project already has a running job
│   ├── AlreadyExists        the name is taken
│   ├── EmptyPool            there is nothing left to ask
│   └── NoLabels             there is nothing to train on yet
├── InvalidRequest           the body does not fit the schema
├── Unauthorized             who are you
├── Forbidden                you may not
├── TooManyAttempts          wait before the next log-in
├── TooLarge                 the body is over the limit
├── JobFailed                a job that was waited for ended without a result
├── WorkspaceError           the folder is no workspace, or of another version
└── InternalError            a fault of ours; the log has it
"""

from alcore import errors as alcore_errors
from prompts import errors as prompt_errors


class FewclickError(Exception):
    """Base of all errors raised by `app`."""

    code = "fewclick_error"


class NotFound(FewclickError):
    """There is no such project, item, job or suggestion."""

    code = "not_found"


class Conflict(FewclickError):
    """The request is well formed, but the state does not allow it."""

    code = "conflict"


class VersionConflict(Conflict):
    """The item was annotated by someone else since it was read."""

    code = "version_conflict"


class LeaseLost(Conflict):
    """The lease ran out and another annotator took the item, or it was never held."""

    code = "lease_lost"


class Busy(Conflict):
    """The project already has a job that waits or runs."""

    code = "busy"


class AlreadyExists(Conflict):
    """The name is taken."""

    code = "already_exists"


class EmptyPool(Conflict):
    """Every image of the project is queued, labeled or skipped."""

    code = "empty_pool"


class NoLabels(Conflict):
    """There are too few accepted annotations to train on."""

    code = "no_labels"


class InvalidRequest(FewclickError, ValueError):
    """The body or a parameter does not fit the schema."""

    code = "invalid_request"


class Unauthorized(FewclickError):
    """No valid token or log-in came with the request."""

    code = "unauthorized"


class Forbidden(FewclickError):
    """The caller may not do this here."""

    code = "forbidden"


class TooManyAttempts(FewclickError):
    """Too many failed log-ins; wait a little."""

    code = "too_many_attempts"


class TooLarge(FewclickError):
    """The body is larger than the limit in the settings."""

    code = "too_large"


class JobFailed(FewclickError):
    """A job that was waited for failed or was cancelled."""

    code = "job_failed"


class WorkspaceError(FewclickError):
    """The folder is no workspace, or was written by a newer version."""

    code = "workspace_error"


class InternalError(FewclickError):
    """A fault of the server's own; its log has the details."""

    code = "internal_error"


ERRORS: dict[type[Exception], int] = {
    FewclickError: 500,
    NotFound: 404,
    Conflict: 409,
    VersionConflict: 409,
    LeaseLost: 409,
    Busy: 409,
    AlreadyExists: 409,
    EmptyPool: 409,
    NoLabels: 409,
    InvalidRequest: 422,
    Unauthorized: 401,
    Forbidden: 403,
    TooManyAttempts: 429,
    TooLarge: 413,
    JobFailed: 409,
    WorkspaceError: 500,
    InternalError: 500,
    alcore_errors.AlcoreError: 500,
    alcore_errors.InvalidInput: 422,
    alcore_errors.UnknownName: 422,
    alcore_errors.MissingInput: 422,
    alcore_errors.UnreadableImage: 422,
    alcore_errors.StoreError: 500,
    alcore_errors.ModelFileError: 422,
    alcore_errors.Cancelled: 409,
    prompt_errors.PromptError: 500,
    prompt_errors.InvalidPrompt: 422,
    prompt_errors.UnknownModel: 422,
    prompt_errors.StateMismatch: 409,
    prompt_errors.CheckpointError: 422,
    prompt_errors.DatasetError: 422,
}
"""HTTP status of every exception that may leave the service; a subclass that is not listed takes its parent's."""

_BY_CODE: dict[str, type[Exception]] = {error.code: error for error in ERRORS}  # type: ignore[attr-defined]


def status_of(error: Exception) -> int:
    """HTTP status that an exception is answered with; 500 for one that we do not know."""
    return next((ERRORS[kind] for kind in type(error).__mro__ if kind in ERRORS), 500)


def code_of(error: Exception) -> str:
    """Stable code that an exception is answered with."""
    known = any(kind in ERRORS for kind in type(error).__mro__)
    return str(getattr(error, "code", InternalError.code)) if known else InternalError.code


def error_of(code: str, detail: str) -> Exception:
    """The exception that a client raises for a code that the server sent."""
    return _BY_CODE.get(code, FewclickError)(detail)
