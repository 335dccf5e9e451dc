{
  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    scholarship-api.url = "git+file:///srv/scholarship-api"; # wherever your clone is
  };

  outputs =
    { nixpkgs, scholarship-api, ... }:
    {
      nixosConfigurations.server = nixpkgs.lib.nixosSystem {
        system = "x86_64-linux";
        modules = [
          ./hardware-configuration.nix
          scholarship-api.nixosModules.default
          {
            services.scholarship-api = {
              enable = true;
              database.createLocally = true;
              redis.createLocally = true;
              settings = {
                ALLOWED_HOSTS = [ "api.example.org" ];
                CORS_ALLOWED_ORIGINS = [ "https://app.example.org" ];
                TRUSTED_PROXY_IPS = [ "127.0.0.1" ];
              };
              # Files outside of the Nix store; systemd hands them to the service alone.
              secrets.JWT_SECRET_KEY = "/run/keys/jwt_secret_key";
              secrets.METRICS_TOKEN = "/run/keys/metrics_token";
            };
          }
        ];
      };
    };
}
