# Warnings, sanitizers, linker and compiler cache for every target.
# Left out: missing-field-initializers (designated initializers leave members at their defaults on purpose) and
# restrict (g++ 12 reports std::string concatenation falsely, GCC bug 105651).
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-Wno-restrict)
else()
  # clang 22 tells of a header of g++ 12 that it uses what is deprecated, of Arrow's macros that __COUNTER__ is new, and of
  # librdkafka's that they are statements within expressions.
  add_compile_options(-Wno-deprecated-declarations -Wno-unknown-warning-option -Wno-c2y-extensions -Wno-gnu-statement-expression-from-macro-expansion)
endif()
# A failed CHECK names its file from the root of the sources on: no program tells where it was built.
add_compile_options(-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-O2 -g1 -march=x86-64-v2 -mtune=generic)
  set(ADWEAVE_COLD_CODE -O1)  # for code whose speed does not count: a quarter less time to compile
endif()
if(ADWEAVE_SANITIZE)
  set(ADWEAVE_COLD_CODE -O0)  # half the time to compile
  add_compile_options(-fsanitize=${ADWEAVE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ADWEAVE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 reports false positives in libstdc++ once a sanitizer has changed inlining.
    add_compile_options(-Wno-maybe-uninitialized -Wno-tsan)
  endif()
endif()
if(CMAKE_UNITY_BUILD)
  # Eight files of a room are compiled as one, in half the time. Release compiles them alone: it proves that each includes
  # what it uses, and tells of shadowing inside a file; here it would be of names in other files.
  add_compile_options(-Wno-shadow)
endif()
find_program(ADWEAVE_MOLD mold)
if(ADWEAVE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(ADWEAVE_CCACHE ccache)
if(ADWEAVE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ADWEAVE_CCACHE})
endif()
