# ./dev oracle --events N --seed S [--json]: the engine against brute force (tests/oracle).

oracle() {
  setup_build
  build_preset release
  ADWEAVE=$ADWEAVE python3 "$ROOT/tests/oracle/oracle.py" "$@"
}
