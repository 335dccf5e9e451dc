# The checks of `nix flake check`. The VM tests are packages, because they need KVM.
{
  self,
  nixpkgs,
  pkgs,
  python,
  runtime,
  image,
  sbom,
  servers,
  dev,
  check,
}:
let
  inherit (pkgs) lib;

  sources = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.difference ../. (lib.fileset.maybeMissing ../.venv);
  };

  # In a copy of the sources, with the tools of the lock.
  onSources =
    name: inputs: script:
    pkgs.runCommand "scholarship-api-${name}" { nativeBuildInputs = [ python.development ] ++ inputs; }
      ''
        cp --recursive ${sources} source
        chmod --recursive u+w source
        cd source
        export HOME=$NIX_BUILD_TOP
        ${script}
        touch $out
      '';
in
{
  ruff = onSources "ruff" [ ] ''
    ruff check --no-cache .
    ruff format --no-cache --check .
  '';

  mypy = onSources "mypy" [ ] "mypy";

  # Imports, scripts, the Dockerfile and the workflows, too.
  check = onSources "check" [ check ] "scholarship-api-check";

  pytest = onSources "pytest" servers "python -m pytest -n $NIX_BUILD_CORES";

  nix =
    onSources "nix"
      [
        pkgs.deadnix
        pkgs.nixfmt
        pkgs.statix
      ]
      ''
        nixfmt --check flake.nix $(find nix -name '*.nix')
        statix check .
        deadnix --fail flake.nix nix
      '';

  # `nix run`, from nothing to an answer.
  package =
    pkgs.runCommand "scholarship-api-package"
      {
        nativeBuildInputs = [
          dev
          pkgs.curl
        ];
      }
      ''
        export HOME=$NIX_BUILD_TOP
        scholarship-api-dev --no-reload &
        curl --silent --show-error --fail --retry 60 --retry-delay 1 --retry-connrefused \
          http://127.0.0.1:8000/readyz
        curl --silent --show-error --fail http://127.0.0.1:8000/openapi.json > $out
        kill $!
        wait $!
      '';

  image =
    pkgs.runCommand "scholarship-api-image-structure" { nativeBuildInputs = [ python.python ]; }
      ''
        python3 ${./image_checks}/archive.py ${image.archive} \
          ${pkgs.writeText "configuration.json" (builtins.toJSON image.config)}
        touch $out
      '';

  closure = pkgs.runCommand "scholarship-api-closure" { nativeBuildInputs = [ python.python ]; } ''
    python3 ${./image_checks}/closure.py ${runtime.closure}/store-paths $out
  '';

  sbom = pkgs.runCommand "scholarship-api-sbom-contents" { nativeBuildInputs = [ pkgs.jq ]; } ''
    jq --exit-status '
      .bomFormat == "CycloneDX"
      and any(.components[]; .purl | startswith("pkg:pypi/fastapi@"))
      and any(.components[]; .purl | startswith("pkg:nix/glibc@"))
    ' ${sbom}/sbom.cdx.json
    touch $out
  '';

  module = import ./module_check.nix { inherit self nixpkgs pkgs; };

  shell = self.devShells.${pkgs.stdenv.hostPlatform.system}.default;
}
