# ./dev faults [--tier ci|full] [--seed N] [--rounds N] [--json] [NAME ...]: what the program does under faults (tests/faults).

DEBIAN_FAULTS=(strace)

setup_faults() {
  setup_build
  setup_python
  setup_debian "${DEBIAN_FAULTS[@]}"
}

faults() {
  setup_faults
  build_preset release adweave adweave_faults step_clock
  ADWEAVE=$ADWEAVE .cache/venv/bin/python tests/faults/faults.py "$@"
}
