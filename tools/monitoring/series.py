"""The expressions that both dashboards are made of; `$namespace` is chosen in Grafana."""

OURS = 'namespace="$namespace"'


def now(metric: str) -> str:
    return f"{metric}{{{OURS}}}"


def led(metric: str) -> str:
    """Of the replica that leads alone: the others have a queue nobody works on, or know what was once."""
    return f"sum({now(metric)} * on (namespace, job, instance) {now('nsp_leader')})"


def rate(metric: str, by: str, more: str = "") -> str:
    """A second; `more` are further matchers."""
    matchers = f"{OURS},{more}" if more else OURS
    return f"sum by ({by}) (rate({metric}{{{matchers}}}[$__rate_interval]))"


def quantile(share: float, bucket: str) -> str:
    """Of a histogram of ours, over all replicas."""
    return f"histogram_quantile({share}, {rate(bucket, 'le')})"
