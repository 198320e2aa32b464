"""What a container is, as a command that can be executed: image, arguments, environment, user and mounts."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.standin import container, environment, image, listening
from tools.standin.container import Mount
from tools.standin.environment import Manifest, Read
from tools.standin.errors import NotYetError

_REFUSED = "workingDir"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a container has of its Pod and its node."""

    pod: Manifest
    ip: str
    root: Path
    log: Path
    base: Mapping[str, str]
    read: Read
    mounts: Callable[[Manifest], dict[str, Mount]]
    executor: Executor
    clock: Callable[[], float]


def command(
    spec: Manifest, around: Surroundings, instead: Sequence[str] = ()
) -> tuple[list[str], dict[str, str]]:
    """What to execute, or `instead` of it in the same box, and its whole environment. Raises NotYetError."""
    ours = image.ours()
    require_possible(spec)
    user = user_of(spec, around.pod["spec"], ours)
    base = {"HOME": "/", "HOSTNAME": around.pod["metadata"]["name"]} | ours.environment | dict(around.base)
    values = environment.resolve(spec, around.pod, around.ip, around.read, base)
    command, args = (
        [environment.expand(word, values) for word in spec.get(each) or []] for each in ("command", "args")
    )
    argv = list(instead) or ours.argv(command, args)
    boxed = container.command(
        [listening.at(around.ip, word) for word in argv],
        root=around.root,
        mounts=around.mounts(spec),
        uid=user.uid,
        gid=user.gid,
        groups=user.groups,
        read_only=(spec.get("securityContext") or {}).get("readOnlyRootFilesystem", False),
    )
    return boxed, {name: listening.at(around.ip, value) for name, value in values.items()}


def require_possible(spec: Manifest) -> None:
    if not image.is_ours(spec["image"]):
        text = f"{spec['image']}: only images called {image.NAME} can be run here"
        raise NotYetError("ErrImagePull", text)
    if refused := [name for name in _REFUSED if spec.get(name)]:
        raise NotYetError("CreateContainerConfigError", f"the stand-in has no {', '.join(refused)}")
    if (spec.get("securityContext") or {}).get("privileged"):
        raise NotYetError("CreateContainerConfigError", "the stand-in runs nothing privileged")


@dataclass(frozen=True, slots=True)
class User:
    uid: int
    gid: int
    groups: tuple[int, ...]


def user_of(spec: Manifest, pod_spec: Manifest, ours: image.Image) -> User:
    """The container's word goes before the Pod's, and that before the image's."""
    shared: dict[str, Any] = dict(pod_spec.get("securityContext") or {})
    context = shared | (spec.get("securityContext") or {})
    uid = context.get("runAsUser")
    gid = context.get("runAsGroup", ours.gid if uid is None else 0)
    groups = [
        *(shared.get("supplementalGroups") or []),
        *([shared["fsGroup"]] if "fsGroup" in shared else []),
    ]
    user = User(ours.uid if uid is None else uid, gid, tuple(groups))
    if context.get("runAsNonRoot") and user.uid == 0:
        text = "container has runAsNonRoot and would run as root"
        raise NotYetError("CreateContainerConfigError", text)
    return user
