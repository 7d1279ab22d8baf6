# ./dev ci: what a change must pass, with the time each stage took.

CI_TIMES=()
CI_STAGE=
CI_PEERS=()  # whose tests are run
CI_FETCH=    # the job that fetches them

# Runs a command as a stage. It stands alone, not in a list, so that set -e sees every failure inside it.
stage() { # name budget-in-seconds command...
  local name=$1 budget=$2 begin=$SECONDS
  shift 2
  say "== $name"
  CI_STAGE=$name
  "$@"
  CI_STAGE=
  CI_TIMES+=("$(printf '%-34s %5d s of %5d s' "$name" $((SECONDS - begin)) "$budget")")
}

ci_failed() { [ -z "$CI_STAGE" ] || say "dev: stage '$CI_STAGE' failed"; }

# Everything of the preset release, its tests eight files at once. Python's packages, which mostly wait for the network, arrive
# meanwhile.
ci_build() {
  build_configure release -D ADWEAVE_UNITY_TESTS=ON
  setup_python >"$ROOT/.cache/python.log" 2>&1 &
  local python=$! peer
  {
    for peer in "${CI_PEERS[@]}"; do setup_peer "$peer"; done
  } >"$ROOT/.cache/peers.log" 2>&1 &
  CI_FETCH=$!
  build_preset release
  wait "$python" || { tail -20 "$ROOT/.cache/python.log" >&2; fail "the Python packages cannot be installed"; }
}

# All tests again with sanitizers: reads of freed memory, overflows, undefined behaviour. The fuzzers are of the same build.
ci_sanitizers() {
  build_preset asan tests fuzzers
  ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 LSAN_OPTIONS=suppressions=$ROOT/tools/leaks.txt \
    test_cpp asan
}

# The README's two commands, as written there.
ci_readme() {
  local commands
  commands=$(awk '/^```$/ {inside = !inside; next} inside && /^\.\/dev /' README.md)
  [ "$commands" = $'./dev demo\n./dev test' ] || fail "the README's commands are not what ci runs: $commands"
  ./dev demo
  ./dev test >"$ROOT/.cache/readme-test.log" 2>&1 || { tail -40 "$ROOT/.cache/readme-test.log" >&2; return 1; }
  local passed failed
  IFS=' ,' read -r passed _ failed _ < <(tail -1 "$ROOT/.cache/readme-test.log")
  say "$passed passed, $failed failed"
  PASSED=$((PASSED + passed))
  FAILED=$((FAILED + failed))
}

# Every fault and three seeds of a million events, as many at once as there are processors, the longest first.
ci_faults_and_oracle() {
  setup_faults
  local seed fault
  seed=$((16#$(git rev-parse --short=8 HEAD 2>/dev/null || echo 1)))
  fault=".cache/venv/bin/python tests/faults/faults.py --tier ci --seed $seed"
  {
    printf "$fault %s\n" planted power-cut steps call-failed call-killed slow-loris
    printf 'python3 tests/oracle/oracle.py --events 1000000 --seed %s\n' 1 2 3
    printf "$fault %s\n" late-writer full-disk crash brokers reply-dropped clock garbage disk-full zombie standby kill
  } | ADWEAVE=$ADWEAVE xargs -P "$JOBS" -I COMMAND sh -c COMMAND
}

# The tests against another system. What could not be fetched beside the build is fetched now.
ci_peer() { # name
  wait "$CI_FETCH" || true
  setup_peer "$1"
  test_peer "$1"
}

ci_all() { # [--full]
  local full=${1:-}
  [ $# -le 1 ] && [[ $full =~ ^(--full)?$ ]] || fail "ci takes --full or nothing, got: $*"
  trap ci_failed EXIT
  local peer
  for peer in "${PEERS[@]}"; do
    if [ -n "$full" ] || peer_changed "$peer"; then CI_PEERS+=("$peer"); fi
  done
  stage "set-up" 240 setup_check
  stage "check: layers, map, style, format" 60 check_all
  stage "build release" 720 ci_build
  stage "README: ./dev demo, ./dev test" 300 ci_readme
  stage "faults, oracle: 3 M events" 540 ci_faults_and_oracle
  stage "instructions of the hot loops" 120 bench_instructions
  stage "clang-tidy" 400 check_tidy
  stage "sanitizers" 660 ci_sanitizers
  stage "fuzzers" 600 fuzz_smoke 10
  for peer in "${CI_PEERS[@]}"; do stage "peer: $peer" 600 ci_peer "$peer"; done
  say "== time"
  printf '%s\n' "${CI_TIMES[@]}" >&2
  test_report
}
