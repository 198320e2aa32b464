"""`files/catalogue.yaml`: the built-in catalogue for whatever namespace the chart is installed in."""

from importlib import resources

_NAMESPACE = "{{ .Release.Namespace }}"
_REPLACED = {
    "exemptNames: [cert-manager, ns-provisioner]": f'exemptNames: [cert-manager, "{_NAMESPACE}"]',
    "system:serviceaccount:ns-provisioner:": f"system:serviceaccount:{_NAMESPACE}:",
    " Copy it, change it, and name your copy with --catalogue.": (
        " Copy it, change it, and give your copy to the chart\n# with --set-file catalogue=FILE."
    ),
}


def template() -> str:
    text = resources.files("webhook").joinpath("catalogue.yaml").read_text(encoding="utf-8")
    for old, new in _REPLACED.items():
        assert old in text, old
        text = text.replace(old, new)
    return text
