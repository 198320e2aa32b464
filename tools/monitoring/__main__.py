"""`python -m tools.monitoring`: write the chart's dashboards anew. The same sources give the same bytes."""

from pathlib import Path

from tools.monitoring import admission, controller, grafana

FOLDER = Path(__file__).parents[2] / "charts" / "ns-provisioner" / "files" / "dashboards"
DASHBOARDS = (admission.DASHBOARD, controller.DASHBOARD)


def files() -> dict[str, str]:
    """The content of each file, by its name."""
    return {f"{each.name}.json": grafana.text(each) for each in DASHBOARDS}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for stale in FOLDER.glob("*.json"):
        stale.unlink()
    for name, content in files().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
        print(f"wrote {name}")


if __name__ == "__main__":
    main()
