// SPDX-License-Identifier: Apache-2.0
//
// <linux/kvm.h> with its C layout in C++. The kernel's flexible arrays hold an empty struct, which
// has size 0 in C and size 1 in C++: the structures that end in one would grow, and with them the
// request numbers that KVM compares. Include this header, never <linux/kvm.h>.
#pragma once

#include <linux/stddef.h>
#undef __DECLARE_FLEX_ARRAY
#define __DECLARE_FLEX_ARRAY(TYPE, NAME) TYPE NAME[0]
#include <linux/kvm.h>

static_assert(sizeof(kvm_cpuid2) == 8 && sizeof(kvm_msrs) == 8 && sizeof(kvm_stats_desc) == 16);
