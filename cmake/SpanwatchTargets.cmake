# What nearly every file includes, parsed once: for the sensor's libraries and, with GoogleTest, for the tests. The build is quicker
# for it and nothing else changes: every file still includes what it uses (the fuzz build does without).
set(spanwatch_common_headers <algorithm> <array> <charconv> <chrono> <cstring> <filesystem> <functional> <map> <memory>
  <optional> <set> <span> <string> <string_view> <unordered_map> <vector> <fmt/format.h>)
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cc CONTENT "int main() {}\n")
add_library(sw_precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
target_link_libraries(sw_precompiled PRIVATE spanwatch_flags fmt::fmt nlohmann_json::nlohmann_json)
target_precompile_headers(sw_precompiled PRIVATE ${spanwatch_common_headers} <nlohmann/json.hpp>)
add_executable(sw_precompiled_tests EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/precompiled.cc)
target_link_libraries(sw_precompiled_tests PRIVATE spanwatch_flags fmt::fmt GTest::gmock)
# The tests' own code is not optimised: compiling it takes half the time, and what it calls is in libraries that are.
set(spanwatch_test_options $<$<NOT:$<CONFIG:Debug>>:-O0>)
target_compile_options(sw_precompiled_tests PRIVATE ${spanwatch_test_options})
target_precompile_headers(sw_precompiled_tests PRIVATE ${spanwatch_common_headers} <gtest/gtest.h> <gmock/gmock.h>)

# Several files of a folder compiled as one: what they include and instantiate in common is compiled once. For builds from
# nothing, above all instrumented ones; where one file at a time is edited it is slower. Names in unnamed namespaces are
# therefore distinct within a folder. By g++ alone: the build by clang shows a file that does not include what it uses.
set(SPANWATCH_JOIN_SOURCES "" CACHE STRING "ON: files of a folder are compiled together; empty: where the code is instrumented")
# ALWAYS: joined where files are edited, too, because what each file generates of a library's headers costs more than it does.
function(spanwatch_join_sources target)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    return()
  endif()
  if("ALWAYS" IN_LIST ARGN OR SPANWATCH_JOIN_SOURCES OR (SPANWATCH_SANITIZE AND SPANWATCH_JOIN_SOURCES STREQUAL ""))
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
    if(NOT SPANWATCH_SANITIZE)  # where warnings are errors
      target_compile_options(${target} PRIVATE -Wno-subobject-linkage)  # of what is unnamed in a source of several
    endif()
  endif()
endfunction()

# spanwatch_library(<folder> [JOIN] [LINK <targets>...]): the static library sw_<folder> of sensor/<folder>/*.cc.
# JOIN: its files are always compiled together.
function(spanwatch_library folder)
  cmake_parse_arguments(arg "JOIN" "" "LINK" ${ARGN})
  set(join "")
  if(arg_JOIN)
    set(join ALWAYS)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sensor/${folder}/*.cc)
  if(sources)
    add_library(sw_${folder} STATIC ${sources})
    target_link_libraries(sw_${folder} PUBLIC spanwatch_flags ${arg_LINK})
    target_precompile_headers(sw_${folder} REUSE_FROM sw_precompiled)
    spanwatch_join_sources(sw_${folder} ${join})
  else()
    add_library(sw_${folder} INTERFACE)
    target_link_libraries(sw_${folder} INTERFACE spanwatch_flags ${arg_LINK})
  endif()
endfunction()

# spanwatch_unit_tests(<folder>): tests/unit/<folder>/*_test.cc become the program unit_<folder>.
function(spanwatch_unit_tests folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${folder}/*_test.cc)
  if(sources)
    add_executable(unit_${folder} ${sources})
    target_link_libraries(unit_${folder} PRIVATE sw_${folder} sw_test_support GTest::gmock_main)
    target_compile_options(unit_${folder} PRIVATE ${spanwatch_test_options})
    target_precompile_headers(unit_${folder} REUSE_FROM sw_precompiled_tests)
    spanwatch_join_sources(unit_${folder})
    target_include_directories(unit_${folder} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
    add_test(NAME unit_${folder} COMMAND unit_${folder} --gtest_brief=1 WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(unit_${folder} PROPERTIES TIMEOUT 600 LABELS unit)
  endif()
endfunction()
