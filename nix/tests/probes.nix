# Two machines race to migrate; then PostgreSQL, Redis and the network fail, and come back.
{ machines, suite }:
{
  nodes = {
    inherit (machines) server other client;
  };

  testScript = ''
    import vm_steps

    start_all()
    vm_steps.probes.check(vm_steps.Cluster(server, other, client, "${suite}"))
  '';
}
