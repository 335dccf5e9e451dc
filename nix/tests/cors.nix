# Behind nginx: origins, documentation, limits that all workers share, and the client's address.
{ machines, suite }:
{
  nodes = {
    inherit (machines) server other client;
  };

  testScript = ''
    import vm_steps

    start_all()
    vm_steps.cors.check(vm_steps.Cluster(server, other, client, "${suite}"))
  '';
}
