# Checks that need no run of the program.

cpp_files() { git ls-files 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc'; }

format_all() { cpp_files | xargs clang-format-22 -i; }

check_all() {
  python3 tools/check_layers.py
  python3 tools/check_code_map.py
  python3 tools/check_style.py
  cpp_files | xargs clang-format-22 --dry-run --Werror
}

# clang-tidy over the files of a preset's build; slow, so over the changed ones only unless --full.
check_tidy() {
  build_configure debug
  local files
  files=$(git ls-files 'src/*.cc' | grep -v '_test.cc$')
  # shellcheck disable=SC2086
  echo $files | xargs -n 4 -P "$JOBS" clang-tidy-22 -p build/debug --quiet --warnings-as-errors='*' 2>/dev/null
}
