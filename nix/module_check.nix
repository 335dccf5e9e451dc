# The module, evaluated as a system's: what production refuses is refused, and nothing else is.
{
  self,
  nixpkgs,
  pkgs,
}:
let
  inherit (pkgs) lib;

  evaluated =
    service:
    (nixpkgs.lib.nixosSystem {
      modules = [
        self.nixosModules.default
        {
          nixpkgs.hostPlatform = pkgs.stdenv.hostPlatform.system;
          system.stateVersion = "26.05";
          services.scholarship-api = {
            enable = true;
          }
          // service;
        }
      ];
    }).config;

  refusals =
    service:
    lib.concatMap (
      check:
      lib.optional (
        !check.assertion && lib.hasPrefix "services.scholarship-api: " check.message
      ) check.message
    ) (evaluated service).assertions;

  settings = {
    ALLOWED_HOSTS = [ "api.example.org" ];
    CORS_ALLOWED_ORIGINS = [ "https://app.example.org" ];
    DATABASE_URL = "postgresql://api@db.example.org/scholarships";
    RATE_LIMIT_BACKEND_URL = "redis://limits.example.org:6379/0";
  };
  secrets.JWT_SECRET_KEY = "/run/keys/jwt";
  sound = {
    inherit settings secrets;
  };
  with' = changes: {
    settings = settings // changes;
    inherit secrets;
  };

  # What is said of each; one thing wrong at a time.
  refused = {
    "JWT_SECRET_KEY is required" = {
      inherit settings;
    };
    "belong into secrets" = with' { METRICS_TOKEN = "for everyone to read"; };
    "with a password" = with' { DATABASE_URL = "postgresql://api:password@db.example.org/x"; };
    "password belongs" = with' { DATABASE_URL = "postgresql://api@db.example.org/x?password=x"; };
    "not in both" = sound // {
      secrets = secrets // {
        DATABASE_URL = "/run/keys/database";
      };
    };
    "files of secrets" = with' { SENTRY_DSN_FILE = "/run/keys/sentry"; };
    "DATABASE_URL is required" = with' { DATABASE_URL = null; };
    "address of PostgreSQL" = with' { DATABASE_URL = "sqlite:///file"; };
    "RATE_LIMIT_BACKEND_URL is required" = with' { RATE_LIMIT_BACKEND_URL = null; };
    "must start with redis" = with' { RATE_LIMIT_BACKEND_URL = "memory://"; };
    "development and test only" = with' { DISABLE_RATE_LIMIT_BACKEND = true; };
    "RATE_LIMIT_ENABLED" = with' { RATE_LIMIT_ENABLED = false; };
    "name each origin" = with' { CORS_ALLOWED_ORIGINS = [ ]; };
    "all with https" = with' { CORS_ALLOWED_ORIGINS = [ "http://localhost" ]; };
    "name each host" = with' { ALLOWED_HOSTS = [ ]; };
    "and not `*`" = with' { ALLOWED_HOSTS = [ "*" ]; };
    "no `*`" = with' { TRUSTED_PROXY_IPS = [ "*" ]; };
    "TRUSTED_PROXY_IPS" = with' { TRUSTED_PROXY_IPS = [ "10.0.0.0/" ]; };
    "DEBUG" = with' { DEBUG = true; };
    "GRACEFUL_TIMEOUT must" = with' { SHUTDOWN_DELAY = 28; };
    "TERMINATION_GRACE_PERIOD must" = with' { TERMINATION_GRACE_PERIOD = 30; };
  };

  accepted = {
    inherit sound;
    local = {
      settings = removeAttrs settings [
        "DATABASE_URL"
        "RATE_LIMIT_BACKEND_URL"
      ];
      inherit secrets;
      database.createLocally = true;
      redis.createLocally = true;
    };
    secret = {
      settings = removeAttrs settings [ "DATABASE_URL" ];
      secrets = secrets // {
        DATABASE_URL = "/run/keys/database";
      };
    };
    development.settings.ENVIRONMENT = "development";
  };

  wrong =
    lib.concatLists (
      lib.mapAttrsToList (
        message: service:
        let
          messages = refusals service;
        in
        lib.optional (!(lib.length messages == 1 && lib.hasInfix message (lib.head messages))) {
          expected = message;
          got = messages;
        }
      ) refused
    )
    ++ lib.concatLists (
      lib.mapAttrsToList (
        name: service:
        lib.optional (refusals service != [ ]) {
          inherit name;
          got = refusals service;
        }
      ) accepted
    );

  unit =
    (evaluated (with' {
      JWT_ISSUER = "100%";
    })).systemd.services.scholarship-api;
in
assert lib.assertMsg (wrong == [ ]) (builtins.toJSON wrong);
# Percent signs get through systemd, the secret's file is named and not its value.
assert unit.environment.JWT_ISSUER == "100%%";
assert unit.environment.JWT_SECRET_KEY_FILE == "%d/JWT_SECRET_KEY";
assert unit.serviceConfig.LoadCredential == [ "JWT_SECRET_KEY:/run/keys/jwt" ];
assert unit.serviceConfig.TimeoutStopSec == 45;
pkgs.writeText "scholarship-api-module" (builtins.toJSON unit.environment)
