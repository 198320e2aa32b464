"""What the Helm chart has from the product's code: `python -m tools.chart` writes it anew.

A chart cannot run Python, and what a tier catalogue asks of registration, policies and rights is decided in
Python. So those manifests are made here of a catalogue in which every part has a name instead of a value,
and the names become actions of Helm's template language. tests/chart holds that both ways give the same.
"""
