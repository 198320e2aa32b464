"""What can go wrong when a decision cannot be made. A denial is a value, never one of these.

NsProvisionerError
 +- InvalidPolicyError    the catalogue file is broken; carries every problem
 +- InvalidQuantityError  text that is not a Kubernetes quantity
 +- MalformedReviewError  a request that is not an AdmissionReview we serve (HTTP 4xx)
 +- (beside the code that raises them: settings, listeners, certificates, tokens, credentials)
 +- ClusterError          the API server refused or could not be reached
     +- ClusterUnavailableError  passing: try again
     |   +- CredentialsRejectedError  401: the API server does not take what we say we are
     |   +- LeadershipLostError       another replica leads, or may: this write was not sent
     |   +- TooLargeVersionError      504: a resource version that the server has not seen yet
     +- ConflictError            the object exists, or has changed meanwhile
     |   +- ForeignObjectError   somebody else's object stands where ours belongs
     +- NotFoundError            the object is not there
     +- RejectedError            the request itself is wrong or forbidden: not worth repeating
     +- ExpiredError             the resource version is too old (410): list again
"""

from collections.abc import Sequence
from dataclasses import dataclass


class NsProvisionerError(Exception):
    """Base of every error that this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file: where, what, and the way out."""

    path: str
    detail: str
    suggestion: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}" + (f" ({self.suggestion})" if self.suggestion else "")


class InvalidPolicyError(NsProvisionerError):
    """The tier catalogue cannot be used; `problems` has everything that is wrong with it.

    `source` names the file, where it is known.
    """

    def __init__(self, problems: Sequence[Problem], *, source: str = "") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InvalidQuantityError(NsProvisionerError):
    """Text that the API server would not accept as a quantity."""


class MalformedReviewError(NsProvisionerError):
    """The request cannot be read as an admission.k8s.io/v1 AdmissionReview for a Namespace."""


class ClusterError(NsProvisionerError):
    """An answer of the API server that is not a success.

    `code` is the HTTP status (0 when there was none); `reason` the Status reason, such as
    AlreadyExists.
    """

    def __init__(self, message: str, *, code: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


class ClusterUnavailableError(ClusterError):
    """Network trouble, 429, 5xx, or a webhook that could not be called.

    `retry_after` is in seconds, None when the server named no time.
    """

    def __init__(
        self, message: str, *, code: int = 0, reason: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message, code=code, reason=reason)
        self.retry_after = retry_after


class CredentialsRejectedError(ClusterUnavailableError):
    """401, after our credentials were read anew, too: passing, for who issues them may yet recover."""


class LeadershipLostError(ClusterUnavailableError):
    """A write of the leader's that was held back, because the time of its lease is over."""


class TooLargeVersionError(ClusterUnavailableError):
    """504 with the cause ResourceVersionTooLarge: ask this server without naming a version."""


class ConflictError(ClusterError):
    """409: the object exists, has changed meanwhile, or another manager owns the field."""


class ForeignObjectError(ConflictError):
    """An object of that name exists and was not made by us: it is left alone."""


class NotFoundError(ClusterError):
    """404."""


class RejectedError(ClusterError):
    """Any other 4xx: repeating the same request cannot help."""


class ExpiredError(ClusterError):
    """410, as an HTTP status or inside a watch stream."""
