"""The resources we read and write, and their paths."""

from dataclasses import dataclass

from webhook.core.model import API_VERSIONS

_PLURALS = {
    "LimitRange": "limitranges",
    "ResourceQuota": "resourcequotas",
    "NetworkPolicy": "networkpolicies",
    "ConfigMap": "configmaps",
    "RoleBinding": "rolebindings",
}

_STATUS = {"ResourceQuota": ("used",)}


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind as the API server serves it; `plural` is its name in a path."""

    kind: str
    api_version: str
    plural: str
    status: tuple[str, ...] = ()
    """The fields of `status` that somebody of ours looks at; no other is kept."""
    status_is_news: bool = False
    """Whether a change of nothing else asks for a pass: it does where we write the status."""

    @property
    def collection(self) -> str:
        """The path of all objects of this kind in the cluster."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        return f"{root}/{self.plural}"

    def path(self, namespace: str, name: str) -> str:
        """The path of one object; for the kind Namespace, `namespace` is empty."""
        root = self.collection.removesuffix(self.plural)
        scope = f"namespaces/{namespace}/" if namespace else ""
        return f"{root}{scope}{self.plural}/{name}"


NAMESPACES = Resource("Namespace", "v1", "namespaces", status=("phase", "conditions"), status_is_news=True)
BUNDLE = {
    kind: Resource(kind, api_version, _PLURALS[kind], status=_STATUS.get(kind, ()))
    for kind, api_version in API_VERSIONS.items()
}
