"""deploy/kubernetes, rendered by kubectl and held against Kubernetes' schemas. No cluster has seen it."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import cli
from api.app import ROUTES
from contracts.task_queues import SYNC_QUEUE, TASK_QUEUES
from settings import Settings
from tests.deploy.program import installed, said
from tests.paths import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.37")
KEDA_OF_TEMPORAL = {"endpointFromEnv", "namespace", "taskQueue", "queueTypes", "targetQueueSize"}
"""What its scaler takes in every version from 2.17 on (keda.sh/docs/2.22/scalers/temporal), of what we say."""
SECRET = {"TEMPORAL_ADDRESS": "temporal.example.org:7233", "EVE_CLIENT_SECRET": "eat_a-secret"}
Manifest = dict[str, Any]


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    directory = tmp_path_factory.mktemp("deploy") / "kubernetes"
    shutil.copytree(KUBERNETES, directory)
    (directory / "killreport.env").write_text("".join(f"{name}={value}\n" for name, value in SECRET.items()))
    return list(yaml.safe_load_all(said(installed("kubectl"), "kustomize", directory)))


def of(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {manifest["metadata"]["name"]: manifest for manifest in manifests if manifest["kind"] == kind}


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Whoever starts pods, and their template."""
    for manifest in manifests:
        if "template" in manifest.get("spec", {}):
            yield manifest["metadata"]["name"], manifest["spec"]["template"]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_kind_follows_its_schema(manifests: list[Manifest], version: str) -> None:
    import kubernetes_validate  # takes a second, of every process that collects tests

    for manifest in manifests:
        assert manifest["kind"] == "Namespace" or manifest["metadata"]["namespace"] == "killreport"
        if manifest["kind"] != "ScaledObject":
            kubernetes_validate.validate(manifest, version, strict=True)
    wrong = {**of(manifests, "Service")["killreport-api"], "spec": {"prots": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, version, strict=True)


def test_every_queue_has_workers_scaled_by_what_waits_in_it(manifests: list[Manifest]) -> None:
    deployments, scalers = of(manifests, "Deployment"), of(manifests, "ScaledObject")
    for queue in TASK_QUEUES:
        name = f"killreport-worker-{queue}"
        pod = deployments[name]["spec"]["template"]
        assert pod["spec"]["containers"][0]["args"] == ["worker", "--queue", queue]
        scaled = scalers.pop(name)["spec"]
        assert scaled["scaleTargetRef"]["name"] == name
        assert 1 <= scaled["minReplicaCount"] <= scaled["maxReplicaCount"]
        (trigger,) = scaled["triggers"]
        assert trigger["type"] == "temporal"
        assert trigger["metadata"].keys() == KEDA_OF_TEMPORAL
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
        assert trigger["metadata"]["taskQueue"] == queue
        assert ("workflow" in trigger["metadata"]["queueTypes"]) == (queue == SYNC_QUEUE)
        budget = of(manifests, "PodDisruptionBudget")[name]["spec"]["selector"]["matchLabels"]
        selector = deployments[name]["spec"]["selector"]["matchLabels"]
        assert budget == selector
        assert selector.items() <= pod["metadata"]["labels"].items()
        for spread in pod["spec"]["topologySpreadConstraints"]:
            assert spread["labelSelector"]["matchLabels"] == selector
    assert scalers == {}
    (autoscaler,) = of(manifests, "HorizontalPodAutoscaler").values()
    assert autoscaler["spec"]["scaleTargetRef"]["name"] in deployments
    assert autoscaler["spec"]["minReplicas"] >= 2


def test_the_first_step_is_the_migration_and_what_it_needs(manifests: list[Manifest]) -> None:
    """README.md applies what has the label first, and the rest when the Job is through."""
    label, step = "killreport/step", "first"
    assert f"--selector {label}={step}\n" in (KUBERNETES / "README.md").read_text()
    first = [one for one in manifests if one["metadata"].get("labels", {}).get(label) == step]
    [(name, pod)] = pods(first)
    assert name == "killreport-migrate"
    referred = {one["name"] for source in pod["spec"]["containers"][0]["envFrom"] for one in source.values()}
    assert {one["metadata"]["name"] for kind in ("ConfigMap", "Secret") for one in of(first, kind).values()} == referred
    for kind in ("Namespace", "NetworkPolicy"):
        assert of(first, kind) == of(manifests, kind) != {}


def test_pods_may_do_little_and_run_what_there_is(manifests: list[Manifest]) -> None:
    found = dict(pods(manifests))
    assert len(found) == len(TASK_QUEUES) + 2
    for pod in found.values():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert f"USER {spec['securityContext']['runAsUser']}:" in (ROOT / "deploy/Dockerfile").read_text()
        assert spec["automountServiceAccountToken"] is False
        (container,) = spec["containers"]
        assert container["args"][0] in cli.main.commands
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert re.fullmatch(r".+/killreport:\d+\.\d+\.\d+", container["image"])
        assert "memory" in container["resources"]["limits"]
    (api,) = found["killreport-api"]["spec"]["containers"]
    paths = {route.path for route in ROUTES if hasattr(route, "path")}
    probed = {name: api[name]["httpGet"]["path"] for name in api if name.endswith("Probe")}
    assert probed == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert set(probed.values()) <= paths


def test_variables_are_ours_and_secrets_are_not_in_the_repository(manifests: list[Manifest]) -> None:
    (plain,), (secret,) = of(manifests, "ConfigMap").values(), of(manifests, "Secret").values()
    assert plain["data"].keys() <= {name.upper() for name in Settings.model_fields}
    assert {name: base64.b64decode(value).decode() for name, value in secret["data"].items()} == SECRET
    for _, pod in pods(manifests):
        sources = pod["spec"]["containers"][0]["envFrom"]
        assert sources == [
            {"configMapRef": {"name": plain["metadata"]["name"]}},
            {"secretRef": {"name": secret["metadata"]["name"]}},
        ]
    assert "deploy/kubernetes/killreport.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_nothing_comes_in_or_goes_out_but_what_is_said(manifests: list[Manifest]) -> None:
    policies = of(manifests, "NetworkPolicy")
    nothing = policies.pop("killreport-nothing")["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    labels = [pod["metadata"]["labels"] for _, pod in pods(manifests)]
    for name, policy in policies.items():
        selected = policy["spec"]["podSelector"].get("matchLabels", {})
        assert any(selected.items() <= found.items() for found in labels), name
    opened = {
        name: {port["port"] for rule in policy["spec"].get("ingress", []) for port in rule["ports"]}
        for name, policy in policies.items()
    }
    assert opened == {
        "killreport-requests": {4000},
        "killreport-metrics": {9464},
        "killreport-api-metrics": {4000},
        "killreport-services": set(),
    }
    *_, services = policies["killreport-services"]["spec"]["egress"]
    assert {port["port"] for port in services["ports"]} == {5432, 6379, 7233, 4318}
