# ./dev oracle --events N --seed S [--json]: the engine against brute force (tests/oracle).

oracle() {
  setup_build
  build_preset release
  ADWEAVE=$ADWEAVE python3 "$ROOT/tests/oracle/oracle.py" "$@"
}

# For ./dev ci: seeds of a million events, as many at once as there are processors.
oracle_seeds() { # seed...
  ADWEAVE=$ADWEAVE xargs -P "$JOBS" -n 1 python3 "$ROOT/tests/oracle/oracle.py" --events 1000000 --seed <<<"$*" >&2 ||
    fail "the engine and the oracle differ"
}
