/* SPDX-License-Identifier: MIT */
#include "base/inbound.h"
