# SPDX-License-Identifier: MIT
# How tests are made and registered. Every test has labels and a time limit.

set(PYLON_SANITIZER_ENV
	"ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1:halt_on_error=1"
	"UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1")
# Debian's own: another python3 earlier in PATH need not have pytest.
set(PYLON_PYTHON /usr/bin/python3)

# pylon_test_settings(NAME TIMEOUT LABEL...)
function(pylon_test_settings name timeout)
	set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} LABELS "${ARGN}"
		ENVIRONMENT "${PYLON_SANITIZER_ENV}")
endfunction()

# pylon_unit_tests(ROOM [USES room...])
#
# Each tests/ROOM/test_*.c becomes a cmocka program and the test unit.ROOM.<name>, linked with the room, with
# USES, with tests/lib and with the other .c files of its folder (fakes shared by its tests).
function(pylon_unit_tests room)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES")
	set(folder "${PROJECT_SOURCE_DIR}/tests/${room}")
	file(GLOB tests CONFIGURE_DEPENDS "${folder}/test_*.c")
	file(GLOB helpers CONFIGURE_DEPENDS "${folder}/*.c")
	if(NOT tests)
		return()
	endif()
	list(REMOVE_ITEM helpers ${tests})
	list(TRANSFORM arg_USES PREPEND room_)
	foreach(source IN LISTS tests)
		get_filename_component(stem "${source}" NAME_WE)
		string(REGEX REPLACE "^test_" "" short "${stem}")
		set(target unit_${room}_${short})
		add_executable(${target} "${source}" ${helpers})
		target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
		target_compile_definitions(${target} PRIVATE
			PYLON_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
		target_link_libraries(${target} PRIVATE
			test_lib room_${room} ${arg_USES} PkgConfig::cmocka pylon_flags)
		add_test(NAME unit.${room}.${short} COMMAND ${target}
			WORKING_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
		pylon_test_settings(unit.${room}.${short} 120 unit ${room})
	endforeach()
endfunction()

# pylon_python_test(NAME FILE TIMEOUT LABEL...): one pytest file that is told where our programs are.
function(pylon_python_test name file timeout)
	add_test(NAME ${name}
		COMMAND ${PYLON_PYTHON} -m pytest -q -p no:cacheprovider "${file}"
		WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
	pylon_test_settings(${name} ${timeout} ${ARGN})
	set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT
		"PYLON=${PROJECT_BINARY_DIR}/pylon"
		"PYLON_SHIM=${PROJECT_BINARY_DIR}/pylon-shim"
		"PYLON_AGENT_MOCK=${PROJECT_BINARY_DIR}/agent-mock"
		"PYTHONDONTWRITEBYTECODE=1")
endfunction()

# pylon_style_test(NAME TIMEOUT COMMAND...): a static check, run from the top of the source tree.
function(pylon_style_test name timeout)
	add_test(NAME style.${name} COMMAND ${ARGN} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
	pylon_test_settings(style.${name} ${timeout} style)
endfunction()
