# ./dev demo: an hour of seeded ad logs through the main job.

demo() {
  setup_build
  build_preset release
  "$ADWEAVE" version
}
