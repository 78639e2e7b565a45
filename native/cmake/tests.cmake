# Every test/*.cc is a part of one doctest program; ctest runs it once for each file.
enable_testing()
find_path(doctest_include doctest/doctest.h REQUIRED)
file(GLOB test_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/test/*.cc")
list(FILTER test_sources EXCLUDE REGEX "/(replay|fuzz_plan)\\.cc$")
add_executable(native_tests ${test_sources})
target_link_libraries(native_tests PRIVATE core)
# A copy: a cross compiler must not see what else is in /usr/include.
file(COPY "${doctest_include}/doctest" DESTINATION "${CMAKE_BINARY_DIR}/include")
target_include_directories(native_tests SYSTEM PRIVATE "${CMAKE_BINARY_DIR}/include")
foreach(source IN LISTS test_sources)
  get_filename_component(name "${source}" NAME)
  if(NOT name STREQUAL "main.cc")
    add_test(NAME ${name} COMMAND native_tests "--source-file=*/${name}")
  endif()
endforeach()

add_executable(replay test/replay.cc)
target_link_libraries(replay PRIVATE core)

# Without libFuzzer the same entry point runs on the files that it is given.
add_executable(fuzz_plan test/fuzz_plan.cc)
target_link_libraries(fuzz_plan PRIVATE core)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND NOT MYELIN_SANITIZE STREQUAL "thread")
  target_compile_definitions(fuzz_plan PRIVATE MYELIN_LIBFUZZER)
  target_compile_options(fuzz_plan PRIVATE -fsanitize=fuzzer)
  target_link_options(fuzz_plan PRIVATE -fsanitize=fuzzer)
  target_compile_options(core PRIVATE -fsanitize=fuzzer-no-link)
endif()
