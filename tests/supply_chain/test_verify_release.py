"""deploy/supply_chain/verify-release: the README's commands accept a release and refuse others."""

import pytest

from tests.supply_chain.programs import Programs

IMAGE = "ghcr.io/owner/repository:1.0.0"
UNSIGNED = "debian@sha256:0"

# The messages of cosign (cosign.VerifyImageSignatures, cosign.CheckCertificatePolicy).
COSIGN = f"""
case "$*" in
    *"{UNSIGNED}"*) echo 'Error: no signatures found' >&2; exit 10 ;;
    "verify {IMAGE} "*"https://token.actions.githubusercontent.com"*"owner/repository"*) ;;
    *) echo 'Error: none of the expected identities matched what was in the certificate' >&2
       exit 12 ;;
esac
"""
GH = f'case "$*" in *"oci://{IMAGE} --repo owner/repository "*) ;; *) exit 1 ;; esac'
ACCEPTS_ALL = "exit 0"
OUT_OF_REACH = "echo 'Error: dial tcp: no such host' >&2; exit 1"


def verify(programs: Programs, cosign: str, gh: str) -> tuple[int, str]:
    programs.install("cosign", cosign)
    programs.install("gh", gh)
    done = programs.run("verify-release", IMAGE, "owner/repository", UNSIGNED)
    return done.returncode, done.stdout + done.stderr


def test_a_signed_release_is_accepted(programs: Programs) -> None:
    code, output = verify(programs, COSIGN, GH)
    assert code == 0, output
    assert f"{IMAGE} is no release of sigstore/cosign" in output
    assert f"{UNSIGNED} is no release of owner/repository" in output
    assert f"{IMAGE} is a release of owner/repository" in output
    predicates = [call for call in programs.calls("gh") if "--predicate-type" in call]
    assert predicates, "no bill of materials was asked for"
    assert all("/.github/workflows/release.yml" in call for call in programs.calls("gh")[:2])


@pytest.mark.parametrize(
    ("cosign", "gh"),
    [
        ("exit 1", GH),
        (COSIGN, "exit 1"),
        (ACCEPTS_ALL, GH),
        (COSIGN, ACCEPTS_ALL),
        # A failed connection looks like a refusal and must not count as one.
        (COSIGN.replace("no signatures found", "no such host"), GH),
        (COSIGN.replace("none of the expected identities", "no such host"), GH),
        (OUT_OF_REACH, GH),
    ],
)
def test_insufficient_proof_is_refused(programs: Programs, cosign: str, gh: str) -> None:
    code, output = verify(programs, cosign, gh)
    assert code != 0, output
    assert "is a release of" not in output
