"""All files of the chart that are made from something else, by their path."""

import json
from pathlib import Path
from typing import Any

import yaml

from tools.chart import admission, catalogue, rights, values
from tools.chart.marks import Whole

CHART = Path(__file__).resolve().parents[2] / "charts" / "ns-provisioner"
_HEAD = "# Made by `make docs` from the product's code: change that, not this.\n"


def files() -> dict[Path, str]:
    described = values.read((CHART / "values.yaml").read_text(encoding="utf-8"))
    introduction = (CHART / "README.md.in").read_text(encoding="utf-8")
    return {
        CHART / "files" / "catalogue.yaml": catalogue.template(),
        CHART / "files" / "admission.yaml": _HEAD + _dump(admission.document()),
        CHART / "files" / "rights.yaml": _HEAD + _dump(rights.document()),
        CHART / "values.schema.json": json.dumps(values.schema(described), indent=2) + "\n",
        CHART / "README.md": introduction + values.table(described),
    }


class _Dumper(yaml.SafeDumper):
    """Texts with actions in them as blocks, so that what comes in their place needs no other escape."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "{{" in value else None)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(Whole, lambda dumper, value: dumper.represent_scalar("!whole", value, style="'"))


def _dump(value: Any) -> str:
    """An action that is a whole value stands bare: it is YAML only when Helm has run it."""
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=100_000, allow_unicode=True)
    return "\n".join(_bare(line) for line in text.splitlines()) + "\n"


def _bare(line: str) -> str:
    before, mark, quoted = line.partition("!whole ")
    return before + quoted.strip("'") if mark else line
