"""The command line of each process of a plane. The only table of flags; all of them were measured."""

from collections.abc import Callable

from tools.controlplane.layout import Layout

# The eight that behaviour depends on (the default would start forty), the one that fills in a
# ValidatingAdmissionPolicy's status, and the three that turn Deployments into Pods. Not those of
# EndpointSlices, which refuse loopback addresses.
CONTROLLERS = (
    "namespace-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "resourcequota-controller",
    "garbage-collector-controller",
    "clusterrole-aggregation-controller",
    "persistentvolumeclaim-protection-controller",
    "validatingadmissionpolicy-status-controller",
    "deployment-controller",
    "replicaset-controller",
    "disruption-controller",
)


def etcd(layout: Layout) -> list[str]:
    peer_url = f"http://127.0.0.1:{layout.peer_port}"
    return [
        str(layout.bin_dir / "etcd"),
        f"--data-dir={layout.file('etcd')}",
        f"--listen-client-urls={layout.etcd_url}",
        f"--advertise-client-urls={layout.etcd_url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
        "--unsafe-no-fsync",
        "--watch-progress-notify-interval=5s",  # bookmarks then carry fresh resource versions
        "--socket-reuse-port=true",
        "--log-level=error",
    ]


def kube_apiserver(layout: Layout) -> list[str]:
    key = layout.file("sa.key")
    command = [
        str(layout.bin_dir / "kube-apiserver"),
        f"--etcd-servers={layout.etcd_url}",
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.apiserver_port}",
        "--permit-port-sharing=true",
        f"--cert-dir={layout.file('certs')}",
        # Bound to loopback it would look for a default route; a documentation address needs none.
        "--advertise-address=192.0.2.1",
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={layout.service_range}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--authorization-mode=RBAC",
        f"--token-auth-file={layout.file('tokens.csv')}",
        "--anonymous-auth=false",
        "--profiling=false",
        "--v=1",
    ]
    if layout.audit:
        command.append(f"--audit-policy-file={layout.file('audit-policy.json')}")
        command.append(f"--audit-log-path={layout.audit_log}")
    if layout.feature_gates:
        command.append(f"--feature-gates={layout.feature_gates}")
    return command


def kube_controller_manager(layout: Layout) -> list[str]:
    return [
        str(layout.bin_dir / "kube-controller-manager"),
        f"--kubeconfig={layout.file('controller.kubeconfig')}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={layout.controller_port}",
        f"--cert-dir={layout.file('controller-certs')}",
        "--permit-port-sharing=true",
        "--authentication-skip-lookup=true",
        "--authorization-always-allow-paths=/healthz,/readyz,/livez,/metrics",
        f"--controllers={','.join(CONTROLLERS)}",
        f"--service-account-private-key-file={layout.file('sa.key')}",
        f"--root-ca-file={layout.ca_file}",
        "--use-service-account-credentials=true",  # else RBAC refuses every controller
        "--kube-api-qps=2000",
        "--kube-api-burst=4000",
        "--concurrent-namespace-syncs=50",
        "--concurrent-resource-quota-syncs=20",
        "--min-resync-period=12h",
        "--profiling=false",
        "--v=1",
    ]


TABLE: dict[str, Callable[[Layout], list[str]]] = {
    "etcd": etcd,
    "kube-apiserver": kube_apiserver,
    "kube-controller-manager": kube_controller_manager,
}
