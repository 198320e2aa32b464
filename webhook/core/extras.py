"""Extra manifests of a tier: more objects for each namespace, of a few kinds that cannot leave it.

They are read into the form in which the API server gives them back, so that an object that nobody
touched never looks changed. That is why free NetworkPolicies are not among them: a tier names those
it wants. Placeholders stand in texts only, never in a name: there is no code in a catalogue.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from webhook.core.document import Document
from webhook.core.model import API_VERSIONS, Manifest, ObjectKey, key_of

PLACEHOLDERS = ("name", "team", "tier")

_CONTENT = {
    "ConfigMap": ("data",),
    "ResourceQuota": ("spec",),
    "RoleBinding": ("roleRef", "subjects"),
}

KINDS = tuple(_CONTENT)
"""What a tier may add: namespaced, not secret, and nothing that gives rights beyond the namespace."""

_RBAC = "rbac.authorization.k8s.io"
_FORBIDDEN_ROLES = ("cluster-admin",)
_PLACEHOLDER = re.compile(r"\$\{([^}]{0,40})\}")
_OWN_KEYS = re.compile(r"platform/|app\.kubernetes\.io/managed-by")
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_KEY = re.compile(
    rf"({_LABEL}(\.{_LABEL}){{0,9}}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?", re.ASCII
)
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
_FILE = re.compile(r"(?!\.$|\.\.)[-._a-zA-Z0-9]{1,253}", re.ASCII)
_ROLE = re.compile(r"(?!\.{1,2}$)[^/%$]{1,253}")
_SIZE_LIMIT = 200_000
"""Bytes of one manifest's texts; the API server takes 256 KiB of annotations."""


def substituted(value: Any, values: Mapping[str, str]) -> Any:
    """A copy of `value` with the placeholders of its texts filled in."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: values[match.group(1)], value)
    if isinstance(value, Mapping):
        return {key: substituted(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [substituted(item, values) for item in value]
    return value


def read(
    document: Document, path: str, value: object, *, taken: Collection[ObjectKey]
) -> tuple[Manifest, ...]:
    """The manifests of a tier; `taken` are the objects that it has in any case."""
    if not isinstance(value, list):
        document.texts(path, value)
        return ()
    found: dict[ObjectKey, Manifest] = {}
    for index, item in enumerate(value):
        place = f"{path}[{index}]"
        manifest = _manifest(document, place, item)
        if manifest is None:
            continue
        key = key_of(manifest)
        if key in taken or key in found:
            document.problem(place, f"{key} is there already", "give it another name")
        found[key] = manifest
    return tuple(found.values())


def _manifest(document: Document, path: str, item: object) -> Manifest | None:
    """None for what is wrong, which has been told then."""
    told = len(document.problems)
    if not isinstance(item, Mapping):
        document.mapping(path, item)
        return None
    kind = document.text(f"{path}.kind", item.get("kind"))
    if kind not in KINDS:
        if kind:
            document.choice(f"{path}.kind", kind, KINDS, what="a kind that a tier may add")
        return None
    document.mapping(path, item, required=("apiVersion", "kind", "metadata", *_CONTENT[kind]), optional=())
    if "apiVersion" in item:
        document.choice(f"{path}.apiVersion", str(item["apiVersion"]), (API_VERSIONS[kind],))
    if len(str(item).encode(errors="replace")) > _SIZE_LIMIT:
        document.problem(path, "is too large", f"at most {_SIZE_LIMIT} bytes")
        return None
    metadata = _metadata(document, f"{path}.metadata", item.get("metadata"))
    content = _READERS[kind](document, path, item)
    if len(document.problems) > told:
        return None
    return {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": metadata, **content}


def _metadata(document: Document, path: str, value: object) -> Manifest:
    """Name, labels and annotations; where an object lives and who manages it is not the tier's to say."""
    given = document.mapping(path, value, required=("name",), optional=("labels", "annotations"))
    name = document.text(f"{path}.name", given.get("name"))
    if name:
        document.names(path, [name])  # no placeholder, so that two names never become one
    metadata: Manifest = {"name": name}
    for part, values in (("labels", _VALUE), ("annotations", None)):
        if part in given:
            metadata[part] = _keyed(document, f"{path}.{part}", given[part], _KEY, values)
            for key in metadata[part]:
                if _OWN_KEYS.match(key):
                    document.problem(f"{path}.{part}.{key}", "is set by ns-provisioner", "leave it out")
    return metadata


