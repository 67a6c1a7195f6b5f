// SPDX-License-Identifier: Apache-2.0
//
// Heap objects of fs and ipc: MakeObject<T>(...) gives nullptr without memory; DestroyObject runs
// the destructor and frees. Concrete classes implement Destroy() by the latter, since a virtual
// destructor would want operator delete.
#pragma once

#include <new>
#include <utility>

#include "guest/mm/slab.h"

namespace fv::guest {

template <typename T, typename... Args>
T* MakeObject(Args&&... args) {
  void* memory = KernelAllocate(sizeof(T));
  return memory == nullptr ? nullptr : new (memory) T(std::forward<Args>(args)...);
}

template <typename T>
void DestroyObject(T* object) {
  object->~T();
  KernelFree(object, sizeof(T));
}

}  // namespace fv::guest
