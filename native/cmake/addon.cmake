# The addon, as cmake-js builds it; node-gyp with binding.gyp is what the package uses.
execute_process(
  COMMAND node -p "require('node-addon-api').include_dir"
  WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}/.."
  OUTPUT_VARIABLE napi_include OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
get_filename_component(napi_include "${napi_include}" ABSOLUTE
                       BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}/..")
json_list(addon addon)
add_library(myelin SHARED ${addon} ${CMAKE_JS_SRC})
set_target_properties(myelin PROPERTIES PREFIX "" SUFFIX ".node")
if(NOT CMAKE_JS_VERSION) # where node-gyp-build looks for it
  set_target_properties(myelin PROPERTIES LIBRARY_OUTPUT_DIRECTORY build/Release)
endif()
target_include_directories(myelin PRIVATE ${CMAKE_JS_INC} "${napi_include}")
target_link_libraries(myelin PRIVATE core ${CMAKE_JS_LIB})
