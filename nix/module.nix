# The service on NixOS. Whatever production refuses is refused before there is a system to start.
{ self }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.scholarship-api;
  inherit (cfg) settings secrets;

  name = "scholarship-api";
  command = lib.getExe cfg.package;

  secretNames = [
    "DATABASE_MIGRATION_URL"
    "DATABASE_URL"
    "JWT_PREVIOUS_SECRET_KEYS"
    "JWT_SECRET_KEY"
    "METRICS_TOKEN"
    "RATE_LIMIT_BACKEND_URL"
    "SENTRY_DSN"
  ];
  givenSettings = lib.filterAttrs (_: value: value != null) settings;
  givenSecrets = lib.filterAttrs (_: path: path != null) secrets;

  # As the service reads them. systemd would take a percent sign for a specifier.
  toVariable =
    value:
    lib.replaceStrings [ "%" ] [ "%%" ] (
      if lib.isBool value then
        lib.boolToString value
      else if lib.isList value then
        lib.concatStringsSep "," value
      else
        toString value
    );
in
{
  options.services.scholarship-api = {
    enable = lib.mkEnableOption "the Scholarship Discovery & Search API";

    package = mkOption {
      type = types.package;
      default = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
      defaultText = lib.literalExpression "scholarship-api.packages.\${system}.default";
      description = "The package whose `scholarship-api` is run.";
    };

    settings = mkOption {
      default = { };
      example = lib.literalExpression ''
        {
          ALLOWED_HOSTS = [ "api.example.org" ];
          CORS_ALLOWED_ORIGINS = [ "https://app.example.org" ];
          TRUSTED_PROXY_IPS = [ "127.0.0.1" ];
        }
      '';
      description = ''
        Settings by the names of their environment variables; the README has a table of all.
        They are for every user of the machine to read: what is secret belongs into
        {option}`services.scholarship-api.secrets`.
      '';
      type = types.submodule {
        freeformType = types.attrsOf (
          types.nullOr (
            types.oneOf [
              types.bool
              types.int
              types.str
              (types.listOf types.str)
            ]
          )
        );
        options = {
          ENVIRONMENT = mkOption {
            type = types.enum [
              "development"
              "test"
              "staging"
              "production"
            ];
            default = "production";
            description = "What the deployment is for. Production refuses every unsafe setting.";
          };
          PORT = mkOption {
            type = types.port;
            default = 8000;
            description = "The port to listen on, on every address.";
          };
          WEB_CONCURRENCY = mkOption {
            type = types.nullOr types.ints.positive;
            default = null;
            description = "Worker processes; null: twice the CPUs that the service may use, plus one.";
          };
          ALLOWED_HOSTS = mkOption {
            type = types.listOf types.str;
            default = [ ];
            example = [ "api.example.org" ];
            description = "Host names of the service.";
          };
          CORS_ALLOWED_ORIGINS = mkOption {
            type = types.listOf types.str;
            default = [ ];
            example = [ "https://app.example.org" ];
            description = "Origins of browser applications.";
          };
          TRUSTED_PROXY_IPS = mkOption {
            type = types.listOf types.str;
            default = [ ];
            example = [ "127.0.0.1" ];
            description = "Addresses or networks whose X-Forwarded-For and X-Forwarded-Proto count.";
          };
          SHUTDOWN_DELAY = mkOption {
            type = types.ints.unsigned;
            default = 0;
            description = "Seconds to serve on after SIGTERM, until balancers have noticed.";
          };
          GRACEFUL_TIMEOUT = mkOption {
            type = types.ints.positive;
            default = 30;
            description = "Seconds from SIGTERM to the end of a worker.";
          };
          TERMINATION_GRACE_PERIOD = mkOption {
            type = types.ints.positive;
            default = 45;
            description = "Seconds from SIGTERM until systemd kills what is left.";
          };
        };
      };
    };

    secrets = lib.genAttrs secretNames (
      setting:
      mkOption {
        type = types.nullOr types.externalPath;
        default = null;
        example = "/run/keys/${lib.toLower setting}";
        description = ''
          A file with the value of ${setting}, outside of the Nix store. systemd reads it as root
          and hands it to the service alone.
        '';
      }
    );

    database.createLocally = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Run PostgreSQL on this machine, with a database that belongs to the service's user, who
        needs no password on its socket.
      '';
    };

    redis.createLocally = mkOption {
      type = types.bool;
      default = false;
      description = "Run Redis for the rate limits on a loopback port of this machine.";
    };

    redis.port = mkOption {
      type = types.port;
      default = 6379;
      description = "The port of the Redis that `redis.createLocally` runs.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = import ./assertions.nix {
      inherit lib secretNames;
      settings = givenSettings;
      secrets = givenSecrets;
    };

    services.scholarship-api.settings = {
      DATABASE_URL = lib.mkIf cfg.database.createLocally "postgresql://${name}@/${name}?host=/run/postgresql";
      RATE_LIMIT_BACKEND_URL = lib.mkIf cfg.redis.createLocally "redis://127.0.0.1:${toString cfg.redis.port}/0";
    };

    services.postgresql = lib.mkIf cfg.database.createLocally {
      enable = true;
      ensureDatabases = [ name ];
      ensureUsers = [
        {
          inherit name;
          ensureDBOwnership = true;
        }
      ];
    };

    services.redis.servers.${name} = lib.mkIf cfg.redis.createLocally {
      enable = true;
      bind = "127.0.0.1";
      inherit (cfg.redis) port;
      # Counters of minutes: nothing to keep.
      save = [ ];
    };

    # Not a dynamic user: PostgreSQL has to know the name of whoever comes through its socket.
    users.users.${name} = {
      isSystemUser = true;
      group = name;
      description = "Scholarship API";
    };
    users.groups.${name} = { };

    # For `scholarship-api users create` and the like.
    environment.systemPackages = [ cfg.package ];

    systemd.services.${name} =
      let
        servers =
          lib.optional cfg.database.createLocally "postgresql.target"
          ++ lib.optional cfg.redis.createLocally "redis-${name}.service";
      in
      {
        description = "Scholarship Discovery & Search API";
        wantedBy = [ "multi-user.target" ];
        wants = [ "network-online.target" ] ++ servers;
        after = [ "network-online.target" ] ++ servers;

        environment =
          lib.mapAttrs (_: toVariable) givenSettings
          // lib.mapAttrs' (setting: _: lib.nameValuePair "${setting}_FILE" "%d/${setting}") givenSecrets
          // {
            PYTHONDONTWRITEBYTECODE = "1";
            PYTHONUNBUFFERED = "1";
          };

        serviceConfig = {
          # gunicorn tells systemd when it has bound its port.
          Type = "notify";
          # Waits for both servers and migrates; nodes that race take turns.
          ExecStartPre = "${command} prestart";
          ExecStart = "${command} serve";
          # A large migration may take its time.
          TimeoutStartSec = "15min";

          # SIGTERM for gunicorn alone, which drains its workers.
          KillSignal = "SIGTERM";
          KillMode = "mixed";
          TimeoutStopSec = settings.TERMINATION_GRACE_PERIOD;
          Restart = "on-failure";
          RestartSec = 2;
          # Settings that it refuses: a restart changes nothing.
          RestartPreventExitStatus = 78;

          User = name;
          Group = name;
          UMask = "0077";
          LoadCredential = lib.mapAttrsToList (setting: path: "${setting}:${path}") givenSecrets;

          # All it writes are files in /dev/shm and, briefly, in a /tmp of its own.
          ProtectSystem = "strict";
          ProtectHome = true;
          PrivateTmp = true;
          PrivateDevices = true;
          ProtectProc = "invisible";
          ProtectClock = true;
          ProtectControlGroups = true;
          ProtectHostname = true;
          ProtectKernelLogs = true;
          ProtectKernelModules = true;
          ProtectKernelTunables = true;
          NoNewPrivileges = true;
          CapabilityBoundingSet = "";
          AmbientCapabilities = "";
          LockPersonality = true;
          MemoryDenyWriteExecute = true;
          RemoveIPC = true;
          RestrictAddressFamilies = [
            "AF_INET"
            "AF_INET6"
            "AF_UNIX"
          ];
          RestrictNamespaces = true;
          RestrictRealtime = true;
          RestrictSUIDSGID = true;
          SystemCallArchitectures = "native";
          SystemCallErrorNumber = "EPERM";
          SystemCallFilter = [
            "@system-service"
            "~@privileged"
          ];
        };
      };
  };
}
