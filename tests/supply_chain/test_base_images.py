"""deploy/supply_chain/verify-base-images verifies the signatures of all base images."""

from pathlib import Path

import pytest

from tests.supply_chain.programs import Programs

DIGEST = f"sha256:{'0123456789abcdef' * 4}"
DISTROLESS = f"gcr.io/distroless/python3-debian13:nonroot@{DIGEST}"


def dockerfile(folder: Path, *lines: str) -> str:
    (folder / "Dockerfile").write_text("\n".join(lines))
    return str(folder / "Dockerfile")


@pytest.fixture(autouse=True)
def _accepting(programs: Programs) -> None:
    programs.install("cosign", "exit 0")
    programs.install("gh", "exit 0")


def test_every_base_image_of_the_dockerfile_is_verified(programs: Programs) -> None:
    done = programs.run("verify-base-images")
    assert done.returncode == 0, done.stderr
    [cosign] = programs.calls("cosign")
    assert cosign.startswith("cosign verify gcr.io/distroless/python3-debian13@sha256:")
    assert cosign.endswith(
        " --certificate-oidc-issuer https://accounts.google.com"
        " --certificate-identity keyless@distroless.iam.gserviceaccount.com"
    )
    [gh] = programs.calls("gh")
    assert gh.startswith("gh attestation verify oci://ghcr.io/astral-sh/uv@sha256:")
    assert gh.endswith(" --repo astral-sh/uv")


@pytest.mark.parametrize("program", ["cosign", "gh"])
def test_an_invalid_signature_fails(programs: Programs, program: str) -> None:
    programs.install(program, "exit 1")
    assert programs.run("verify-base-images").returncode != 0


def test_stages_of_the_file_are_not_base_images(programs: Programs, tmp_path: Path) -> None:
    file = dockerfile(tmp_path, f"FROM {DISTROLESS} AS base", "FROM base AS next", "FROM next")
    done = programs.run("verify-base-images", file)
    assert done.returncode == 0, done.stderr
    assert len(programs.calls("cosign")) == 1


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("gcr.io/distroless/python3-debian13:nonroot", "not pinned"),
        ("gcr.io/distroless/python3-debian13:nonroot@sha256:0123", "not pinned"),
        (f"docker.io/somebody/python:3@{DIGEST}", "not known who signs"),
    ],
)
def test_an_unpinned_or_unknown_image_fails(
    programs: Programs, tmp_path: Path, image: str, why: str
) -> None:
    done = programs.run("verify-base-images", dockerfile(tmp_path, f"FROM {image}"))
    assert done.returncode == 1
    assert why in done.stderr


def test_a_dockerfile_without_images_fails(programs: Programs, tmp_path: Path) -> None:
    assert programs.run("verify-base-images", dockerfile(tmp_path, "USER 0")).returncode == 1
