"""Write the chart's generated files: `python -m tools.chart`."""

from tools.chart import generated

for path, content in generated.files().items():
    path.write_text(content, encoding="utf-8")
