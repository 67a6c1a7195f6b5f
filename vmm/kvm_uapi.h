// SPDX-License-Identifier: Apache-2.0
//
// <linux/kvm.h> for C++. Some kernel headers (Debian 12's) declare flexible arrays behind an empty
// struct, which has no size in C and one byte in C++: kvm_cpuid2 grows, its entries move, and the
// request numbers, which carry the size, change. Linux's later headers have an own macro for C++;
// so has this file. Include it instead of <linux/kvm.h>, everywhere.
#pragma once

#include <linux/stddef.h>

#undef __DECLARE_FLEX_ARRAY
#define __DECLARE_FLEX_ARRAY(TYPE, NAME) TYPE NAME[0]

#include <linux/kvm.h>  // after the macro: it must be the first to include <asm/kvm.h>

static_assert(sizeof(kvm_cpuid2) == 8 && sizeof(kvm_msrs) == 8,
              "<linux/kvm.h> was included before vmm/kvm_uapi.h");
