"""What can go wrong between us and the Kubernetes API, named by who is to blame.

ApiError                  everything below; who only wants to try again later catches this one
├── Unreachable           nobody: no connection, no answer in time, an answer cut short
├── Nonsense              the server: an answer that is not what the API promises
├── NoCredentials         the kubeconfig or the pod: there is nothing to show to the server
└── Refused               the server answered, and the answer is no
    ├── Unauthorized      401  our credentials
    ├── Forbidden         403  the RBAC rules we were installed with
    ├── NotFound          404  the object is not there
    ├── Conflict          409  the object changed since it was read: look again
    ├── AlreadyExists     409  somebody created it first
    ├── Gone              410  the place to go on from is forgotten: list again
    ├── Invalid           400, 422, or 403 by an admission webhook  what we sent
    ├── Busy              429  too many requests; `retry_after` says how long to wait
    └── Unavailable       5xx  the server has trouble of its own
"""

from typing import ClassVar


class ApiError(Exception):
    """A request to the Kubernetes API failed. Its text is a sentence that can be logged as it is."""

    @property
    def cause(self) -> str:
        """What went wrong, without what differs from one try or object to the next."""
        return type(self).__name__


class Unreachable(ApiError):
    """No answer: the API server, or the way to it, is away."""


class Nonsense(ApiError):
    """An answer that cannot be read as what was asked for."""


class NoCredentials(ApiError):
    """Nothing was sent: a token file or an exec plugin gives nothing that the server could be shown."""


class Refused(ApiError):
    """The API server said no. `what` is the request in words: `patch services/status default/web`."""

    advice: ClassVar[str] = ""

    def __init__(self, what: str, status: int, reason: str = "", message: str = "") -> None:
        self.what = what
        self.status = status
        self.reason = reason
        self.message = message
        super().__init__(f"the API server refused to {what}: {status} {reason or 'no reason'}: {message}{self.advice}")

    @property
    def cause(self) -> str:
        """The answer, the verb and the resource."""
        return " ".join([str(self.status), *self.what.split()[:2]])


class Unauthorized(Refused):
    """The credentials are missing, wrong or expired."""

    advice = "; the credentials of the kubeconfig or of the service account are not valid here"


class Forbidden(Refused):
    """RBAC does not allow it."""

    advice = "; grant that verb on that resource to the user named here, or install the RBAC rules of this version"


class NotFound(Refused):
    """The object, its namespace or the whole kind is not there."""


class Conflict(Refused):
    """The object is not the one that was read any more: another version, or a namesake made anew."""


class AlreadyExists(Refused):
    """An object of that name was there first."""


class Gone(Refused):
    """The resourceVersion or continue token is older than what the server remembers."""


class Invalid(Refused):
    """The server does not accept what was sent."""


class Busy(Refused):
    """The server asks to be left alone for `retry_after` seconds. It has not acted on the request."""

    def __init__(
        self, what: str, status: int, reason: str = "", message: str = "", *, retry_after: float = 1.0
    ) -> None:
        super().__init__(what, status, reason, message)
        self.retry_after = retry_after


class Unavailable(Refused):
    """The server failed on its side. A write may or may not have been made."""


def refusal(what: str, status: int, reason: str, message: str, *, explained: bool, retry_after: float) -> Refused:
    """The error for an answer of status 400 and above; `explained` says whether its Status names causes or an object.

    A JSON patch whose `test` fails, or whose path is not there, is 422 without any details (kube-apiserver 1.36): the
    object is not the one the patch was made for. Values that do not validate are 422 with details.
    """
    match status:
        case 401:
            return Unauthorized(what, status, reason, message)
        case 403 if message.startswith("admission webhook "):
            # Most webhooks deny with 403; it is about this one object, and no verb is missing.
            return Invalid(what, status, reason, message)
        case 403:
            return Forbidden(what, status, reason, message)
        case 404:
            return NotFound(what, status, reason, message)
        case 409 if reason == "AlreadyExists":
            return AlreadyExists(what, status, reason, message)
        case 409:
            return Conflict(what, status, reason, message)
        case 410:
            return Gone(what, status, reason, message)
        case 422 if not explained:
            return Conflict(what, status, reason, message)
        case 429:
            return Busy(what, status, reason, message, retry_after=retry_after)
        case _ if status >= 500:
            return Unavailable(what, status, reason, message)
        case _:
            return Invalid(what, status, reason, message)
