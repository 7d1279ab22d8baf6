# Fuzzers. Each begins with files of tests/data and goes on with what it found before, in .cache/fuzz/NAME. An input that
# breaks one is written to tests/fuzz/NAME, where the tests replay it for ever.

FUZZ_OPTIONS=(-timeout=5 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=0 -verbosity=0)

fuzz_names() { (cd build/asan/bin && printf '%s\n' *_fuzz | sed 's/_fuzz$//' | grep -v canary); }

fuzz_build() {
  setup_build
  build_preset asan fuzzers
}

# Files that a fuzzer begins with.
fuzz_seeds() { # name
  local data=tests/data
  case $1 in
    json) find $data/json_test_suite/test_parsing $data/openrtb/iab $data/seeds -name '*json' -size -16k ;;
    csv) find $data/csv_spectrum/csvs $data/csv_duckdb $data/seeds -name '*.csv' -size -16k ;;
    lines) find tests/fuzz/seeds -name '*.lines' ;;
    avro) find $data/avro $data/seeds \( -name '*.avro' -o -name '*.bin' \) -size -64k ;;
    avro_schema) find $data/avro $data/openrtb -name '*.avsc' ;;
    content) find $data \( -name '*.gz' -o -name '*utf16*.csv' -o -name '*latin1*.csv' \) -size -64k ;;
    detect) find $data -type f -size -8k -not -path '*/json_test_suite/*' ;;
    config) find config -name '*.yaml' ;;
  esac
}

# Runs one fuzzer for a time; fails when an input breaks it.
fuzz_one() { # name seconds
  local name=$1 seconds=$2 found=.cache/fuzz/$1 seeds=.cache/fuzz/$1.seeds
  rm -rf "$seeds"
  mkdir -p "$found" "$seeds" "tests/fuzz/$name"
  fuzz_seeds "$name" | while read -r file; do cp "$file" "$seeds/$(echo "$file" | tr / _)"; done
  [ -n "$(ls "$seeds")" ] || fail "the fuzzer $name has no files to begin with"
  if ! "build/asan/bin/${name}_fuzz" "${FUZZ_OPTIONS[@]}" -max_total_time="$seconds" \
    -artifact_prefix="tests/fuzz/$name/" "$found" "$seeds" >"$found.log" 2>&1; then
    tail -40 "$found.log" >&2
    fail "an input broke the fuzzer $name; it is in tests/fuzz/$name: fix the bug and commit the input"
  fi
  rmdir --ignore-fail-on-non-empty "tests/fuzz/$name"
  say "fuzz: $name: $seconds s, $(find "$found" -type f | wc -l) inputs that reach something new, none breaks it"
}

# The fuzzer with a planted bug must find it.
fuzz_canary() {
  local folder
  folder=$(mktemp -d)
  if build/asan/bin/canary_fuzz -seed=1 -max_total_time=60 -artifact_prefix="$folder/" >"$folder/log" 2>&1; then
    fail "the planted bug was not found: the fuzzers see nothing"
  fi
  grep -q heap-buffer-overflow "$folder/log" || fail "the canary broke by something else: $folder/log"
  rm -rf "$folder"
  say "fuzz: canary: the planted bug is found"
}

# ./dev fuzz [NAME [--minutes N]]: bare, it lists the fuzzers.
fuzz() {
  local name=${1:-} minutes=1
  [ "${2:-}" = --minutes ] && minutes=${3:-1}
  [[ $minutes =~ ^[0-9]+$ ]] || fail "--minutes takes a whole number, got: $minutes"
  fuzz_build
  if [ -z "$name" ]; then
    say "fuzzers, for ./dev fuzz NAME --minutes N:"
    fuzz_names
    return
  fi
  [ -x "build/asan/bin/${name}_fuzz" ] || fail "no fuzzer '$name'; ./dev fuzz lists them"
  if [ "$name" = canary ]; then
    fuzz_canary
    return
  fi
  fuzz_one "$name" $((minutes * 60))
}

# A short run of every fuzzer, as many at once as there are processors, for ./dev ci.
fuzz_smoke() { # seconds each
  local name running=0
  fuzz_build
  fuzz_canary
  for name in $(fuzz_names); do
    if [ "$running" -ge "$JOBS" ]; then
      wait -n
      running=$((running - 1))
    fi
    fuzz_one "$name" "$1" &
    running=$((running + 1))
  done
  while [ "$running" -gt 0 ]; do
    wait -n
    running=$((running - 1))
  done
}
