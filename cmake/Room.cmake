# One call makes a folder of src/ a library with its tests, benchmarks and fuzzers, told apart by suffix:
#   x.cc -> library   x_test.cc -> one test program a room   x_bench.cc -> one benchmark program a room
# Adding a test is adding a file.
#   adweave_room(NAME [USES target...])       USES: rooms below it and outside libraries
function(adweave_room name)
  cmake_parse_arguments(ROOM "" "" "USES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  set(tests ${sources})
  set(benches ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|_bench|_fuzz|/main)\\.cc$")

  add_library(adweave_${name} STATIC ${sources})
  target_include_directories(adweave_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(adweave_${name} PUBLIC ${ROOM_USES})
  if(tests)
    add_executable(${name}_test ${tests})
    target_include_directories(${name}_test PRIVATE ${CMAKE_SOURCE_DIR})
    target_compile_definitions(${name}_test PRIVATE ADWEAVE_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    target_link_libraries(${name}_test PRIVATE adweave_${name} adweave_test_support GTest::gmock GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  endif()
  if(benches)
    add_executable(${name}_bench ${benches})
    target_link_libraries(${name}_bench PRIVATE adweave_${name} benchmark::benchmark_main)
  endif()
endfunction()
