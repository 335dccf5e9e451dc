# The unit of the worker, which delivers webhooks and alerts.
{
  name,
  command,
  environment,
  hardening,
}:
{
  description = "Scholarship API: deliveries of webhooks and alerts";
  wantedBy = [ "multi-user.target" ];
  # The service migrates before it starts.
  wants = [ "${name}.service" ];
  after = [ "${name}.service" ];
  inherit environment;

  serviceConfig = hardening // {
    ExecStart = "${command} worker";
    KillSignal = "SIGTERM";
    # Messages that are being sent take 5 s.
    TimeoutStopSec = 30;
    Restart = "on-failure";
    RestartSec = 2;
    # Settings that it refuses: a restart changes nothing.
    RestartPreventExitStatus = 78;
  };
}