def _keyed(
    document: Document, path: str, value: object, keys: re.Pattern[str], values: re.Pattern[str] | None
) -> dict[str, str]:
    """Texts by key, in the forms that the API server takes."""
    found = {}
    for key, item in document.mapping(path, value).items():
        place = f"{path}.{key}"
        if not keys.fullmatch(str(key)):
            document.problem(
                place, "is not a key that the API server takes", "use letters, digits, '-', '_', '.'"
            )
        if not isinstance(item, str):
            document.problem(place, "must be a text", "put it in quotes")
            continue
        _check_placeholders(document, place, item)
        if values is not None and not values.fullmatch(_sample(item)):
            document.problem(
                place, "is not a value that a label takes", "at most 63 letters, digits, '-', '_', '.'"
            )
        found[str(key)] = item
    return found


def _check_placeholders(document: Document, path: str, text: str) -> None:
    for name in _PLACEHOLDER.findall(text):
        document.choice(path, name, PLACEHOLDERS, what="a placeholder")


def _sample(text: str) -> str:
    """A text with short names for its placeholders."""
    return _PLACEHOLDER.sub("x", text)


def _config_map(document: Document, path: str, item: Mapping[object, object]) -> Manifest:
    data = _keyed(document, f"{path}.data", item.get("data"), _FILE, None)
    if item.get("data") == {}:
        document.problem(f"{path}.data", "is empty", "the API server would drop it")
    return {"data": data}


def _resource_quota(document: Document, path: str, item: Mapping[object, object]) -> Manifest:
    spec = document.mapping(f"{path}.spec", item.get("spec"), required=("hard",), optional=())
    return {"spec": {"hard": document.quota(f"{path}.spec.hard", spec.get("hard"))}}


def _role_binding(document: Document, path: str, item: Mapping[object, object]) -> Manifest:
    """Binds a ClusterRole, and to no subject of the system: access stays within the namespace."""
    place = f"{path}.roleRef"
    role = document.mapping(place, item.get("roleRef"), required=("kind", "name"), optional=("apiGroup",))
    document.choice(f"{place}.kind", str(role.get("kind")), ("ClusterRole",))
    _check_group(document, place, role)
    name = document.text(f"{place}.name", role.get("name"))
    if name in _FORBIDDEN_ROLES or (name and not _ROLE.fullmatch(name)):
        document.problem(
            f"{place}.name", f"{name} is not given away", "name one smaller role, without placeholders"
        )
    subjects = item.get("subjects")
    if not isinstance(subjects, list) or not subjects:
        document.problem(f"{path}.subjects", "must be a list of at least one subject")
        subjects = []
    return {
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [_subject(document, f"{path}.subjects[{at}]", each) for at, each in enumerate(subjects)],
    }


def _subject(document: Document, path: str, value: object) -> Manifest:
    given = document.mapping(path, value, required=("kind", "name"), optional=("apiGroup", "namespace"))
    kind, name = str(given.get("kind")), document.text(f"{path}.name", given.get("name"))
    document.choice(f"{path}.kind", kind, ("Group", "User", "ServiceAccount"), what="a kind of subject")
    _check_placeholders(document, f"{path}.name", name)
    beginning, colon, _ = name.partition(":")
    if name == "*" or (colon and (beginning == "system" or "${" in beginning)):
        document.problem(f"{path}.name", f"{name} may belong to the system", "name a group of your own")
    if kind == "ServiceAccount":
        namespace = document.text(f"{path}.namespace", given.get("namespace", "${name}"))
        for part, text in (("name", name), ("namespace", namespace)):
            _check_placeholders(document, f"{path}.{part}", text)
            document.names(f"{path}.{part}", [_sample(text)])
        if "apiGroup" in given:
            document.choice(f"{path}.apiGroup", str(given["apiGroup"]), ("",))
        return {"kind": kind, "name": name, "namespace": namespace}
    _check_group(document, path, given)
    if "namespace" in given:
        document.problem(f"{path}.namespace", f"a {kind} has none", "leave it out")
    return {"apiGroup": _RBAC, "kind": kind, "name": name}


def _check_group(document: Document, path: str, given: Mapping[object, object]) -> None:
    if "apiGroup" in given:
        document.choice(f"{path}.apiGroup", str(given["apiGroup"]), (_RBAC,))


_READERS: Mapping[str, Callable[[Document, str, Mapping[object, object]], Manifest]] = {
    "ConfigMap": _config_map,
    "ResourceQuota": _resource_quota,
    "RoleBinding": _role_binding,
}
