# A bill of materials (CycloneDX) of the image: its Python packages, by their own metadata, and the
# store paths, by their names.
{
  self,
  pkgs,
  python,
  runtime,
  image,
}:
pkgs.runCommand "scholarship-api.cdx.json"
  {
    nativeBuildInputs = [ python.python ];
  }
  ''
    python3 ${./sbom.py} \
      --name scholarship-api \
      --version ${python.scholarship-api.version} \
      --revision ${self.rev or self.dirtyRev or "unknown"} \
      --timestamp ${image.created} \
      --store-paths ${runtime.closure}/store-paths \
      ${runtime.environment} > $out
  ''
