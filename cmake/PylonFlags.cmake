# SPDX-License-Identifier: MIT
# How everything of ours is compiled: one interface library, `pylon_flags`.
include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

set(PYLON_WARNINGS
	-Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
	-Wold-style-definition -Wformat=2 -Wundef -Wvla -Wcast-qual -Wwrite-strings
	-Wpointer-arith -Wconversion -Wsign-conversion -Wswitch-enum
	-Wimplicit-fallthrough -Wnull-dereference)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
	list(APPEND PYLON_WARNINGS -Wlogical-op -Wduplicated-cond -Wjump-misses-init)
endif()
if(PYLON_WERROR)
	list(APPEND PYLON_WARNINGS -Werror)
endif()

# -O1 keeps sanitized tests quick and lets -Wnull-dereference see something. NDEBUG is never set:
# a broken invariant must end the process in a release too.
set(CMAKE_C_FLAGS_DEBUG "-g -O1")
set(CMAKE_C_FLAGS_RELEASE "-g -O2")

add_library(pylon_flags INTERFACE)
target_compile_definitions(pylon_flags INTERFACE _GNU_SOURCE)
target_compile_options(pylon_flags INTERFACE ${PYLON_WARNINGS})
target_include_directories(pylon_flags INTERFACE "${PROJECT_SOURCE_DIR}/src")

# Defined or not defined, never 0: `#ifdef` and `#if` must agree.
if(PYLON_TEST_HOOKS)
	target_compile_definitions(pylon_flags INTERFACE PYLON_TEST_HOOKS=1)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release")
	set(hardening -fstack-protector-strong -fstack-clash-protection -fcf-protection
		-ftrivial-auto-var-init=zero)
	foreach(flag IN LISTS hardening)
		string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
		# -Werror: clang only warns of what it does not know.
		set(CMAKE_REQUIRED_FLAGS "-Werror")
		check_c_compiler_flag(${flag} ${have})
		unset(CMAKE_REQUIRED_FLAGS)
		if(${have})
			target_compile_options(pylon_flags INTERFACE ${flag})
		endif()
	endforeach()
	target_compile_options(pylon_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
	target_link_options(pylon_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed)
endif()

separate_arguments(instrument UNIX_COMMAND "${PYLON_INSTRUMENT}")
target_compile_options(pylon_flags INTERFACE ${instrument})
target_link_options(pylon_flags INTERFACE ${instrument})
