"""JSON Schemas for kubeconform from what an API server says of itself, CRDs included."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.controlplane.plane import ControlPlane

LOCATION = "{{ .Group }}_{{ .ResourceAPIVersion }}_{{ .ResourceKind }}.json"


def write(plane: ControlPlane, folder: Path) -> int:
    """A file for every kind; how many there are. Keys that a kind does not have are errors.

    kubeconform takes the version of the core group for its name, too.
    """
    count = 0
    for url in _get(plane, "/openapi/v3")["paths"].values():
        components = _get(plane, url["serverRelativeURL"]).get("components", {})
        strict = {name: _strict(schema) for name, schema in components.get("schemas", {}).items()}
        for name, group, version, kind in _kinds(strict):
            whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": strict}}
            (folder / f"{group or version}_{version}_{kind.lower()}.json").write_text(json.dumps(whole))
            count += 1
    return count


def _kinds(schemas: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for name, schema in schemas.items():
        for each in schema.get("x-kubernetes-group-version-kind", []):
            yield name, each["group"], each["version"], each["kind"]


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: _strict(item) for key, item in schema.items() if key not in ("default", "nullable")}
    closed = "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields")
    return found | ({"additionalProperties": False} if closed else {})


def _get(plane: ControlPlane, path: str) -> Any:
    answer = plane.api.get(path)
    assert answer.status == 200, answer.body
    return answer.json()
