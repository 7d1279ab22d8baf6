# ./dev bench [--setup] [--json] [ROW ...]: the speed of each part beside its peers (bench/).
# ./dev bench --instructions [--update]: what the hot loops take, beside what is expected.

DEBIAN_BENCH=(libavro-dev nginx-light)

# Python with what bench/peers/requirements.txt pins, in .cache/bench/venv.
setup_bench_python() {
  local pins=bench/peers/requirements.txt venv=.cache/bench/venv
  cmp -s "$pins" "$venv/requirements.txt" && return
  say "setup: Python packages of $pins"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-cache-dir --require-hashes --only-binary :all: -r "$pins"
  cp "$pins" "$venv/requirements.txt"
}

# The newest DuckDB beside the one that ours embeds, in a folder of its own.
setup_bench_duckdb() {
  local pins=bench/peers/duckdb/newest.txt folder
  folder=.cache/bench/duckdb-$(sed -n 's/^duckdb==\([^ ]*\).*/\1/p' "$pins")
  [ -d "$folder" ] && return
  say "setup: Python packages of $pins"
  rm -rf .cache/bench/duckdb-*
  .cache/bench/venv/bin/pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes --only-binary :all: --no-deps \
    --target "$folder.new" -r "$pins"
  mv "$folder.new" "$folder"
}

# All peers: Python packages, Spark with its Java, Kafka, avro-c.
setup_bench() {
  setup_peer spark
  setup_peer kafka
  setup_debian "${DEBIAN_BENCH[@]}"
  setup_bench_python
  setup_bench_duckdb
  rm -f build/release/CMakeCache.txt  # it looked for avro-c before
  say "setup: ready; next: ./dev bench"
}

bench_instructions() { # [--update]
  [ $# -le 1 ] && [[ ${1:-} =~ ^(--update)?$ ]] || fail "bench --instructions takes --update or nothing, got: $*"
  setup_check
  build_preset release
  ADWEAVE=$ADWEAVE python3 bench/instructions.py "$@"
}

bench_verb() {
  if [ "${1:-}" = --setup ]; then
    [ $# = 1 ] || fail "bench --setup takes nothing else, got: $*"
    setup_bench
    return
  fi
  setup_build
  if [ "${1:-}" = --instructions ]; then
    bench_instructions "${@:2}"
    return
  fi
  build_preset release
  local python=.cache/bench/venv/bin/python
  [ -x "$python" ] || python=python3
  local java
  java=$(dpkg-query -L openjdk-17-jre-headless 2>/dev/null | grep '/bin/java$') || java=
  JAVA_HOME=${java%/bin/java} ADWEAVE=$ADWEAVE "$python" bench/bench.py "$@"
}
