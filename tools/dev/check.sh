# Checks that need no run of the program.

cpp_files() { git ls-files --cached --others --exclude-standard 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc' 'bench/*.cc' 'bench/*/*.cc'; }

format_all() { cpp_files | xargs clang-format-22 -i; }

check_all() {
  python3 tools/check_layers.py
  python3 tools/check_code_map.py
  python3 tools/check_style.py
  cpp_files | xargs clang-format-22 --dry-run --Werror
}

# The analyzer follows 50,000 states of a function, not 225,000: it would spend most of its time in headers of CLI11.
TIDY_ARGS=(-Wno-unknown-warning-option -Xclang -analyzer-config -Xclang max-nodes=50000)

# clang-tidy over everything but tests; needs a configured build. What includes Boost takes minutes, so it begins first.
check_tidy() {
  { git ls-files 'src/net/*.cc'; git ls-files 'src/*.cc'; } | grep -vE '_(test|bench)\.cc$' | awk '!seen[$0]++' |
    xargs -n 2 -P "$JOBS" clang-tidy-22 -p build/release --quiet "${TIDY_ARGS[@]/#/--extra-arg=}" 2>"$ROOT/.cache/tidy.log"
}
