"""What a scrape shows."""

from webhook import telemetry


def test_each_managed_namespace_is_told_with_its_team_and_tier_as_of_now() -> None:
    metrics, known = telemetry.Metrics(), [("payments", "pay", "small")]
    metrics.tell_namespaces(lambda: known)
    text = metrics.exposition().decode()
    assert 'nsp_namespace_info{namespace="payments",team="pay",tier="small"} 1.0' in text
    known[:] = [("search", "find", "large")]
    text = metrics.exposition().decode()
    assert 'namespace="payments"' not in text
    assert 'nsp_namespace_info{namespace="search",team="find",tier="large"} 1.0' in text


def test_registering_asks_for_nothing_yet() -> None:
    def source() -> list[tuple[str, str, str]]:
        raise AssertionError("too early")

    telemetry.Metrics().tell_namespaces(source)
