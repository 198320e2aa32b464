"""A container's environment and arguments, as the kubelet makes them from the Pod and what it refers to."""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from tools.standin.errors import NotYetError

Manifest = Mapping[str, Any]
Read = Callable[[str, str], Mapping[str, bytes] | None]
"""The entries of one of the "secrets" or "configmaps" beside the Pod, by its name; None: no such object."""

_REFERENCE = re.compile(r"\$\$|\$\(([^)]*)\)")
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")
_SOURCES = {"configMapKeyRef": "configmaps", "secretKeyRef": "secrets"}
_WHOLE = {"configMapRef": "configmaps", "secretRef": "secrets"}


def expand(text: str, values: Mapping[str, str]) -> str:
    """$(NAME) is the value, $$ a dollar; what is not known stays as it is written."""

    def value(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else values.get(found[1], found[0])

    return _REFERENCE.sub(value, text)


def entries(found: Manifest) -> dict[str, bytes]:
    """What a Secret or ConfigMap holds."""
    if found["kind"] == "Secret":
        return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}
    texts = {key: value.encode() for key, value in (found.get("data") or {}).items()}
    binary = {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}
    return texts | binary


def resolve(
    container: Manifest, pod: Manifest, ip: str, read: Read, base: Mapping[str, str]
) -> dict[str, str]:
    """`base` and what the container adds to it, in its order. Raises NotYetError for what is not there."""
    values = dict(base)
    for source in container.get("envFrom") or []:
        values |= _all_of(source, read)
    for variable in container.get("env") or []:
        value = _value(variable, pod, ip, read, values)
        if value is not None:
            values[variable["name"]] = value
    return values


def field(pod: Manifest, ip: str, path: str) -> str:
    """What a fieldRef names."""
    metadata = pod["metadata"]
    if found := _SUBSCRIPT.fullmatch(path):
        return str((metadata.get(found[1]) or {}).get(found[2], ""))
    known = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "metadata.labels": _lines(metadata.get("labels") or {}),
        "metadata.annotations": _lines(metadata.get("annotations") or {}),
        "spec.nodeName": pod["spec"].get("nodeName", ""),
        "spec.serviceAccountName": pod["spec"].get("serviceAccountName", ""),
        "status.podIP": ip,
        "status.podIPs": ip,
        "status.hostIP": "127.0.0.1",
        "status.hostIPs": "127.0.0.1",
    }
    if path not in known:
        raise NotYetError("CreateContainerConfigError", f"the stand-in knows no field {path}")
    return str(known[path])


def _all_of(source: Manifest, read: Read) -> dict[str, str]:
    (word,) = (each for each in _WHOLE if each in source)
    reference = source[word]
    found = read(_WHOLE[word], reference["name"])
    if found is None and not reference.get("optional"):
        raise _missing(_WHOLE[word], reference["name"])
    prefix = source.get("prefix", "")
    return {prefix + key: value.decode() for key, value in (found or {}).items()}


def _value(variable: Manifest, pod: Manifest, ip: str, read: Read, values: Mapping[str, str]) -> str | None:
    """None: an optional source that is not there leaves the variable unset."""
    source = variable.get("valueFrom")
    if not source:
        return expand(variable.get("value", ""), values)
    if "fieldRef" in source:
        return field(pod, ip, source["fieldRef"]["fieldPath"])
    for word, kind in _SOURCES.items():
        if word in source:
            return _entry(kind, source[word], read)
    kinds = ", ".join(source)
    raise NotYetError("CreateContainerConfigError", f"{variable['name']}: the stand-in has no {kinds}")


def _entry(kind: str, reference: Manifest, read: Read) -> str | None:
    found = read(kind, reference["name"])
    if found is not None and reference["key"] in found:
        return found[reference["key"]].decode()
    if reference.get("optional"):
        return None
    if found is None:
        raise _missing(kind, reference["name"])
    text = f"couldn't find key {reference['key']} in {kind} {reference['name']}"
    raise NotYetError("CreateContainerConfigError", text)


def _missing(kind: str, name: str) -> NotYetError:
    return NotYetError("CreateContainerConfigError", f'{kind} "{name}" not found')


def _lines(values: Mapping[str, str]) -> str:
    return "\n".join(f'{key}="{value}"' for key, value in sorted(values.items()))
