"""The bill of materials of what we add to the base image: CycloneDX 1.6, from the lock file.

Deterministic: no clock, and the serial number follows from the content. What the base image brings (Debian,
Python) is not in it; the builder's own attestation lists that, see docs/image.md.
"""

import json
import uuid
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

from tools.image.lockfile import Pinned

_NAME = "ns-provisioner"
_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
# Of our own making (uuid4), so that serial numbers are nobody else's.
_NAMESPACE = uuid.UUID("6b0f1a5c-5d1e-4f0e-9a55-2f4f3c1d8a77")

# Name and version of a distribution to its licence as CycloneDX writes it, or None.
Licence = dict[str, Any]
Licences = Callable[[str, str], Licence | None]


def build(packages: Sequence[Pinned], *, version: str, licences: Licences) -> dict[str, Any]:
    """The document. `version` is ours."""
    purls = {package.name: _purl(package.name, package.version) for package in packages}
    purls[_NAME] = _purl(_NAME, version)
    document = {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"lifecycles": [{"phase": "build"}], "component": _ours(purls[_NAME], version)},
        "components": [
            _component(each, purls[each.name], licences(each.name, each.version)) for each in packages
        ],
        "dependencies": _dependencies(packages, purls),
    }
    return {**document, "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMESPACE, dumps(document))}"}


def dumps(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def installed_licence(name: str, version: str) -> Licence | None:
    """What the installed distribution says of itself; None where another version, or none, is installed."""
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    if found.version != version:
        return None
    return _licence(found.metadata)


def _licence(said: metadata.PackageMetadata) -> Licence | None:
    """An SPDX expression where there is one, else the free text, else the classifier's name."""
    if "License-Expression" in said:
        return {"expression": said["License-Expression"]}
    texts = said.get_all("License") or []
    if texts and texts[0] != "UNKNOWN" and len(texts[0].splitlines()) == 1:
        return {"license": {"name": texts[0]}}
    classifiers = [line for line in said.get_all("Classifier") or [] if line.startswith("License :: ")]
    return {"license": {"name": classifiers[0].rpartition(" :: ")[2]}} if classifiers else None


def _ours(purl: str, version: str) -> dict[str, Any]:
    return {
        "type": "application",
        "bom-ref": purl,
        "name": _NAME,
        "version": version,
        "purl": purl,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }


def _component(package: Pinned, purl: str, licence: Licence | None) -> dict[str, Any]:
    """Its hashes are those of all its files: pip takes the one that fits the platform."""
    component = {
        "type": "library",
        "bom-ref": purl,
        "name": package.name,
        "version": package.version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": each} for each in package.hashes],
    }
    return component | ({"licenses": [licence]} if licence else {})


def _dependencies(packages: Sequence[Pinned], purls: dict[str, str]) -> list[dict[str, Any]]:
    """Every component with what it wants; the lock file tells it the other way round."""
    wants: dict[str, list[str]] = {name: [] for name in purls}
    for package in packages:
        for name in package.wanted_by:
            wants[name].append(purls[package.name])
    return [{"ref": purls[name], "dependsOn": sorted(wants[name])} for name in sorted(wants)]


def _purl(name: str, version: str) -> str:
    """Names in the lock file are normalised already."""
    return f"pkg:pypi/{name}@{version}"
