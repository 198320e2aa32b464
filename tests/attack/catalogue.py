"""The catalogue of the attacked world: the built-in one, and a use of every setting about rights."""

from pathlib import Path

import yaml

from tests.attack.actors import FLUX
from tests.attack.words import EXEMPT
from tests.codec.builders import document

_VAULT = {"extends": "small", "deletionProtection": True}
_BOUNDS = {"quota": {"requests.cpu": {"max": "8"}}}


def write(folder: Path) -> Path:
    """Into a file of the folder; its path."""
    content = document(
        {
            "policy/appliers": [FLUX.user],
            "policy/exemptNames": ["cert-manager", "flux-system", "ns-provisioner", EXEMPT],
            "tiers/vault": _VAULT,
            "tiers/small/overrides": _BOUNDS,
        }
    )
    path = folder / "catalogue.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path
