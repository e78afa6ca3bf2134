# SPDX-License-Identifier: MIT
# Rooms, the freestanding programs and the program itself.
find_package(PkgConfig REQUIRED)

set_property(GLOBAL PROPERTY PYLON_ROOMS)

# pylon_room(NAME [USES room...] [LIBS pkg-config-name...])
#
# Every .c file in src/NAME/ becomes the static library room_NAME. A room without .c files is an empty
# interface library, so that others can name it and the tree builds; its libraries are not looked for.
# tools/check-layers reads the calls in src/CMakeLists.txt: USES is also what the room may include.
function(pylon_room name)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LIBS")
	file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.c")
	list(TRANSFORM arg_USES PREPEND room_)
	set_property(GLOBAL APPEND PROPERTY PYLON_ROOMS ${name})
	if(NOT sources)
		add_library(room_${name} INTERFACE)
		target_link_libraries(room_${name} INTERFACE ${arg_USES} pylon_flags)
		return()
	endif()
	add_library(room_${name} STATIC ${sources})
	target_link_libraries(room_${name} PUBLIC ${arg_USES} pylon_flags)
	foreach(lib IN LISTS arg_LIBS)
		if(NOT TARGET PkgConfig::${lib})
			pkg_check_modules(${lib} REQUIRED IMPORTED_TARGET GLOBAL ${lib})
		endif()
		target_link_libraries(room_${name} PUBLIC PkgConfig::${lib})
	endforeach()
endfunction()

# pylon_version(ROOM...): these rooms see PYLON_VERSION.
function(pylon_version)
	foreach(room IN LISTS ARGN)
		get_target_property(type room_${room} TYPE)
		if(type STREQUAL "STATIC_LIBRARY")
			target_compile_definitions(room_${room} PRIVATE
				PYLON_VERSION="${PROJECT_VERSION}")
		endif()
	endforeach()
endfunction()

# pylon_static_program(OUTPUT FOLDER [BASE file...]): one small static program from src/FOLDER/*.c and the
# named files of src/base, outside the rooms.
#
# musl, because such a program stays resident beside each command or is copied into an image: 40 kB
# against 700 kB with glibc. Its sources are compiled a second time with the project's own flags, into
# the library room_FOLDER: so that warnings, the analyzers and compile_commands.json cover them and unit
# tests can reach them. musl has no strerrordesc_np(), but its strerror() is just that: constant texts in
# no language but the C locale's.
function(pylon_static_program output folder)
	cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "BASE")
	file(GLOB sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${folder}/*.c")
	file(GLOB headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${folder}/*.h")
	if(NOT sources)
		return()
	endif()
	find_program(PYLON_MUSL_GCC musl-gcc)
	set(cc "${CMAKE_C_COMPILER}")
	if(PYLON_MUSL_GCC)
		set(cc "${PYLON_MUSL_GCC}")
	endif()
	set(base ${arg_BASE})
	list(TRANSFORM base PREPEND "${PROJECT_SOURCE_DIR}/src/base/")
	if(base)
		file(GLOB base_headers CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/base/*.h")
	endif()
	set(path "${PROJECT_BINARY_DIR}/${output}")
	add_custom_command(OUTPUT "${path}"
		COMMAND ${cc} -std=gnu17 -Os -Wall -Wextra -D_GNU_SOURCE -Dstrerrordesc_np=strerror
			-I "${PROJECT_SOURCE_DIR}/src"
			-fstack-protector-strong -ffunction-sections -fdata-sections
			-fno-asynchronous-unwind-tables
			-flto -static -s -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noseparate-code -o "${path}" ${sources} ${base}
		DEPENDS ${sources} ${headers} ${base} ${base_headers}
		COMMENT "Building the static program ${output}" VERBATIM)
	add_custom_target(${output} ALL DEPENDS "${path}")
	add_library(room_${folder} STATIC ${sources})
	target_link_libraries(room_${folder} PUBLIC pylon_flags)
	if(base)
		target_link_libraries(room_${folder} PUBLIC room_base)
	endif()
endfunction()

# pylon_embed(ROOM NAME FILE HEADER): FILE's bytes in ROOM as NAME_bytes and NAME_size, declared in HEADER.
function(pylon_embed room name file header)
	get_target_property(type room_${room} TYPE)
	if(NOT type STREQUAL "STATIC_LIBRARY")
		return()
	endif()
	set(out "${PROJECT_BINARY_DIR}/generated/${name}_bytes.c")
	set(script "${PROJECT_SOURCE_DIR}/cmake/embed.cmake")
	add_custom_command(OUTPUT "${out}"
		COMMAND ${CMAKE_COMMAND} -DINPUT=${file} -DOUTPUT=${out} -DNAME=${name} -DHEADER=${header}
			-P "${script}"
		DEPENDS "${file}" "${script}" VERBATIM)
	target_sources(room_${room} PRIVATE "${out}")
endfunction()
