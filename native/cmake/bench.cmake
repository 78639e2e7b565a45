# What `npm run bench -- kernels` measures with: the kernels beside the machine's limits and the
# matrix products of other libraries.
set(bench_folder "${CMAKE_CURRENT_SOURCE_DIR}/../bench/native")
add_executable(myelin_bench "${bench_folder}/main.cc" "${bench_folder}/limits.cc"
                            "${bench_folder}/product.cc" "${bench_folder}/runner.cc")
set(limits_isas ${isas})
list(REMOVE_ITEM limits_isas avx512vl) # the processor's are avx512's
foreach(isa IN LISTS limits_isas)
  set(source "${bench_folder}/limits_${isa}.cc")
  json_list(isa_flags isa ${isa} ${compiler})
  set_source_files_properties("${source}" PROPERTIES COMPILE_OPTIONS "${isa_flags}")
  target_sources(myelin_bench PRIVATE "${source}")
endforeach()
target_link_libraries(myelin_bench PRIVATE core ${CMAKE_DL_LIBS})
