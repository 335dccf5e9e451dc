# The service on NixOS. Settings that production refuses are refused before there is a system to start.
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

  # Redis runs as a user and group of this name.
  redisUser = "redis-${name}";
  redisSocket = "/run/${redisUser}/redis.sock";

  # Every setting of the service; scripts/nix_settings.py writes the file.
  described = lib.importJSON ./settings.json;
  secretNames = lib.attrNames (lib.filterAttrs (_: each: each.secret) described);

  typeOf =
    each:
    let
      text = if each ? pattern then types.strMatching each.pattern else types.str;
    in
    {
      bool = types.bool;
      enum = types.enum each.values;
      int =
        if each ? max then
          types.ints.between each.min each.max
        else
          {
            "0" = types.ints.unsigned;
            "1" = types.ints.positive;
          }
          .${toString each.min};
      json = types.attrsOf (types.attrsOf types.anything);
      list = types.listOf text;
      string = text;
    }
    .${each.type};

  # A setting as the service will see it.
  effective =
    lib.mapAttrs (_: each: each.default) described // lib.filterAttrs (_: value: value != null) settings;

  givenSettings = lib.filterAttrs (_: value: value != null) settings;
  givenSecrets = lib.filterAttrs (_: path: path != null) secrets;

  # A value as the service reads it.
  asText =
    value:
    if lib.isBool value then
      lib.boolToString value
    else if lib.isList value then
      lib.concatStringsSep "," value
    else if lib.isAttrs value then
      builtins.toJSON value
    else
      toString value;
  # systemd would take a percent sign for a specifier.
  escaped = lib.replaceStrings [ "%" ] [ "%%" ];

  # The variables of the unit, without the secrets, which do not exist when the system is built.
  variables = lib.mapAttrs (_: asText) givenSettings;
  checkedSettings =
    pkgs.runCommand "scholarship-api-settings"
      {
        nativeBuildInputs = [ cfg.package ];
        env = variables // lib.mapAttrs (secret: _: placeholder secret) givenSecrets;
      }
      ''
        scholarship-api check --offline --allow environment --allow docs
        touch $out
      '';
  # The service's rules ask for random texts of a length.
  placeholder =
    name: described.${name}.placeholder or (builtins.hashString "sha512" "placeholder of ${name}");

  # Both units share these options: the user, the settings, and as few rights as possible.
  environment =
    lib.mapAttrs (_: escaped) variables
    // lib.mapAttrs' (setting: _: lib.nameValuePair "${setting}_FILE" "%d/${setting}") givenSecrets
    // {
      PYTHONDONTWRITEBYTECODE = "1";
      PYTHONUNBUFFERED = "1";
    };
  hardening = {
    User = name;
    Group = name;
    UMask = "0077";
    LoadCredential = lib.mapAttrsToList (setting: path: "${setting}:${path}") givenSecrets;

    # It writes files in /dev/shm and, briefly, in its own /tmp.
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
        Settings by the names of their environment variables. Every user of the machine can read
        them: what is secret belongs into {option}`services.scholarship-api.secrets`.
      '';
      type = types.submodule {
        options = lib.mapAttrs (
          name: each:
          mkOption {
            type = types.nullOr (typeOf each);
            default = if name == "ENVIRONMENT" then "production" else null;
            defaultText = "null: ${builtins.toJSON each.default} in production";
            inherit (each) description;
          }
        ) described;
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

    worker.enable = mkOption {
      type = types.bool;
      default = true;
      description = "Run a worker, which delivers webhooks and alerts.";
    };

    openFirewall = mkOption {
      type = types.bool;
      default = false;
      description = "Open PORT in the firewall. A proxy on this machine does not need it.";
    };

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
      description = ''
        Run Redis for the rate limits on this machine. It has a socket and no port, and only the
        service and root may open the socket.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        # Older releases have no postgresql.target.
        assertion = lib.versionAtLeast lib.trivial.release "25.11";
        message = "the module of scholarship-api needs NixOS 25.11 or newer";
      }
    ]
    ++ import ./assertions.nix {
      inherit lib secretNames;
      settings = effective;
      given = givenSettings;
      secrets = givenSecrets;
    };

    # The service's own verdict on its settings, when the system is built.
    system.checks = [ checkedSettings ];

    networking.firewall.allowedTCPPorts = lib.mkIf cfg.openFirewall [ effective.PORT ];

    services.scholarship-api.settings = {
      DATABASE_URL = lib.mkIf cfg.database.createLocally "postgresql://${name}@/${name}?host=/run/postgresql";
      RATE_LIMIT_BACKEND_URL = lib.mkIf cfg.redis.createLocally "unix://${redisSocket}";
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
      # For 100 000 awards; see docs/operating.md, "PostgreSQL".
      settings = {
        max_connections = lib.mkDefault 200;
        shared_buffers = lib.mkDefault "512MB";
        effective_cache_size = lib.mkDefault "1GB";
        work_mem = lib.mkDefault "8MB";
        maintenance_work_mem = lib.mkDefault "128MB";
        max_wal_size = lib.mkDefault "2GB";
      };
    };

    services.redis.servers.${name} = lib.mkIf cfg.redis.createLocally {
      enable = true;
      port = 0;
      unixSocket = redisSocket;
      unixSocketPerm = 660;
      # It counts for minutes, so there is nothing to keep.
      save = [ ];
    };

    # Not a dynamic user: PostgreSQL identifies a client of its socket by the user's name.
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
          ++ lib.optional cfg.redis.createLocally "${redisUser}.service";
      in
      {
        description = "Scholarship Discovery & Search API";
        wantedBy = [ "multi-user.target" ];
        wants = [ "network-online.target" ] ++ servers;
        after = [ "network-online.target" ] ++ servers;

        inherit environment;

        serviceConfig = hardening // {
          # gunicorn tells systemd when it has bound its port.
          Type = "notify";
          # Waits for both servers and migrates; nodes that race take turns.
          ExecStartPre = "${command} prestart";
          ExecStart = "${command} serve";
          # New workers with the same settings; requests in flight complete.
          ExecReload = "${pkgs.coreutils}/bin/kill -HUP $MAINPID";
          # A large migration may take its time.
          TimeoutStartSec = "15min";

          # SIGTERM for gunicorn alone, which drains its workers.
          KillSignal = "SIGTERM";
          KillMode = "mixed";
          TimeoutStopSec = effective.TERMINATION_GRACE_PERIOD;
          Restart = "on-failure";
          RestartSec = 2;
          # Settings that it refuses: a restart changes nothing.
          RestartPreventExitStatus = 78;
          SupplementaryGroups = lib.mkIf cfg.redis.createLocally [ redisUser ];
        };
      };

    systemd.services."${name}-worker" = lib.mkIf cfg.worker.enable (
      import ./worker.nix {
        inherit
          name
          command
          environment
          hardening
          ;
      }
    );
  };
}
