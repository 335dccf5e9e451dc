# Tests on whole machines: NixOS boots, and vm_steps says what is done with it.
{
  pkgs,
  nixosModule,
  package,
  acceptance,
}:
let
  inherit (pkgs) lib;

  machines = import ./machines.nix { inherit lib nixosModule package; };
  suite = lib.getExe acceptance;

  # Typed, so that the driver checks its machines against what the steps ask of a machine.
  vmSteps =
    ps:
    ps.buildPythonPackage {
      pname = "vm-steps";
      version = "1";
      pyproject = false;
      src = lib.fileset.toSource {
        root = ./.;
        fileset = ./vm_steps;
      };
      installPhase = ''
        runHook preInstall
        mkdir --parents $out/${ps.python.sitePackages}
        cp --recursive vm_steps $out/${ps.python.sitePackages}/
        runHook postInstall
      '';
      pythonImportsCheck = [ "vm_steps" ];
    };
in
lib.mapAttrs
  (
    name: file:
    pkgs.testers.runNixOSTest {
      imports = [ (import file { inherit machines suite; }) ];
      name = "scholarship-api-${name}";
      extraPythonPackages = ps: [ (vmSteps ps) ];
    }
  )
  {
    probes = ./probes.nix;
    cors = ./cors.nix;
    shutdown = ./shutdown.nix;
  }
