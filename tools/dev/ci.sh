# ./dev ci: what a change must pass, with the time each stage took.

CI_TIMES=()

stage() { # name budget-in-seconds command...
  local name=$1 budget=$2 begin=$SECONDS
  shift 2
  say "== $name"
  "$@" || fail "stage '$name' failed"
  CI_TIMES+=("$(printf '%-28s %5d s of %5d s' "$name" $((SECONDS - begin)) "$budget")")
}

ci_all() {
  stage "set-up" 300 setup_all
  stage "check" 600 check_all
  stage "build release" 720 build_preset release
  stage "tests" 300 test_cpp release
  stage "tests of the tools" 60 test_python tests/tools
  stage "integration tests" 300 test_python tests/integration
  say "== time"
  printf '%s\n' "${CI_TIMES[@]}" >&2
  test_report
}
