# All outputs of the flake.
{
  self,
  nixpkgs,
  uv2nix,
  pyproject-nix,
  build-system-pkgs,
  ...
}:
let
  inherit (nixpkgs) lib;

  perSystem = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (
    system:
    let
      pkgs = nixpkgs.legacyPackages.${system};
      python = import ./python.nix {
        inherit
          pkgs
          uv2nix
          pyproject-nix
          build-system-pkgs
          ;
      };
      runtime = import ./runtime { inherit pkgs python; };
      image = import ./image.nix {
        inherit
          self
          pkgs
          python
          runtime
          ;
      };
      sbom = import ./sbom.nix { inherit pkgs python image; };
      vmTests = import ./tests {
        inherit pkgs;
        nixosModule = self.nixosModules.default;
        package = python.application;
        suite = python.development;
      };
      example = exampleOf system;
      servers = [
        pkgs.postgresql_18
        pkgs.valkey
      ];
      # `scholarship-api dev` finds its servers on PATH.
      dev = pkgs.writeShellApplication {
        name = "scholarship-api-dev";
        runtimeInputs = [ python.application ] ++ servers;
        text = ''exec scholarship-api dev "$@"'';
      };
      # The Makefile's own commands, with the flake's tools instead of those in .venv.
      check = pkgs.writeShellApplication {
        name = "scholarship-api-check";
        runtimeInputs = [
          pkgs.gnugrep
          pkgs.gnumake
          # Its package for Python has no wheel for aarch64.
          pkgs.shellcheck
        ];
        text = "exec make --assume-old=.venv/.synced BIN=${python.development}/bin check";
      };
    in
    {
      packages = {
        default = python.application.overrideAttrs (old: {
          passthru = (old.passthru or { }) // {
            tests = vmTests;
          };
        });
        venv = python.production;
        image = image.archive;
        imageStream = image.stream;
        inherit sbom;
        # All VM tests. It is a package, not a check, because building it needs KVM.
        vm-tests = pkgs.linkFarm "scholarship-api-vm-tests" vmTests;
      };
      apps = {
        default = {
          type = "app";
          program = lib.getExe dev;
          meta.description = "Serve the API with PostgreSQL and Valkey of its own, as `make run` does";
        };
        check = {
          type = "app";
          program = lib.getExe check;
          meta.description = "Check style, types and the direction of imports, as `make check` does";
        };
        vm = {
          type = "app";
          program = "${example.config.system.build.vm}/bin/run-scholarship-api-vm";
          meta.description = "Boot the example host in a virtual machine, on port 8080";
        };
        imageStream = {
          type = "app";
          program = toString image.stream;
          meta.description = "Write the image to standard output, for `docker load`";
        };
      };
      checks = import ./checks.nix {
        inherit
          self
          nixpkgs
          pkgs
          python
          runtime
          image
          sbom
          servers
          dev
          check
          ;
      };
      devShells.default = import ./shell.nix { inherit pkgs python servers; };
      formatter = pkgs.nixfmt-tree;
    }
  );

  # A whole host, to read and to try: `nix run .#vm`.
  exampleOf =
    system:
    nixpkgs.lib.nixosSystem {
      modules = [
        self.nixosModules.default
        ./example.nix
        { nixpkgs.hostPlatform = system; }
      ];
    };

  perOutput = name: lib.mapAttrs (_: outputs: outputs.${name}) perSystem;
in
{
  packages = perOutput "packages";
  apps = perOutput "apps";
  checks = perOutput "checks";
  devShells = perOutput "devShells";
  formatter = perOutput "formatter";

  nixosConfigurations.example = exampleOf "x86_64-linux";

  templates.default = {
    path = ./template;
    description = "A NixOS host that serves the Scholarship Discovery & Search API";
  };

  nixosModules.default = import ./module.nix { inherit self; };
  overlays.default = final: _prev: {
    scholarship-api = self.packages.${final.stdenv.hostPlatform.system}.default;
  };
}
