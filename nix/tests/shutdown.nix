# One machine with servers of its own is told to stop while a request is on its way.
{ machines, suite }:
{
  nodes = {
    server = machines.alone;
    inherit (machines) client;
  };

  testScript = ''
    import vm_steps

    start_all()
    vm_steps.shutdown.check(server, client, "${suite}")
  '';
}
