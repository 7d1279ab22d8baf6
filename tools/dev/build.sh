# Configures and builds the CMake presets.

build_configure() { # preset [option...]
  local cache=build/$1/CMakeCache.txt
  [ -f "$cache" ] && [ "$cache" -nt CMakePresets.json ] && return
  cmake --preset "$@" >"$ROOT/.cache/configure-$1.log" 2>&1 ||
    { cat "$ROOT/.cache/configure-$1.log" >&2; fail "cmake could not configure the preset $1"; }
}

build_preset() { # preset [target...]
  local preset=$1
  shift
  [ "$preset" != asan ] || setup_debian "${DEBIAN_ASAN[@]}"
  build_configure "$preset"
  local log=$ROOT/.cache/build-$preset.log
  if [ -t 2 ]; then
    cmake --build "build/$preset" ${1:+--target "$@"} -- -j"$JOBS" >&2
  else
    cmake --build "build/$preset" ${1:+--target "$@"} -- -j"$JOBS" >"$log" 2>&1 ||
      { tail -60 "$log" >&2; fail "the preset $preset does not build"; }
  fi
}
