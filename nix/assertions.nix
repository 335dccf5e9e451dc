# Settings that the service would refuse, for the module: in any environment, and in production. The
# service's own check, when the system is built, has the last word.
# `given` and `secrets` are those that are set, `settings` has the defaults too, and `secretNames` are
# the names of all secrets.
{
  lib,
  secretNames,
  settings,
  given,
  secrets,
}:
let
  # These may be addresses without a password; the others have no harmless value.
  addressNames = [
    "DATABASE_MIGRATION_URL"
    "DATABASE_URL"
    "RATE_LIMIT_BACKEND_URL"
  ];

  isGiven = setting: given ? ${setting} || secrets ? ${setting};

  isProduction = settings.ENVIRONMENT == "production";
  failsClosed = isProduction || settings.ENVIRONMENT == "staging";
  always = [
    {
      assertion = lib.all (setting: !(given ? ${setting})) (
        lib.subtractLists addressNames secretNames
      );
      message = "${lib.concatStringsSep ", " (lib.subtractLists addressNames secretNames)} belong into secrets: every user can read settings, in the Nix store";
    }
    {
      assertion = lib.all (
        setting:
        !(given ? ${setting})
        || builtins.match "[^/]*//[^/@]*:[^/@]+@.*|.*[?&]password=.*" given.${setting} == null
      ) addressNames;
      message = "an address with a password belongs into secrets: every user can read settings, in the Nix store";
    }
    {
      assertion = lib.all (setting: !(given ? ${setting} && secrets ? ${setting})) addressNames;
      message = "give an address in settings or in secrets, not in both";
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
      assertion = !lib.any (lib.hasSuffix "/0") settings.TRUSTED_PROXY_IPS;
      message = "TRUSTED_PROXY_IPS must not hold a network of prefix 0, which lets every client choose its address";
    }
    {
      assertion = failsClosed -> !settings.DISABLE_RATE_LIMIT_BACKEND;
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
      assertion = settings.RATE_LIMIT_ENABLED;
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
      assertion = !settings.DEBUG;
      message = "DEBUG must be off in production";
    }
  ];
in
map (check: check // { message = "services.scholarship-api: ${check.message}."; }) (
  always ++ lib.optionals isProduction inProduction
)
