# Every test/*.cc is a part of one doctest program; ctest runs it once for each file.
enable_testing()
find_path(doctest_include doctest/doctest.h REQUIRED)
file(GLOB test_sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/test/*.cc")
list(FILTER test_sources EXCLUDE REGEX "/(replay|fuzz_plan)\\.cc$")
set(product_isas ${isas})
list(REMOVE_ITEM product_isas avx512vl) # has none
if(MYELIN_SANITIZE STREQUAL "thread")
  # Single kernels share nothing and would take many minutes; whole plans run on several threads.
  list(FILTER test_sources EXCLUDE REGEX "/(kernels_|product|random_plans)[a-z0-9_]*\\.cc$")
  set(product_isas "")
endif()
add_executable(native_tests ${test_sources})
target_link_libraries(native_tests PRIVATE core)
target_compile_options(native_tests PRIVATE ${few_checks})
if(NOT MSVC)
  # What tests do beside calling kernels takes longer to optimize than to run.
  target_compile_options(native_tests PRIVATE -O1)
  set_source_files_properties(test/main.cc PROPERTIES COMPILE_OPTIONS -O0)  # doctest itself
endif()
# Kernels are slow there: fewer sizes.
if(MYELIN_SANITIZE OR CMAKE_CROSSCOMPILING_EMULATOR)
  target_compile_definitions(native_tests PRIVATE MYELIN_SLOW)
endif()
foreach(isa IN LISTS product_isas)
  string(TOUPPER ${isa} upper)
  string(SUBSTRING ${upper} 0 1 first)
  string(SUBSTRING ${isa} 1 -1 rest)
  kernel_flags(isa_flags ${isa})
  add_library(product_${isa} OBJECT test/isa/product.cc)
  target_include_directories(product_${isa} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}")
  target_compile_options(product_${isa} PRIVATE ${isa_flags})
  target_compile_definitions(product_${isa} PRIVATE MYELIN_ISA_${upper}
                                                    MYELIN_PRODUCT=k${first}${rest}Product)
  target_sources(native_tests PRIVATE $<TARGET_OBJECTS:product_${isa}>)
endforeach()
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
