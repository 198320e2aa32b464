"""Catalogue files for a run: the built-in one as a file that can be touched, with or without an extra."""

import json
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

CONFIG_MAP = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "platform"},
    "data": {"team": "${team}", "support": "platform@example.com"},
}


def write(file: Path, *, extra: bool = False) -> Path:
    """The built-in catalogue; with `extra`, its tier `small` also has a ConfigMap."""
    text = resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    catalogue: dict[str, Any] = yaml.safe_load(text)
    if extra:
        catalogue["tiers"]["small"]["extraManifests"] = [CONFIG_MAP]
    file.write_text(json.dumps(catalogue, indent=1))
    return file


def touch(file: Path) -> None:
    """Another policy for admission, the same for what is there: all is looked at, nothing is to change."""
    catalogue: dict[str, Any] = json.loads(file.read_text())
    catalogue["policy"]["reservedNames"].append(f"touched-{len(catalogue['policy']['reservedNames'])}")
    file.write_text(json.dumps(catalogue, indent=1))
