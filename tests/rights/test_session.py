"""At the end of the session: what our accounts did on the plane that the tests share."""

from tests.rights import audit
from tools.controlplane.plane import ControlPlane
from tools.dev import accounts
from tools.dev.installation import Installation
from webhook.adapters import catalogue_file
from webhook.codec import rbac
from webhook.core import rights


def test_no_request_of_ours_was_forbidden_or_used_another_right_than_the_roles_grant(
    plane: ControlPlane, product: Installation
) -> None:
    granted = audit.granted(rbac.manifests(catalogue_file.load(None), rights.ROLES, accounts.NAMESPACE))
    made = audit.requests(plane.audit_log)
    assert len(made) > len(product.processes)
    assert {request.use.user for request in made} <= set(accounts.users(rights.ROLES))
    assert [str(request) for request in made if request.was_forbidden] == []
    used = {request.use for request in made}
    assert {use for use in used if not any(audit.covers(right, use) for right in granted)} == set()
