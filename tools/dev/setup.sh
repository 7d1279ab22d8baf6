# Sets a machine up: Debian packages, then the pinned libraries that Debian does not have, into .deps/.
# Every download is checked against a SHA-256 before it is unpacked. A second call does nothing.

DEBIAN_BUILD=(ca-certificates g++ cmake ninja-build ccache mold unzip libfmt-dev
  libcli11-dev libyaml-cpp-dev libhowardhinnant-date-dev nlohmann-json3-dev libxxhash-dev libbenchmark-dev
  libgtest-dev libgmock-dev zlib1g-dev libzstd-dev libsnappy-dev libbz2-dev
  liblzma-dev libboost1.81-dev libssl-dev librdkafka-dev openssl tzdata dpkg-dev)
# Tools that a machine may have from elsewhere: command -> package.
declare -A DEBIAN_TOOLS=([git]=git [npm]=npm [python3]=python3 [curl]=curl)
DEBIAN_CHECK=(clang-format-22 clang-tidy-22 valgrind)
DEBIAN_ASAN=(clang-22 libclang-rt-22-dev)

PYARROW=26.0.1
PYARROW_SHA256=39cb0f2418282c24bea6ceda77b03e5a8f0a5766b63a8bf194d4e2a2c423548c
DUCKDB=@duckdb/node-bindings-linux-x64@1.5.6-r.1
DUCKDB_SHA256=1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff
SIMDJSON=@nozbe/simdjson@3.9.4
SIMDJSON_SHA256=d5c2e068967f1c3061123813d9b6e58ae4b180eb9c8b65b3db9a7f26a2a8a5c1

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# Runs a command while no other shell runs one in the turn of that name: stages of ci go on beside each other.
in_turn() ( # name command...
  mkdir -p "$ROOT/.cache"
  exec 9>"$ROOT/.cache/$1.turn"
  flock 9
  "${@:2}"
)

install_debian() { # package...
  as_root apt-get -qq update >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "$@" \
    >"$ROOT/.cache/apt.log" 2>&1 || { tail -20 "$ROOT/.cache/apt.log" >&2; fail "apt-get could not install them"; }
}

# Installs the Debian packages that are missing.
setup_debian() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  for package in "${!DEBIAN_TOOLS[@]}"; do
    command -v "$package" >/dev/null || missing+=("${DEBIAN_TOOLS[$package]}")
  done
  python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
  [ ${#missing[@]} = 0 ] && return
  say "setup: Debian packages: ${missing[*]}"
  in_turn apt install_debian "${missing[@]}"
}

verify_sha256() { # file sum
  echo "$2  $1" | sha256sum --check --quiet - >&2 || fail "$1 is not the file that was pinned"
}

npm_package() { # name sum folder -> folder/package/
  mkdir -p "$3"
  (cd "$3" && npm pack --silent "$1" >/dev/null)
  local archive
  archive=$(ls "$3"/*.tgz)
  verify_sha256 "$archive" "$2"
  tar -xzf "$archive" -C "$3"
}

setup_libraries() {
  local want="$PYARROW_SHA256 $DUCKDB_SHA256 $SIMDJSON_SHA256 with licences"
  [ "$(cat .deps/pins 2>/dev/null)" = "$want" ] && return
  say "setup: Arrow and Parquet $PYARROW, DuckDB ${DUCKDB##*@}, simdjson ${SIMDJSON##*@}"
  local temporary=.cache/fetch
  rm -rf "$temporary" .deps/{arrow,duckdb,simdjson,pins}
  mkdir -p "$temporary"/{arrow,duckdb,simdjson} .deps/{arrow/lib,duckdb/lib,simdjson}

  python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --python-version 3.11 \
    --abi cp311 --platform manylinux_2_28_x86_64 --dest "$temporary/arrow" "pyarrow==$PYARROW"
  local wheel
  wheel=$(ls "$temporary"/arrow/*.whl)
  verify_sha256 "$wheel" "$PYARROW_SHA256"
  unzip -q "$wheel" 'pyarrow/include/*' 'pyarrow/libarrow.so.*' 'pyarrow/libparquet.so.*' 'pyarrow-*/licenses/*' \
    -d "$temporary/arrow"
  mv "$temporary/arrow/pyarrow/include" .deps/arrow/include
  mv "$temporary"/arrow/pyarrow/lib*.so.* .deps/arrow/lib/
  mv "$temporary"/arrow/pyarrow-*/licenses/{LICENSE,NOTICE}.txt .deps/arrow/

  npm_package "$DUCKDB" "$DUCKDB_SHA256" "$temporary/duckdb"
  mv "$temporary/duckdb/package/libduckdb.so" .deps/duckdb/lib/
  mv "$temporary/duckdb/package/LICENSE" .deps/duckdb/
  npm_package "$SIMDJSON" "$SIMDJSON_SHA256" "$temporary/simdjson"
  mv "$temporary"/simdjson/package/src/simdjson.{h,cpp} "$temporary/simdjson/package/LICENSE" .deps/simdjson/

  rm -rf "$temporary"
  echo "$want" >.deps/pins
}

setup_build() {
  mkdir -p .cache
  setup_debian "${DEBIAN_BUILD[@]}"
  setup_libraries
}

setup_check() {
  setup_build
  setup_debian "${DEBIAN_CHECK[@]}"
}

# Python with the packages that tests/requirements.txt pins, in .cache/venv.
setup_python() { in_turn python make_python; }
make_python() {
  local venv=.cache/venv
  cmp -s tests/requirements.txt "$venv/requirements.txt" && return
  say "setup: Python packages of tests/requirements.txt"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile --require-hashes --only-binary :all: \
    -r tests/requirements.txt
  cp tests/requirements.txt "$venv/requirements.txt"
}

setup_all() {
  setup_check
  setup_python
  say "setup: ready; next: ./dev demo or ./dev test"
}
