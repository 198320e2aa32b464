"""Commands of the image and its release. Errors are told on standard error, with exit code 1.

What needs the virtual environment is imported where it is used: `version` and `chart` run without it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.controlplane.errors import ControlPlaneError
from tools.image import release
from tools.image.errors import ImageError

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "ns-provisioner"


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (ImageError, ControlPlaneError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.image", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    bill = commands.add_parser("sbom", help="print the bill of materials (CycloneDX 1.6, JSON)")
    bill.set_defaults(command=_sbom)
    built = commands.add_parser("build", help="build the image into a folder, without an engine")
    built.add_argument("directory", type=Path, help="an empty folder")
    built.set_defaults(command=_build)
    commands.add_parser("lint", help="check the workflow files").set_defaults(command=_lint)
    version = commands.add_parser("version", help="print a tag's version, if the sources state the same")
    version.add_argument("tag")
    version.set_defaults(command=_version)
    chart = commands.add_parser("chart", help="copy the chart, with an image by digest")
    chart.add_argument("directory", type=Path, help="the folder to make")
    chart.add_argument("--image", required=True, metavar="REPOSITORY@DIGEST")
    chart.set_defaults(command=_chart)
    return parser


def _sbom(_: argparse.Namespace) -> int:
    from tools.image import lockfile, sbom

    packages = lockfile.read(ROOT / "requirements" / "runtime.txt")
    ours = release.versions(ROOT)["webhook/__init__.py"]
    sys.stdout.write(sbom.dumps(sbom.build(packages, version=ours, licences=sbom.installed_licence)))
    return 0


def _build(options: argparse.Namespace) -> int:
    from tools.image import build

    options.directory.mkdir(parents=True, exist_ok=True)
    if any(options.directory.iterdir()):
        raise ImageError(f"{options.directory} is not empty: name another folder, or empty it")
    print(build.build(ROOT, options.directory.absolute(), {}).root)
    return 0


def _lint(_: argparse.Namespace) -> int:
    from tools.image import workflows

    files = workflows.files(ROOT)
    workflows.check(files)
    print(f"{len(files)} workflow files are in order")
    return 0


def _version(options: argparse.Namespace) -> int:
    print(release.version(ROOT, options.tag))
    return 0


def _chart(options: argparse.Namespace) -> int:
    release.pin_chart(CHART, options.directory, options.image)
    return 0
