# Compiler settings that hold for every target of ours.
option(SPANWATCH_LIBFUZZER "Link fuzz targets with libFuzzer (clang); otherwise with a plain seed replayer" OFF)
set(SPANWATCH_SANITIZE "" CACHE STRING "Value of -fsanitize= for the whole build, e.g. address,undefined")

find_program(SPANWATCH_CCACHE ccache)
if(SPANWATCH_CCACHE)
  # Precompiled headers are cached too.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${SPANWATCH_CCACHE})
endif()

set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
if(SPANWATCH_SANITIZE)
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")  # -O2 with instrumentation takes minutes for one file of Asio
endif()
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")

add_library(spanwatch_flags INTERFACE)
target_include_directories(spanwatch_flags INTERFACE ${CMAKE_SOURCE_DIR}/sensor)
target_compile_options(spanwatch_flags INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror
  -Wno-missing-field-initializers -fno-omit-frame-pointer -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports false positives of these inside libstdc++ at -O2.
  target_compile_options(spanwatch_flags INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds
    -Wno-maybe-uninitialized -Wno-dangling-pointer -Wno-free-nonheap-object)
endif()
if(SPANWATCH_SANITIZE)
  # What the instrumentation makes of the code gives warnings of its own; the release build keeps them errors.
  target_compile_options(spanwatch_flags INTERFACE -Wno-error -fsanitize=${SPANWATCH_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(spanwatch_flags INTERFACE -fsanitize=${SPANWATCH_SANITIZE})
endif()
if(SPANWATCH_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(spanwatch_flags INTERFACE -Wno-tsan)  # of the fences inside Asio, once an instantiation
endif()
if(SPANWATCH_LIBFUZZER)
  target_compile_options(spanwatch_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
target_compile_definitions(spanwatch_flags INTERFACE SPANWATCH_VERSION="${PROJECT_VERSION}")
