# Checks that need no run of the program.

cpp_files() { git ls-files 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc'; }

format_all() { cpp_files | xargs clang-format-22 -i; }

check_format() { cpp_files | xargs clang-format-22 --dry-run --Werror; }

check_all() {
  check_format
}
