# One call makes a folder of src/ a library with its tests, benchmarks and fuzzers, told apart by suffix:
#   x.cc -> library   x_test.cc -> one test program a room   x_bench.cc -> one benchmark program a room
#   x_fuzz.cc -> a test that replays tests/fuzz/x/ and, in the preset asan, a fuzzer
# Adding a test is adding a file. The target `tests` builds all that ctest runs, `fuzzers` the fuzzers.
#   adweave_room(NAME [USES target...])       USES: rooms below it and outside libraries
function(adweave_fuzzer name)  # [target...]  out of the object that its replay has too
  add_executable(${name}_fuzz $<TARGET_OBJECTS:${name}_input>)
  target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name}_fuzz PRIVATE ${ARGN})
  add_dependencies(fuzzers ${name}_fuzz)
endfunction()

function(adweave_fuzz_input name source)  # [target...]
  add_library(${name}_input OBJECT ${source})
  target_include_directories(${name}_input PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name}_input PRIVATE ${ARGN})
endfunction()

# Leaves its result in results/<name>.json of the build.
function(adweave_test name program)
  add_test(NAME ${name} COMMAND ${program} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "GTEST_OUTPUT=json:${CMAKE_BINARY_DIR}/results/${name}.json")
  add_dependencies(tests ${program})
endfunction()

# Splits a room's tests in two that ctest runs beside each other, before all others.
function(adweave_halve name)
  adweave_test(${name}_rest ${name}_test)
  set_property(TEST ${name} ${name}_rest PROPERTY COST 100)
  set_property(TEST ${name} ${name}_rest APPEND PROPERTY ENVIRONMENT GTEST_TOTAL_SHARDS=2)
  set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT GTEST_SHARD_INDEX=0)
  set_property(TEST ${name}_rest APPEND PROPERTY ENVIRONMENT GTEST_SHARD_INDEX=1)
endfunction()

function(adweave_replay name)  # [target...]
  add_executable(${name}_replay $<TARGET_OBJECTS:${name}_input>)
  target_link_libraries(${name}_replay PRIVATE adweave_replay GTest::gtest_main ${ARGN})
  adweave_test(${name}_replay ${name}_replay)
endfunction()

function(adweave_room name)
  cmake_parse_arguments(ROOM "" "" "USES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  set(tests ${sources})
  set(benches ${sources})
  set(fuzzers ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_bench|_fuzz|/main)\\.cc$")

  add_library(adweave_${name} STATIC ${sources})
  target_include_directories(adweave_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(adweave_${name} PUBLIC ${ROOM_USES})
  foreach(fuzzer ${fuzzers})
    get_filename_component(input ${fuzzer} NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" input ${input})
    adweave_fuzz_input(${input} ${fuzzer} adweave_${name} adweave_test_support)
    adweave_replay(${input} adweave_${name} adweave_test_support)
    if(ADWEAVE_FUZZERS)
      adweave_fuzzer(${input} adweave_${name} adweave_test_support)
    endif()
  endforeach()
  if(tests)
    add_executable(${name}_test ${tests})
    target_compile_options(${name}_test PRIVATE ${ADWEAVE_COLD_CODE})
    target_include_directories(${name}_test PRIVATE ${CMAKE_SOURCE_DIR})
    target_compile_definitions(${name}_test PRIVATE ADWEAVE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    target_link_libraries(${name}_test PRIVATE adweave_${name} adweave_test_support GTest::gmock GTest::gtest_main)
    if(ADWEAVE_UNITY_TESTS)
      set_target_properties(${name}_test PROPERTIES UNITY_BUILD ON)
      target_compile_options(${name}_test PRIVATE -Wno-shadow)  # of names in other files
    endif()
    adweave_test(${name} ${name}_test)
  endif()
  if(benches)
    add_executable(${name}_bench ${benches})
    target_include_directories(${name}_bench PRIVATE ${CMAKE_SOURCE_DIR})
    target_link_libraries(${name}_bench PRIVATE adweave_${name} adweave_test_support benchmark::benchmark_main)
  endif()
endfunction()
