"""Which keys a quota can hold, and what was meant by others."""

import pytest

from webhook.core import quotakeys


@pytest.mark.parametrize(
    "key",
    [
        "cpu",
        "requests.cpu",
        "limits.ephemeral-storage",
        "pods",
        "services.loadbalancers",
        "count/deployments.apps",
        "requests.nvidia.com/gpu",
        "hugepages-2Mi",
        "gold.storageclass.storage.k8s.io/requests.storage",
    ],
)
def test_known(key: str) -> None:
    assert quotakeys.is_known(key)


@pytest.mark.parametrize(
    ("key", "advice"),
    [
        pytest.param("cores", "use `requests.cpu` and `limits.cpu`", id="cores"),
        pytest.param("ram", "use `requests.memory` and `limits.memory`", id="ram"),
        pytest.param("storage", "use `requests.storage`", id="storage"),
        pytest.param("namespaces", "a ResourceQuota cannot limit namespaces", id="namespaces"),
        pytest.param("request.cpu", "did you mean `requests.cpu`?", id="a letter is missing"),
        pytest.param("limits.memmory", "did you mean `limits.memory`?", id="a letter too many"),
        pytest.param("requests.gpu", "did you mean `requests.cpu`?", id="a resource that nobody has"),
        pytest.param("Pods", "did you mean `pods`?", id="a capital"),
    ],
)
def test_unknown(key: str, advice: str) -> None:
    assert not quotakeys.is_known(key)
    assert quotakeys.advice(key) == advice
