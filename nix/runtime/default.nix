# What the image runs: one folder with the packages and the command, on a Python without the
# references to a shell that nixpkgs gives it. Neither can be built while a shell is left.
{ pkgs, python }:
let
  inherit (pkgs) lib;
  inherit (python.python) libPrefix sitePackages;

  programs = lib.fileset.toSource {
    root = ./.;
    fileset = lib.fileset.fileFilter (file: file.hasExt "py") ./.;
  };

  # nixpkgs has more than one bash, and its releases name them differently.
  shells = lib.filter (package: package != null) [
    pkgs.stdenv.shellPackage or null
    pkgs.bash
    pkgs.bashInteractive or null
    pkgs.bashNonInteractive or null
    pkgs.busybox or null
    pkgs.coreutils
  ];
in
rec {
  # A copy instead of an override, which would be compiled anew because no cache has it. The name is
  # as long as the original's, so that paths inside of programs can be replaced.
  interpreter =
    pkgs.runCommand python.python.name
      {
        nativeBuildInputs = [ python.python ];
        disallowedReferences = [ python.python ];
        disallowedRequisites = shells;
        env.PYTHONHASHSEED = 0;
        passthru = { inherit (python.python) version; };
      }
      ''
        python3 -B ${programs}/interpreter.py ${python.python} $out ${libPrefix} ${builtins.storeDir}
        cd $out/lib/${libPrefix}
        $out/bin/python3 -B ${../../deploy/image/bytecode.py} --standard-library $NIX_BUILD_TOP/copies
        # Its bytecode holds a digest of its source, and the source holds the name of this folder.
        rm -f __pycache__/_sysconfigdata*
      '';

  # Files instead of links into the packages' folders, whose hooks for builders refer to shells.
  # The image has it as /opt/venv.
  environment =
    pkgs.runCommand "scholarship-api-runtime"
      {
        nativeBuildInputs = [
          interpreter
          pkgs.patchelf
        ];
        disallowedReferences = [
          python.python
          python.production
        ];
        disallowedRequisites = shells;
        env.PYTHONHASHSEED = 0;
      }
      ''
        mkdir -p $out/bin $out/lib/${libPrefix}
        cp --recursive --dereference ${python.production}/${sitePackages} $out/${sitePackages}
        chmod --recursive u+w $out
        # Libraries that wheels bring along lie here now. Search paths are relative, because RECORD
        # has digests of these files, which would change with the name of this folder.
        find $out -type f -name '*.so*' | while read -r library; do
          search=$(patchelf --print-rpath $library)
          way=$(realpath --relative-to=$(dirname $library) $out/${sitePackages})
          here=$(sed "s|[^:]*/${sitePackages}|\$ORIGIN/$way|g" <<< $search)
          [ "$search" = "$here" ] || patchelf --set-rpath "$here" $library
        done
        ln -s ${interpreter}/bin/python3 $out/bin/python
        printf 'home = %s/bin\n' ${interpreter} > $out/pyvenv.cfg
        install -m 0755 ${../deploy/image/entrypoint.py} $out/bin/scholarship-api
        # The wheels are stripped where they are built, before their libraries are found for them.
        substitute ${../../deploy/image/slim.py} slim.py --replace-fail /usr/bin/strip true
        python3 -B slim.py --keep-script scholarship-api $out
        python3 -B -m compileall -q --invalidation-mode unchecked-hash $out/lib
        python3 -B ${programs}/shells.py $out ${builtins.storeDir}
        $out/bin/python -B $out/bin/scholarship-api --help > /dev/null
      '';

  # The store paths of the image.
  closure = pkgs.closureInfo {
    rootPaths = [
      environment
      pkgs.cacert
    ];
  };
}
