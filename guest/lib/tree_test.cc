// SPDX-License-Identifier: Apache-2.0
#include "guest/lib/tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace fv::guest {
namespace {

struct Node {
  uint64_t left = 0, right = 0, parent = 0, height = 0;
  uint64_t key = 0;
};
using Tree = AvlTree<Node, &Node::left, &Node::right, &Node::parent, &Node::height>;

class TreeTest : public ::testing::Test {
 protected:
  void Insert(Node& node) {
    Node* parent = nullptr;
    TreeSide side = TreeSide::kLeft;
    for (Node* at = tree_.root(); at != nullptr;) {
      parent = at;
      side = node.key < at->key ? TreeSide::kLeft : TreeSide::kRight;
      at = side == TreeSide::kLeft ? Tree::left(*at) : Tree::right(*at);
    }
    tree_.Insert(node, parent, side);
  }

  // Keys in order; checks parents, heights and balance on the way.
  uint64_t Walk(const Node* node, const Node* parent, std::vector<uint64_t>& keys) {
    if (node == nullptr) {
      return 0;
    }
    EXPECT_EQ(node->parent, reinterpret_cast<uint64_t>(parent));
    const uint64_t left = Walk(Tree::left(*node), node, keys);
    keys.push_back(node->key);
    const uint64_t right = Walk(Tree::right(*node), node, keys);
    EXPECT_LE(left > right ? left - right : right - left, 1u);
    EXPECT_EQ(node->height, std::max(left, right) + 1);
    return node->height;
  }
  std::vector<uint64_t> Keys() {
    std::vector<uint64_t> keys;
    Walk(tree_.root(), nullptr, keys);
    return keys;
  }

  proto::GuestPtr root_ = 0;
  Tree tree_{root_};
};

TEST_F(TreeTest, RandomInsertionsAndErasuresStayBalanced) {
  std::mt19937 random(7);
  std::map<uint64_t, std::unique_ptr<Node>> model;
  for (int step = 0; step < 5000; ++step) {
    const uint64_t key = random() % 400;
    auto found = model.find(key);
    if (found == model.end()) {
      auto node = std::make_unique<Node>();
      node->key = key;
      Insert(*node);
      model[key] = std::move(node);
    } else {
      tree_.Erase(*found->second);
      model.erase(found);
    }
    if (step % 50 == 0) {
      std::vector<uint64_t> expected;
      for (const auto& [each, node] : model) {
        expected.push_back(each);
      }
      ASSERT_EQ(Keys(), expected);
    }
  }
}

TEST_F(TreeTest, AscendingInsertionsDoNotDegenerate) {
  std::vector<Node> nodes(1000);
  for (uint64_t i = 0; i < nodes.size(); ++i) {
    nodes[i].key = i;
    Insert(nodes[i]);
  }
  EXPECT_EQ(Keys().size(), 1000u);
  EXPECT_LE(tree_.root()->height, 14u);  // 1.44 log2(n)
}

TEST_F(TreeTest, BuildsFromAnOrderedSequence) {
  for (uint64_t count : {0u, 1u, 2u, 3u, 100u, 1000u}) {
    std::vector<Node> nodes(count);
    uint64_t next = 0;
    for (uint64_t i = 0; i < count; ++i) {
      nodes[i].key = i;
    }
    tree_.Build(count, [&] { return &nodes[next++]; });
    EXPECT_EQ(Keys().size(), count);
  }
}

}  // namespace
}  // namespace fv::guest
