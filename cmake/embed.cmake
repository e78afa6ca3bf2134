# SPDX-License-Identifier: MIT
# cmake -DINPUT=file -DOUTPUT=file.c -DNAME=x -DHEADER=room/x.h -P embed.cmake
file(READ "${INPUT}" hex HEX)
string(LENGTH "${hex}" digits)
math(EXPR size "${digits} / 2")
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "((0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,))" "\t\\1\n" bytes "${bytes}")
file(WRITE "${OUTPUT}" "/* Generated from a built program. */
#include <stddef.h>

#include \"${HEADER}\"

const unsigned char ${NAME}_bytes[] = {
${bytes}
};
const size_t ${NAME}_size = ${size};
")
