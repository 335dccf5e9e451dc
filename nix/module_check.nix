# The cases of module_cases.json, each evaluated: the module refuses what the service would refuse,
# and nothing else.
{
  self,
  nixpkgs,
  pkgs,
}:
let
  inherit (pkgs) lib;
  inherit (lib) mkOption types;
  cases = lib.importJSON ./module_cases.json;

  # The options of NixOS that the module sets. A whole system would take seconds to evaluate.
  systemOptions = {
    options = {
      assertions = mkOption { type = types.listOf types.unspecified; };
    }
    //
      lib.genAttrs
        [
          "environment"
          "networking"
          "services.postgresql"
          "services.redis"
          "system"
          "systemd"
          "users"
        ]
        (
          _:
          mkOption {
            type = types.anything;
            default = { };
          }
        );
    config._module.args = { inherit pkgs; };
  };

  evaluated =
    service:
    (lib.evalModules {
      modules = [
        self.nixosModules.default
        (nested systemOptions)
        {
          services.scholarship-api = {
            enable = true;
          }
          // service;
        }
      ];
    }).config;

  # `"services.redis" = ...` becomes `services.redis = ...`.
  nested =
    module:
    module
    // {
      options = lib.foldl' lib.recursiveUpdate { } (
        lib.mapAttrsToList (name: lib.setAttrByPath (lib.splitString "." name)) module.options
      );
    };

  # The service that a case describes: the example with its changes; null removes.
  serviceOf =
    case:
    removeAttrs case [
      "says"
      "variable"
    ]
    // lib.genAttrs [ "settings" "secrets" ] (
      part: lib.filterAttrs (_: value: value != null) (cases.example.${part} // (case.${part} or { }))
    );

  failed =
    config: map (check: check.message) (lib.filter (check: !check.assertion) config.assertions);

  # The messages of failed assertions; null when the module system itself refuses.
  refusals =
    case:
    let
      tried = builtins.tryEval (
        let
          messages = failed (evaluated (serviceOf case));
        in
        builtins.deepSeq messages messages
      );
    in
    if tried.success then tried.value else null;

  byTheModuleSystem = says: says == "is not of type" || says == "does not exist";

  isRefusedRightly =
    case:
    let
      messages = refusals case;
    in
    if byTheModuleSystem case.says then
      messages == null
    else
      messages != null && lib.length messages == 1 && lib.hasInfix case.says (lib.head messages);

  report = name: case: {
    inherit name;
    got = refusals case;
  };
  wrong =
    lib.mapAttrsToList report (lib.filterAttrs (_: case: !isRefusedRightly case) cases.refused)
    ++ lib.mapAttrsToList report (lib.filterAttrs (_: case: refusals case != [ ]) cases.accepted);

  unit = (evaluated (serviceOf cases.accepted."all limits")).systemd.services.scholarship-api;
  open = evaluated (serviceOf cases.accepted."an open port");

  # One evaluation as a real system: the module's options are those of NixOS.
  system = nixpkgs.lib.nixosSystem {
    modules = [
      self.nixosModules.default
      {
        nixpkgs.hostPlatform = pkgs.stdenv.hostPlatform.system;
        system.stateVersion = "26.05";
        services.scholarship-api = {
          enable = true;
        }
        // serviceOf cases.accepted."servers of its own";
      }
    ];
  };
in
assert lib.assertMsg (wrong == [ ]) (builtins.toJSON wrong);
# Percent signs get through systemd; the unit names the file of the secret and not its value.
assert unit.environment.JWT_ISSUER == "100%%";
assert unit.environment.JWT_SECRET_KEY_FILE == "%d/JWT_SECRET_KEY";
assert unit.serviceConfig.LoadCredential == [ "JWT_SECRET_KEY:/run/keys/jwt" ];
assert unit.serviceConfig.TimeoutStopSec == 45;
assert open.networking.firewall.allowedTCPPorts == [ 443 ];
assert failed system.config == [ ];
pkgs.writeText "scholarship-api-module" (
  builtins.toJSON system.config.systemd.services.scholarship-api.environment
)
