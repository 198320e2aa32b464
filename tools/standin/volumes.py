"""A Pod's volumes: what they should hold, and the folders that hold it."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tools.standin import environment
from tools.standin.atomicfolder import AtomicFolder, File
from tools.standin.container import Mount
from tools.standin.environment import Manifest, Read
from tools.standin.errors import NotYetError
from tools.standin.tokens import Tokens

_MODE, _TOKEN_MODE = 0o644, 0o600
_KEPT = ("secret", "configMap", "projected", "downwardAPI")


class Volumes:
    """In `folder`, made with the first `refresh`; emptyDirs live as long as the Pod."""

    def __init__(self, pod: Manifest, ip: str, folder: Path, read: Read, tokens: Tokens) -> None:
        self._pod, self._ip, self._folder, self._read, self._tokens = pod, ip, folder, read, tokens
        context = pod["spec"].get("securityContext") or {}
        self._group: int | None = context.get("fsGroup")
        self._user = _only_user(pod["spec"])
        self._kept: dict[str, AtomicFolder] = {}

    def refresh(self) -> None:
        """Make what is new and bring everything up to date. Raises NotYetError for what is not there."""
        for volume in self._pod["spec"].get("volumes") or []:
            name = volume["name"]
            if "emptyDir" in volume:
                self._empty(self._folder / name)
                continue
            files = dict(self._files(volume))
            if name not in self._kept:
                self._kept[name] = AtomicFolder(self._folder / name, self._group)
            self._kept[name].write(files)

    def mounts(self, container: Manifest) -> dict[str, Mount]:
        """What the container sees where. What the kubelet keeps can only be read."""
        found = {}
        for mount in container.get("volumeMounts") or []:
            if "subPathExpr" in mount:
                raise NotYetError("CreateContainerConfigError", "the stand-in has no subPathExpr")
            folder = self._folder / mount["name"]
            source = (folder / mount.get("subPath", "")).resolve()
            read_only = mount.get("readOnly", False) or mount["name"] in self._kept
            found[mount["mountPath"].rstrip("/")] = Mount(source, read_only)
        return found

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _empty(self, folder: Path) -> None:
        if folder.exists():
            return
        folder.mkdir(parents=True)
        if self._group is not None and os.geteuid() == 0:
            os.chown(folder, -1, self._group)
        folder.chmod(0o777 if self._group is None else 0o2777)

    def _files(self, volume: Manifest) -> Iterator[tuple[str, File]]:
        if "projected" not in volume:
            (word,) = (key for key in volume if key != "name")
            if word not in _KEPT:
                raise NotYetError("FailedMount", f"volume {volume['name']}: the stand-in has no {word}")
            source = volume[word]
            yield from self._of(word, source, source.get("defaultMode", _MODE))
            return
        projected = volume["projected"]
        for each in projected.get("sources") or []:
            ((word, source),) = each.items()
            yield from self._of(word, source, projected.get("defaultMode", _MODE))

    def _of(self, word: str, source: Manifest, mode: int) -> Iterator[tuple[str, File]]:
        if word == "secret":
            yield from self._entries("secrets", source.get("secretName") or source["name"], source, mode)
        elif word == "configMap":
            yield from self._entries("configmaps", source["name"], source, mode)
        elif word == "serviceAccountToken":
            yield source["path"], self._token(source, mode)
        elif word == "downwardAPI":
            for item in source.get("items") or []:
                text = environment.field(self._pod, self._ip, item["fieldRef"]["fieldPath"])
                yield item["path"], File(text.encode(), item.get("mode", mode))
        else:
            raise NotYetError("FailedMount", f"the stand-in projects no {word}")

    def _entries(self, kind: str, name: str, source: Manifest, mode: int) -> Iterator[tuple[str, File]]:
        found, optional = self._read(kind, name), source.get("optional", False)
        if found is None and not optional:
            raise NotYetError("FailedMount", f'{kind} "{name}" not found')
        yield from _chosen(found or {}, f"{kind} {name}", source.get("items"), mode, optional)

    def _token(self, source: Manifest, mode: int) -> File:
        """Its owner's alone as soon as the Pod says who that is."""
        owned = self._user is not None or self._group is not None
        value = self._tokens.get(source.get("audience", ""), source.get("expirationSeconds"))
        return File(value, _TOKEN_MODE if owned else mode, self._user)


def _chosen(
    found: Mapping[str, bytes], where: str, items: list[dict[str, Any]] | None, mode: int, optional: bool
) -> Iterator[tuple[str, File]]:
    if items is None:
        yield from ((key, File(content, mode)) for key, content in found.items())
        return
    for item in items:
        if item["key"] in found:
            yield item["path"], File(found[item["key"]], item.get("mode", mode))
        elif not optional:
            raise NotYetError("FailedMount", f"{where} has no key {item['key']}")


def _only_user(spec: Manifest) -> int | None:
    """Whom every container runs as, where they agree."""
    shared = (spec.get("securityContext") or {}).get("runAsUser")
    users = {(each.get("securityContext") or {}).get("runAsUser", shared) for each in spec["containers"]}
    return users.pop() if len(users) == 1 else None
