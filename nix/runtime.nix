# What the image runs: one folder with the packages and the command, on a Python without the
# reference to a shell that nixpkgs gives it.
{ pkgs, python }:
let
  inherit (python.python) libPrefix sitePackages;
in
rec {
  # A copy instead of an override, which would be compiled anew as no cache has it. The name is as
  # long as the original's, so that paths inside of programs can be replaced.
  interpreter =
    pkgs.runCommand python.python.name
      {
        disallowedReferences = [ python.python ];
        env.PYTHONHASHSEED = 0;
        passthru = { inherit (python.python) version; };
      }
      ''
        mkdir -p $out/bin
        cp ${python.python}/bin/${libPrefix} $out/bin
        ln -s ${libPrefix} $out/bin/python3
        cp --recursive --no-dereference ${python.python}/lib $out/lib
        chmod --recursive u+w $out
        cd $out/lib/${libPrefix}
        # For builders of extensions, for screens, and for libraries with programs of their own.
        rm -rf config-* ensurepip idlelib site-packages test tkinter turtledemo $out/lib/pkgconfig
        rm -f lib-dynload/{_curses,_curses_panel,_dbm,_gdbm,_sqlite3,_test*,readline}.*
        find $out -name __pycache__ -prune -exec rm -r {} +
        # As CPython has it; nixpkgs has put the path of a shell there.
        sed --in-place "s|'${builtins.storeDir}/[^']*/bin/sh'|'/bin/sh'|" subprocess.py
        find $out -type f -exec sed --in-place "s|${python.python}|$out|g" {} +
        find $out -type l -lname '${python.python}/*' | while read -r link; do
          target=$(readlink $link)
          ln --symbolic --force --no-dereference $out''${target#${python.python}} $link
        done
        $out/bin/python3 -B ${../deploy/image/bytecode.py} --standard-library $NIX_BUILD_TOP/copies
        # It has a digest of its source, which has the name of this folder in it.
        rm __pycache__/_sysconfigdata*
      '';

  # Files instead of links into the packages' folders, whose hooks for builders refer to shells.
  # It is /opt/venv in the image.
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
        env.PYTHONHASHSEED = 0;
      }
      ''
        mkdir -p $out/bin $out/lib/${libPrefix}
        cp --recursive --dereference ${python.production}/${sitePackages} $out/${sitePackages}
        chmod --recursive u+w $out
        # Libraries that wheels bring along lie here now. By a path from one to the other: RECORD has
        # digests of these files, which would change with the name of this folder.
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
        substitute ${../deploy/image/slim.py} slim.py --replace-fail /usr/bin/strip true
        python3 -B slim.py --keep-script scholarship-api $out
        python3 -B -m compileall -q --invalidation-mode unchecked-hash $out/lib
        $out/bin/python -B $out/bin/scholarship-api --help > /dev/null
      '';

  # Of the image.
  closure = pkgs.closureInfo {
    rootPaths = [
      environment
      pkgs.cacert
    ];
  };
}
