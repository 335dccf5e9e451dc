# The machines of the tests, by what runs on them.
{
  lib,
  nixosModule,
  package,
}:
let
  deployment = lib.importJSON ./vm_steps/deployment.json;
  inherit (deployment) passwords settings;

  # Outside of the store, where the module wants what is secret.
  files =
    folder: values:
    lib.mapAttrs' (name: text: lib.nameValuePair "${folder}/${name}" { inherit text; }) values;

  secrets = deployment.secrets // {
    JWT_SECRET_KEY = builtins.hashString "sha512" "of the VM tests";
  };

  api = names: {
    imports = [ nixosModule ];
    environment.etc = files "scholarship-api" (lib.getAttrs names secrets);
    services.scholarship-api = {
      enable = true;
      inherit package settings;
      secrets = lib.genAttrs names (name: "/etc/scholarship-api/${name}");
    };
    networking.firewall.allowedTCPPorts = [ 8000 ];
    # The test starts it.
    systemd.services.scholarship-api.wantedBy = lib.mkForce [ ];
    virtualisation = {
      cores = 2;
      memorySize = 2048;
    };
  };

  proxied = {
    imports = [ (api (lib.attrNames secrets)) ];
    services.nginx = {
      enable = true;
      recommendedProxySettings = true;
      virtualHosts.api = {
        default = true;
        locations."/".proxyPass = "http://127.0.0.1:8000";
      };
    };
    networking.firewall.allowedTCPPorts = [ 80 ];
  };

  # The roles are those of the compose stack.
  databases =
    { pkgs, ... }:
    {
      services.postgresql = {
        enable = true;
        package = pkgs.postgresql_18;
        enableTCPIP = true;
        authentication = "host scholarships all samenet scram-sha-256";
        initialScript = pkgs.writeText "initial.sql" ''
          CREATE DATABASE scholarships;
          \connect scholarships
          \i ${../../deploy/compose/roles.sql}
        '';
      };
      services.redis.servers.limits = {
        enable = true;
        bind = null;
        port = 6379;
        requirePass = passwords.redis_password;
        save = [ ];
        openFirewall = true;
      };
      networking.firewall.allowedTCPPorts = [ 5432 ];
      systemd.tmpfiles.rules = [
        "d /run/secrets 0755 root root - -"
      ]
      ++ lib.mapAttrsToList (
        name: password: "f /run/secrets/${name} 0444 root root - ${password}"
      ) passwords;
    };
in
{
  server.imports = [
    proxied
    databases
  ];

  other = proxied;

  # With servers of its own, which the module runs.
  alone = {
    imports = [ (api [ "JWT_SECRET_KEY" ]) ];
    services.scholarship-api = {
      database.createLocally = true;
      redis.createLocally = true;
    };
  };

  client = { };
}
