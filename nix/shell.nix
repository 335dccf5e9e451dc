# `nix develop`: the checkout as it is, with both servers, the tools of the lock, and uv to change it.
{
  pkgs,
  python,
  servers,
}:
pkgs.mkShell {
  packages = [
    python.editable
    pkgs.uv
  ]
  ++ servers;

  env = {
    UV_NO_SYNC = "1";
    UV_PYTHON = python.python.interpreter;
    UV_PYTHON_DOWNLOADS = "never";
  };

  shellHook = ''
    # nixpkgs' hooks set it, and it would come before the environment's packages.
    unset PYTHONPATH
    export REPO_ROOT=$(git rev-parse --show-toplevel)
  '';
}
