# A host that runs everything: nginx, PostgreSQL, Redis and the service. `nix run .#vm` boots it, with
# port 8080 of this machine as its port 80.
{ pkgs, ... }:
let
  secrets = "/var/lib/scholarship-api-secrets";
in
{
  services.scholarship-api = {
    enable = true;
    database.createLocally = true;
    redis.createLocally = true;
    settings = {
      ALLOWED_HOSTS = [
        "api.example.org"
        "localhost"
      ];
      CORS_ALLOWED_ORIGINS = [ "https://app.example.org" ];
      TRUSTED_PROXY_IPS = [ "127.0.0.1" ];
    };
    # With sops-nix or agenix name the decrypted file instead, such as
    # config.sops.secrets.jwt_secret_key.path, and list scholarship-api.service in its restartUnits.
    secrets = {
      JWT_SECRET_KEY = "${secrets}/jwt_secret_key";
      METRICS_TOKEN = "${secrets}/metrics_token";
    };
  };

  # Random secrets of this host, made at the first boot.
  systemd.services.scholarship-api-secrets = {
    description = "Secrets of the Scholarship API";
    before = [ "scholarship-api.service" ];
    requiredBy = [ "scholarship-api.service" ];
    path = [ pkgs.openssl ];
    serviceConfig = {
      Type = "oneshot";
      RemainAfterExit = true;
      StateDirectory = "scholarship-api-secrets";
      StateDirectoryMode = "0700";
      UMask = "0077";
    };
    script = ''
      for name in jwt_secret_key metrics_token; do
        [ -s ${secrets}/$name ] || openssl rand -hex 48 > ${secrets}/$name
      done
    '';
  };

  # Add enableACME and forceSSL for a host on the internet.
  services.nginx = {
    enable = true;
    recommendedProxySettings = true;
    upstreams.scholarship-api = {
      servers."127.0.0.1:8000" = { };
      # nginx closes idle connections before the API does, which keeps them for KEEPALIVE seconds.
      extraConfig = "keepalive 32; keepalive_timeout 4s;";
    };
    virtualHosts."api.example.org" = {
      default = true;
      locations."= /metrics".return = "404";
      locations."/" = {
        proxyPass = "http://scholarship-api";
        # The API trusts this host's headers, so none of the client's own values may pass.
        extraConfig = ''
          proxy_set_header X-Forwarded-For $remote_addr;
          proxy_set_header X-Request-ID $request_id;
          client_max_body_size 10m;
        '';
      };
    };
  };
  networking.firewall.allowedTCPPorts = [ 80 ];

  # A real host has these values in its hardware-configuration.nix.
  boot.loader.grub.enable = false;
  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };
  system.stateVersion = "26.05";

  virtualisation.vmVariant.virtualisation = {
    memorySize = 2048;
    cores = 2;
    forwardPorts = [
      {
        from = "host";
        host.port = 8080;
        guest.port = 80;
      }
    ];
  };
  networking.hostName = "scholarship-api";
}
