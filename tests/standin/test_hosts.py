"""A Pod's hosts file says what a cluster's DNS would."""

from tools.standin import hosts


def test_every_name_of_a_service_has_its_address_and_headless_ones_have_none() -> None:
    services = [
        {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"clusterIP": "127.1.2.3"}},
        {"metadata": {"name": "metrics", "namespace": "shop"}, "spec": {"clusterIP": "None"}},
        {"metadata": {"name": "elsewhere", "namespace": "shop"}, "spec": {"type": "ExternalName"}},
    ]
    assert hosts.text(services, "web-1", "127.1.2.200") == (
        "127.0.0.1 localhost\n"
        "::1 localhost\n"
        "127.1.2.200 web-1\n"
        "127.1.2.3 web web.shop web.shop.svc web.shop.svc.cluster.local\n"
    )
