# Runs the tests and counts them. The last line of `./dev test` is "N passed, M failed".

PASSED=0
FAILED=0

# Runs the GoogleTest programs of a preset, several side by side, and adds up their results.
test_cpp() { # preset
  local preset=$1 results=$ROOT/build/$1/results
  rm -rf "$results"
  mkdir -p "$results"
  ctest --test-dir "build/$preset" --output-on-failure -j "$JOBS" >&2 || true
  local counts
  counts=$(ctest --test-dir "build/$preset" --show-only=json-v1 | python3 tools/count_tests.py "$results") || fail "the test results cannot be read"
  PASSED=$((PASSED + ${counts% *}))
  FAILED=$((FAILED + ${counts#* }))
}

# Runs the Python tests of a folder against the release build.
test_python() { # folder [python]
  local output counts
  output=$(mktemp)
  ADWEAVE=$ADWEAVE "${2:-.cache/venv/bin/python}" tools/run_python_tests.py "$1" "$output" >&2 || true
  counts=$(cat "$output")
  rm -f "$output"
  [ -n "$counts" ] || counts="0 1"
  PASSED=$((PASSED + ${counts% *}))
  FAILED=$((FAILED + ${counts#* }))
}

test_report() {
  echo "$PASSED passed, $FAILED failed"
  [ "$FAILED" = 0 ]
}

test_all() {
  setup_build
  setup_python
  build_preset release
  test_cpp release
  test_python tests/tools
  [ -d tests/integration ] && test_python tests/integration
  test_report
}

# ./dev test [--peers [NAME ...]]
test_verb() {
  case ${1:-} in
    "") test_all ;;
    --peers)
      test_peers "${@:2}"
      test_report
      ;;
    *) fail "test takes --peers, or nothing; got: $*" ;;
  esac
}
