"""Reads deploy/kubernetes and the Dockerfile for tests."""

import re
from pathlib import Path
from typing import Any, Final

import yaml

from tests.deploy.gunicorn_server import REPOSITORY

KUBERNETES: Final = REPOSITORY / "deploy" / "kubernetes"
SECRETS: Final = KUBERNETES / "secrets" / "kustomization.yaml"

Document = dict[str, Any]


def documents(path: Path) -> list[Document]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def resource_files() -> list[Path]:
    """Every file that a kustomization names as a resource."""
    return [
        path.parent / name
        for path in sorted(KUBERNETES.rglob("kustomization.yaml"))
        for name in documents(path)[0].get("resources", [])
    ]


def resource(kind: str, name: str = "scholarship-api") -> Document:
    [found] = [
        document
        for path in resource_files()
        for document in documents(path)
        if (document["kind"], document["metadata"]["name"]) == (kind, name)
    ]
    return found


def pod(kind: str, name: str = "scholarship-api") -> Document:
    spec: Document = resource(kind, name)["spec"]["template"]["spec"]
    return spec


def container(pod_spec: Document) -> Document:
    [only] = pod_spec["containers"]
    found: Document = only
    return found


def settings_file() -> dict[str, str]:
    """The ConfigMap."""
    text = (KUBERNETES / "settings.env").read_text()
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))


def secret_keys() -> dict[str, list[str]]:
    """The keys of each created Secret."""
    generators = documents(SECRETS)[0]["secretGenerator"]
    return {generator["name"]: generator["files"] for generator in generators}


def dockerfile(instruction: str) -> str:
    """The instruction of a kind that comes last in the Dockerfile."""
    text = (REPOSITORY / "Dockerfile").read_text()
    found: list[str] = re.findall(rf"^{instruction} (.+)$", text, re.MULTILINE)
    return found[-1]
