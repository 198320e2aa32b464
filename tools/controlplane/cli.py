"""Commands: `build [NAME ...]`, `path` and `run [DIRECTORY]`. Errors are one line and exit code 1."""

import argparse
import signal
from collections.abc import Sequence
from pathlib import Path

from tools.controlplane import assets, console, recipe
from tools.controlplane.errors import ControlPlaneError


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave by the same clean way as on Ctrl-C
    try:
        return int(options.command(options))
    except ControlPlaneError as error:
        console.error(str(error))
        return 1
    except KeyboardInterrupt:
        console.error("interrupted; nothing half-finished is left behind")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m tools.controlplane", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    build = commands.add_parser("build", help="build what the cache lacks")
    build.add_argument("names", nargs="*", metavar="NAME", help=f"default: {' '.join(recipe.RECIPES)}")
    build.set_defaults(command=_build)
    commands.add_parser("path", help="print the folder of the built binaries").set_defaults(command=_path)
    run = commands.add_parser("run", help="run a control plane until Ctrl-C")
    run.add_argument("directory", nargs="?", type=Path, help="keeps kubeconfig and logs (default: temporary)")
    run.set_defaults(command=_run)
    return parser


def _build(options: argparse.Namespace) -> int:
    folders = [assets.ensure(part) for part in recipe.by_module(options.names or recipe.RECIPES).values()]
    console.done(f"ready in {' and '.join(map(str, folders))}")
    return 0


def _path(_: argparse.Namespace) -> int:
    print(assets.path())
    return 0


def _run(options: argparse.Namespace) -> int:
    from tools.controlplane.plane import ControlPlane  # needs the virtual environment, building does not

    with ControlPlane.start(options.directory) as plane:
        print(f"export KUBECONFIG={plane.kubeconfig}", flush=True)
        console.say(f"Kubernetes runs at {plane.url}, logs in {plane.logs}; Ctrl-C ends it")
        plane.watch()
    return 0
