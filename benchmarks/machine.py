"""What a run was made on, in one line."""

import os
import platform
import sysconfig

from tools.controlplane import golang


def described() -> str:
    """Asked for before the measurements: on a machine that is busy already, times mean little."""
    optimised = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    build = "with" if optimised else "without"
    return (
        f"{len(os.sched_getaffinity(0))} cores with a load of {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()} {build} PGO, Go {golang.locate().version}; median (least-most)"
    )
