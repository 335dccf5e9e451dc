# The container image, with the configuration that the Dockerfile has. No shell, no package manager.
{
  self,
  pkgs,
  python,
  runtime,
}:
let
  # The time of the commit: two builds of a commit give one image. Files keep dockerTools' fixed time,
  # so that a layer which a commit leaves alone keeps its digest.
  date = self.lastModifiedDate;
  part = start: length: builtins.substring start length date;
  created = "${part 0 4}-${part 4 2}-${part 6 2}T${part 8 2}:${part 10 2}:${part 12 2}Z";

  second = 1000000000;

  root = pkgs.runCommand "scholarship-api-root" { } ''
    mkdir -p $out/etc/ssl/certs $out/home/nonroot $out/opt
    ln -s ${runtime.environment} $out/opt/venv
    ln -s ${pkgs.cacert}/etc/ssl/certs/ca-bundle.crt $out/etc/ssl/certs/ca-certificates.crt
    cat > $out/etc/passwd <<END
    root:x:0:0:root:/root:/sbin/nologin
    nobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin
    nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin
    END
    cat > $out/etc/group <<END
    root:x:0:
    nobody:x:65534:
    nonroot:x:65532:
    END
    echo 'hosts: files dns' > $out/etc/nsswitch.conf
  '';

  image = {
    name = "scholarship-api";
    tag = python.scholarship-api.version;
    inherit created;
    contents = [ root ];
    extraCommands = ''
      mkdir --mode 1777 tmp
    '';
    # The most shared packages have a layer each; the service itself comes last.
    maxLayers = 40;
    config = {
      User = "65532:65532";
      ExposedPorts = {
        "8000/tcp" = { };
      };
      Env = [
        "ENVIRONMENT=production"
        "PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        "PYTHONDONTWRITEBYTECODE=1"
        "PYTHONUNBUFFERED=1"
        "TMPDIR=/dev/shm"
      ];
      Entrypoint = [ "/opt/venv/bin/scholarship-api" ];
      Cmd = [ "start" ];
      StopSignal = "SIGTERM";
      Healthcheck = {
        Test = [
          "CMD"
          "/opt/venv/bin/python"
          "-m"
          "scholarship_api.healthcheck"
        ];
        Interval = 10 * second;
        Timeout = 5 * second;
        StartPeriod = 60 * second;
        Retries = 3;
      };
      Labels = {
        "org.opencontainers.image.title" = "Scholarship Discovery & Search API";
        "org.opencontainers.image.description" =
          "Students find awards they can win, providers keep them current.";
        "org.opencontainers.image.licenses" = "MIT";
        "org.opencontainers.image.base.name" = "scratch";
        "org.opencontainers.image.source" = "unknown";
        "org.opencontainers.image.version" = python.scholarship-api.version;
        "org.opencontainers.image.revision" = self.rev or self.dirtyRev or "unknown";
      };
    };
  };
in
{
  inherit created;
  inherit (image) config;
  # `docker load < result` reads it.
  archive = pkgs.dockerTools.buildLayeredImage image;
  # `nix run .#imageStream | docker load` keeps the archive out of the store.
  stream = pkgs.dockerTools.streamLayeredImage image;
}
