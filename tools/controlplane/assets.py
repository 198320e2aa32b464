"""The binaries of the control plane: `ensure` builds what is missing. Standard library only.

    assets.ensure() -> bin folder          everything of the control plane
    assets.ensure(recipe.PLANE)            only what a plane needs
    assets.ensure(["promtool"])            the binaries of another module are in another folder

`NSP_ASSETS` names a folder of ready binaries to use instead of building.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from tools.controlplane import build, cache, golang, recipe
from tools.controlplane.errors import ControlPlaneError


def ensure(names: Iterable[str] = recipe.ALL) -> Path:
    """The folder that holds at least these binaries, all of one module, built now where they are missing."""
    [(module, wanted)] = recipe.by_module(names).items()
    if ready := os.environ.get("NSP_ASSETS"):
        return check(Path(ready).absolute(), wanted)
    toolchain = golang.locate()
    root = cache.root()
    store = cache.Store(root / recipe.key(toolchain.version, module))
    if store.missing(wanted):
        with cache.exclusive(root):
            _build(store, store.missing(wanted), toolchain, root)
    return store.bin


def path() -> Path:
    """The folder of a complete cache; never builds."""
    if ready := os.environ.get("NSP_ASSETS"):
        return check(Path(ready).absolute(), recipe.ALL)
    store = cache.Store(cache.root() / recipe.key(golang.locate().version))
    if missing := store.missing(recipe.ALL):
        raise ControlPlaneError(
            f"not built yet: {', '.join(missing)}; run python3 -m tools.controlplane build"
        )
    return store.bin


def check(folder: Path, names: Iterable[str]) -> Path:
    """A folder somebody else filled: every binary must be there."""
    if missing := [name for name in names if not os.access(folder / name, os.X_OK)]:
        raise ControlPlaneError(
            f"no executable {', '.join(missing)} in {folder}: add it, or unset NSP_ASSETS"
        )
    return folder


def crds(bin_dir: Path) -> Path:
    """cert-manager's CRDs: beside the binaries' folder as the cache has them, or inside it."""
    for folder in (bin_dir.parent / "crds", bin_dir / "crds"):
        if any(folder.glob("*.yaml")):
            return folder
    raise ControlPlaneError(
        f"no cert-manager CRDs in {bin_dir / 'crds'}: copy deploy/crds of cert-manager there"
    )


def _build(store: cache.Store, names: Iterable[str], toolchain: golang.Toolchain, root: Path) -> None:
    """Each binary is usable as soon as it is done, so an interrupted build continues where it was."""
    go = golang.executable(toolchain, root)
    with store.staging() as staging:
        for name in names:
            store.adopt(name, build.build(name, go, staging))
