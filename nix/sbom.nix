# Bills of materials of the image, as CycloneDX and as SPDX, by the program that `make sbom` runs.
{
  pkgs,
  python,
  image,
}:
let
  program = pkgs.lib.fileset.toSource {
    root = ../.;
    fileset = ../deploy/supply_chain;
  };
in
pkgs.runCommand "scholarship-api-sbom" { nativeBuildInputs = [ python.development ]; } ''
  cd ${program}
  PYTHONDONTWRITEBYTECODE=1 python -m deploy.supply_chain.sbom ${image.archive} --output $out
''
