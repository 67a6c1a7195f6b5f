// SPDX-License-Identifier: Apache-2.0
//
// Intrusive AVL tree over four words of a record (left, right, parent, height), so that the host
// can walk the kernel's trees. The tree orders nothing itself: the caller searches and says where a
// node goes. Heights of two siblings differ by at most one; an empty subtree has height 0.
// Locking: the caller's.
//
//   using VmaTree = AvlTree<Vma, &VmaRecord::left, &VmaRecord::right, &VmaRecord::parent,
//                           &VmaRecord::balance>;
//   VmaTree(mm.vma_root).Insert(vma, parent, TreeSide::kLeft);
#pragma once

#include <cstdint>

#include "proto/records.h"

namespace fv::guest {

enum class TreeSide : uint8_t { kLeft, kRight };

template <typename T, auto Left, auto Right, auto Parent, auto Height>
class AvlTree {
 public:
  // `root` is the word in a record that names the root.
  explicit AvlTree(proto::GuestPtr& root) : root_(&root) {}

  T* root() const { return At(*root_); }
  static T* left(const T& node) { return At(node.*Left); }
  static T* right(const T& node) { return At(node.*Right); }

  // Puts `node` below `parent` (nullptr: the tree is empty) and rebalances.
  // REQUIRES: that place is empty.
  void Insert(T& node, T* parent, TreeSide side) {
    node.*Left = 0;
    node.*Right = 0;
    node.*Parent = Address(parent);
    node.*Height = 1;
    if (parent == nullptr) {
      *root_ = Address(&node);
    } else if (side == TreeSide::kLeft) {
      parent->*Left = Address(&node);
    } else {
      parent->*Right = Address(&node);
    }
    RebalanceUp(parent);
  }

  void Erase(T& node) {
    T* fix;
    if (left(node) != nullptr && right(node) != nullptr) {
      fix = EraseInner(node);
    } else {
      T* child = left(node) != nullptr ? left(node) : right(node);
      fix = At(node.*Parent);
      ReplaceChild(fix, node, child);
    }
    node.*Left = node.*Right = node.*Parent = node.*Height = 0;
    RebalanceUp(fix);
  }

  // Makes the tree of `count` nodes, given in order by `next()`, in linear time.
  template <typename Next>
  void Build(uint64_t count, Next next) {
    T* top = BuildSubtree(count, next);
    *root_ = Address(top);
    if (top != nullptr) {
      top->*Parent = 0;
    }
  }

 private:
  static T* At(proto::GuestPtr pointer) { return reinterpret_cast<T*>(pointer); }
  static proto::GuestPtr Address(const T* node) { return reinterpret_cast<uint64_t>(node); }
  static uint64_t HeightOf(const T* node) { return node == nullptr ? 0 : node->*Height; }
  static void Measure(T& node) {
    const uint64_t l = HeightOf(left(node));
    const uint64_t r = HeightOf(right(node));
    node.*Height = (l > r ? l : r) + 1;
  }
  static void SetLeft(T& node, T* child) {
    node.*Left = Address(child);
    if (child != nullptr) {
      child->*Parent = Address(&node);
    }
  }
  static void SetRight(T& node, T* child) {
    node.*Right = Address(child);
    if (child != nullptr) {
      child->*Parent = Address(&node);
    }
  }

  // `child` takes the place of `old` below `parent`.
  void ReplaceChild(T* parent, T& old, T* child) {
    if (parent == nullptr) {
      *root_ = Address(child);
    } else if (parent->*Left == Address(&old)) {
      parent->*Left = Address(child);
    } else {
      parent->*Right = Address(child);
    }
    if (child != nullptr) {
      child->*Parent = Address(parent);
    }
  }

  // Erases a node with two children: its successor takes its place. Returns where heights changed.
  T* EraseInner(T& node) {
    T* next = right(node);
    while (left(*next) != nullptr) {
      next = left(*next);
    }
    T* fix = next;
    if (next != right(node)) {
      fix = At(next->*Parent);
      ReplaceChild(fix, *next, right(*next));
      SetRight(*next, right(node));
    }
    SetLeft(*next, left(node));
    ReplaceChild(At(node.*Parent), node, next);
    return fix;
  }

  T* RotateLeft(T& node) {
    T* up = right(node);
    ReplaceChild(At(node.*Parent), node, up);
    SetRight(node, left(*up));
    SetLeft(*up, &node);
    Measure(node);
    Measure(*up);
    return up;
  }
  T* RotateRight(T& node) {
    T* up = left(node);
    ReplaceChild(At(node.*Parent), node, up);
    SetLeft(node, right(*up));
    SetRight(*up, &node);
    Measure(node);
    Measure(*up);
    return up;
  }

  void RebalanceUp(T* node) {
    while (node != nullptr) {
      Measure(*node);
      T* l = left(*node);
      T* r = right(*node);
      if (HeightOf(l) > HeightOf(r) + 1) {
        if (HeightOf(right(*l)) > HeightOf(left(*l))) {
          RotateLeft(*l);
        }
        node = RotateRight(*node);
      } else if (HeightOf(r) > HeightOf(l) + 1) {
        if (HeightOf(left(*r)) > HeightOf(right(*r))) {
          RotateRight(*r);
        }
        node = RotateLeft(*node);
      }
      node = At(node->*Parent);
    }
  }

  // Depth is log2(count): the recursion is at most 17 deep for 65,530 mappings.
  template <typename Next>
  T* BuildSubtree(uint64_t count, Next& next) {
    if (count == 0) {
      return nullptr;
    }
    T* before = BuildSubtree(count / 2, next);
    T* node = next();
    T* after = BuildSubtree(count - count / 2 - 1, next);
    SetLeft(*node, before);
    SetRight(*node, after);
    Measure(*node);
    return node;
  }

  proto::GuestPtr* root_;
};

}  // namespace fv::guest
