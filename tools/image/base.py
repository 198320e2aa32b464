"""What stands for the base image where no engine is: this machine's Python, laid out as that image has it.

Taken over: /usr/local with the interpreter, its standard library without byte code, and pip. Not taken over:
Debian's own packages; the box (tools/standin) shows the host's /usr in their place.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.image import boxed

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
# The image's own, and where the interpreter finds its library in a place that it was not built for.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "LD_LIBRARY_PATH": "/usr/local/lib",
}
# The first line is not in the image either; the second nobody here needs, and it takes long to compile.
_LEFT_OUT = (
    *("site-packages", "dist-packages", "__pycache__", "test", "tests", "idle_test", "*.a"),
    *("idlelib", "lib2to3", "tkinter", "turtle*", "pydoc_data", "config-*"),
)


def lay_out(root: Path) -> None:
    """Fill `root` (an image's /) with the base."""
    prefix, local = Path(sys.base_prefix), root / "usr" / "local"
    library = local / "lib" / f"python{VERSION}"
    shutil.copytree(
        prefix / "lib" / f"python{VERSION}", library, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True
    )
    (library / "site-packages").mkdir()
    for shared in (prefix / "lib").glob("libpython*.so*"):
        shutil.copy2(shared, local / "lib", follow_symlinks=False)
    (local / "bin").mkdir()
    shutil.copy2(prefix / "bin" / f"python{VERSION}", local / "bin")
    for name in ("python", "python3"):
        os.symlink(f"python{VERSION}", local / "bin" / name)
    boxed.run(
        ["python", "-m", "ensurepip", "--default-pip"], root, environment=ENVIRONMENT, what="the base's pip"
    )


def package_index(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """How this machine reaches its package index: an engine has a network of its own to do it."""
    inherited = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "PIP_DEFAULT_TIMEOUT", "SSL_CERT_FILE")
    proxies = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    return {name: environment[name] for name in (*inherited, *proxies) if name in environment}
