"""The one thing that is changed of what a container is told: where "everywhere" is.

Pods here share the host's network, so two that listen on every interface would meet. An argument, the value
of one, or an environment variable that is wholly a listen address of all interfaces (":8443",
"0.0.0.0:8443", "[::]:8443") becomes the same port on the Pod's own address. Nothing else is touched.
"""

import re

_EVERYWHERE = re.compile(r"(?P<flag>--?[\w-]+=)?(?:0\.0\.0\.0|\[::\])?:(?P<port>\d{1,5})")


def at(address: str, text: str) -> str:
    found = _EVERYWHERE.fullmatch(text)
    return f"{found['flag'] or ''}{address}:{found['port']}" if found else text
