# Tests on whole machines: NixOS boots, and the steps are the functions of vm_steps.
# `suite` is the environment that runs the acceptance suite.
{
  pkgs,
  nixosModule,
  package,
  suite,
}:
let
  inherit (pkgs) lib;

  machines = import ./machines.nix { inherit lib nixosModule package; };

  # The suite that tests any deployment from outside; a client machine runs it.
  acceptance = pkgs.writeShellApplication {
    name = "scholarship-api-acceptance";
    runtimeInputs = [ suite ];
    runtimeEnv.PYTHONDONTWRITEBYTECODE = "1";
    text =
      let
        tests = lib.fileset.toSource {
          root = ../..;
          fileset = ../../tests/acceptance;
        };
      in
      ''exec python -m pytest ${tests}/tests/acceptance "$@"'';
  };

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
      imports = [
        (import file {
          inherit machines;
          suite = lib.getExe acceptance;
        })
      ];
      name = "scholarship-api-${name}";
      extraPythonPackages = ps: [ (vmSteps ps) ];
    }
  )
  {
    probes = ./probes.nix;
    cors = ./cors.nix;
    shutdown = ./shutdown.nix;
  }
