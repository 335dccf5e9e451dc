# What the service would refuse to start with, for the module: in any environment, and in production.
# `settings` and `secrets` are those that are given, `secretNames` all that can be a secret.
{
  lib,
  secretNames,
  settings,
  secrets,
}:
let
  # These may be addresses without a password; the others have no harmless value.
  addressNames = [
    "DATABASE_MIGRATION_URL"
    "DATABASE_URL"
    "RATE_LIMIT_BACKEND_URL"
  ];

  isGiven = setting: settings ? ${setting} || secrets ? ${setting};

  isProduction = settings.ENVIRONMENT == "production";
  failsClosed = isProduction || settings.ENVIRONMENT == "staging";
  # An address in a secret file cannot be looked at here; the service does so when it starts.
  hasScheme =
    setting: schemes:
    !(settings ? ${setting})
    || lib.any (scheme: lib.hasPrefix "${scheme}://" settings.${setting}) schemes;

  always = [
    {
      assertion = lib.all (setting: !(settings ? ${setting})) (
        lib.subtractLists addressNames secretNames
      );
      message = "JWT_SECRET_KEY, JWT_PREVIOUS_SECRET_KEYS, METRICS_TOKEN and SENTRY_DSN belong into secrets: settings are for all to read, in the Nix store";
    }
    {
      assertion = lib.all (
        setting:
        !(settings ? ${setting})
        || builtins.match "[^/]*//[^/@]*:[^/@]+@.*|.*[?&]password=.*" settings.${setting} == null
      ) addressNames;
      message = "an address with a password belongs into secrets: settings are for all to read, in the Nix store";
    }
    {
      assertion = lib.all (setting: !(settings ? ${setting} && secrets ? ${setting})) secretNames;
      message = "give an address in settings or in secrets, not in both";
    }
    {
      assertion = !lib.any (lib.hasSuffix "_FILE") (lib.attrNames settings);
      message = "files of secrets belong into secrets, so that the service may read them";
    }
    {
      assertion = settings.GRACEFUL_TIMEOUT >= settings.SHUTDOWN_DELAY + 3;
      message = "GRACEFUL_TIMEOUT must be at least SHUTDOWN_DELAY + 1 s for requests in flight + 2 s for closing";
    }
    {
      assertion = settings.TERMINATION_GRACE_PERIOD > settings.GRACEFUL_TIMEOUT;
      message = "TERMINATION_GRACE_PERIOD must be longer than GRACEFUL_TIMEOUT";
    }
    {
      assertion = lib.all (
        network: builtins.match "[0-9a-fA-F:.]+(/[0-9]+)?" network != null
      ) settings.TRUSTED_PROXY_IPS;
      message = "TRUSTED_PROXY_IPS takes addresses and networks, and no `*`";
    }
    {
      assertion = hasScheme "DATABASE_URL" [
        "postgresql"
        "postgresql+psycopg"
        "postgres"
      ];
      message = "DATABASE_URL must be an address of PostgreSQL";
    }
    {
      assertion = hasScheme "RATE_LIMIT_BACKEND_URL" [
        "redis"
        "rediss"
        "valkey"
      ];
      message = "RATE_LIMIT_BACKEND_URL must start with redis://, rediss:// or valkey://";
    }
    {
      assertion = failsClosed -> settings.DISABLE_RATE_LIMIT_BACKEND or false != true;
      message = "DISABLE_RATE_LIMIT_BACKEND is for development and test only";
    }
  ];

  inProduction = [
    {
      assertion = secrets ? JWT_SECRET_KEY;
      message = "secrets.JWT_SECRET_KEY is required in production";
    }
    {
      assertion = isGiven "DATABASE_URL";
      message = "DATABASE_URL is required in production, or database.createLocally";
    }
    {
      assertion = isGiven "RATE_LIMIT_BACKEND_URL";
      message = "RATE_LIMIT_BACKEND_URL is required in production, or redis.createLocally";
    }
    {
      assertion = settings.RATE_LIMIT_ENABLED or true != false;
      message = "RATE_LIMIT_ENABLED cannot be off in production";
    }
    {
      assertion =
        settings.CORS_ALLOWED_ORIGINS != [ ]
        && lib.all (lib.hasPrefix "https://") settings.CORS_ALLOWED_ORIGINS;
      message = "CORS_ALLOWED_ORIGINS must name each origin, all with https://, in production";
    }
    {
      assertion = settings.ALLOWED_HOSTS != [ ] && !lib.elem "*" settings.ALLOWED_HOSTS;
      message = "ALLOWED_HOSTS must name each host in production, and not `*`";
    }
    {
      assertion = settings.DEBUG or false != true;
      message = "DEBUG must be off in production";
    }
  ];
in
map (check: check // { message = "services.scholarship-api: ${check.message}."; }) (
  always ++ lib.optionals isProduction inProduction
)
