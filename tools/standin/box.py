"""Run as a script of its own: builds the box that `container.command` describes, and turns into its command.

Standard library alone, and no import of ours: it runs isolated from any environment. Before the last step
nothing is forked, so the process id stays and every namespace ends with the command.
"""

import ctypes
import json
import os
import sys
from typing import Any

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_READ_ONLY, _REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 1, 32, 4096, 16384, 1 << 18
_NO_SUID, _NO_DEVICES = 2, 4
# statvfs flag to mount flag: in a user namespace a remount must keep what the host has set.
_KEPT = {2: 2, 4: 4, 8: 8, 1024: 1024, 2048: 2048, 4096: 1 << 21}
_SET_DEATH_SIGNAL, _GET_DEATH_SIGNAL, _DROP_BOUNDING, _NO_NEW_PRIVILEGES = 1, 2, 24, 38

_ETC = "ca-certificates group host.conf hosts ld.so.cache localtime nsswitch.conf passwd resolv.conf ssl"
_DEVICES = "null zero full random urandom"
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


def main(box: dict[str, Any]) -> None:
    parent, death_signal = os.getppid(), _death_signal()
    root = box["root"]
    _enter_namespaces(box)
    _mount("tmpfs", root, kind="tmpfs", flags=_NO_SUID | _NO_DEVICES, data="mode=0755")
    _system(root)
    for tree in box["trees"]:
        _bind(tree, root + tree, read_only=True)
    for path, source, read_only in box["mounts"]:
        _bind(source, root + path, read_only=read_only)
    if box["read_only"]:
        _remount_read_only(root)
    os.chroot(root)
    os.chdir("/")
    _become(box)
    _die_with(parent, death_signal)
    try:
        os.execvp(box["argv"][0], box["argv"])  # noqa: S606 - what a box is for
    except OSError as error:
        print(f"cannot execute {box['argv'][0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127 if isinstance(error, FileNotFoundError) else 126)


def _enter_namespaces(box: dict[str, Any]) -> None:
    """Without root's rights the wanted user is our own by another number."""
    uid, gid = os.geteuid(), os.getegid()
    _call(_LIBC.unshare, _NEW_MOUNTS if uid == 0 else _NEW_MOUNTS | _NEW_USER)
    if uid != 0:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{_or(box['uid'], uid)} {uid} 1")
        _write("/proc/self/gid_map", f"{_or(box['gid'], gid)} {gid} 1")
        box |= {"uid": None, "gid": None, "groups": []}
    _mount("none", "/", flags=_RECURSIVE | _PRIVATE)


def _system(root: str) -> None:
    _bind("/usr", f"{root}/usr", read_only=True)
    for name in _SYSTEM:
        if os.path.islink(f"/{name}"):
            os.symlink(os.readlink(f"/{name}"), f"{root}/{name}")
        elif os.path.isdir(f"/{name}"):
            _bind(f"/{name}", f"{root}/{name}", read_only=True)
    for name in _ETC.split():
        if os.path.exists(f"/etc/{name}"):
            _bind(os.path.realpath(f"/etc/{name}"), f"{root}/etc/{name}", read_only=True)
    _bind("/proc", f"{root}/proc", read_only=False)
    for name in _DEVICES.split():
        _bind(f"/dev/{name}", f"{root}/dev/{name}", read_only=False)
    for name, target in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        os.symlink(f"/proc/self/fd{target}", f"{root}/dev/{name}")
    shared, temporary = f"{root}/dev/shm", f"{root}/tmp"  # noqa: S108 - those of the box
    _folder(shared)
    _mount("tmpfs", shared, kind="tmpfs", flags=_NO_SUID | _NO_DEVICES, data="mode=1777")
    _folder(temporary)
    os.chmod(temporary, 0o1777)  # noqa: S103 - as in every image


def _bind(source: str, target: str, *, read_only: bool) -> None:
    if os.path.isdir(source):
        _folder(target)
    elif not os.path.exists(target):
        _folder(os.path.dirname(target))
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    _mount(source, target, flags=_BIND | _RECURSIVE)
    if read_only:
        _remount_read_only(target)


def _folder(path: str) -> None:
    """With its parents, which everybody may enter whatever the host's own are like."""
    mask = os.umask(0o022)
    os.makedirs(path, exist_ok=True)
    os.umask(mask)


def _remount_read_only(target: str) -> None:
    have = os.statvfs(target).f_flag
    kept = sum(flag for seen, flag in _KEPT.items() if have & seen)
    _mount("none", target, flags=_BIND | _REMOUNT | _READ_ONLY | kept)


def _become(box: dict[str, Any]) -> None:
    """Nothing to gain any more: neither by a file's rights nor from what root could do."""
    with open("/proc/sys/kernel/cap_last_cap") as file:
        last = int(file.read())
    for capability in range(last + 1):
        _call(_LIBC.prctl, _DROP_BOUNDING, capability, 0, 0, 0)
    if os.geteuid() == 0 and box["uid"] is not None:
        os.setgroups(box["groups"])
        os.setresgid(*3 * [_or(box["gid"], 0)])
        os.setresuid(*3 * [box["uid"]])
    _call(_LIBC.prctl, _NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _death_signal() -> int:
    """What whoever started us wants to be done to us at its end; a change of user would forget it."""
    number = ctypes.c_int()
    _call(_LIBC.prctl, _GET_DEATH_SIGNAL, ctypes.byref(number), 0, 0, 0)
    return number.value


def _die_with(parent: int, death_signal: int) -> None:
    _call(_LIBC.prctl, _SET_DEATH_SIGNAL, death_signal, 0, 0, 0)
    if death_signal and os.getppid() != parent:
        sys.exit("the starting process is gone")


def _mount(source: str, target: str, *, kind: str | None = None, flags: int = 0, data: str = "") -> None:
    arguments = (source, target, kind, data)
    source_, target_, kind_, data_ = (each.encode() if each else None for each in arguments)
    _call(_LIBC.mount, source_, target_, kind_, ctypes.c_ulong(flags), data_, what=f"{source} at {target}")


def _call(function: Any, *arguments: Any, what: str = "") -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        sys.exit(f"no box: {function.__name__} {what}: {os.strerror(number)}")


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _or(wanted: int | None, otherwise: int) -> int:
    return otherwise if wanted is None else wanted


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
