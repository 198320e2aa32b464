"""Paths are those of the API server."""

import pytest

from webhook.adapters.kube import resources


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (resources.NAMESPACES.collection, "/api/v1/namespaces"),
        (resources.NAMESPACES.path("", "a"), "/api/v1/namespaces/a"),
        (resources.BUNDLE["LimitRange"].collection, "/api/v1/limitranges"),
        (resources.BUNDLE["ResourceQuota"].path("a", "b"), "/api/v1/namespaces/a/resourcequotas/b"),
        (
            resources.BUNDLE["NetworkPolicy"].path("a", "b"),
            "/apis/networking.k8s.io/v1/namespaces/a/networkpolicies/b",
        ),
        (
            resources.BUNDLE["RoleBinding"].collection,
            "/apis/rbac.authorization.k8s.io/v1/rolebindings",
        ),
    ],
)
def test_path(path: str, expected: str) -> None:
    assert path == expected
