// SPDX-License-Identifier: Apache-2.0
//
// What a C++ program takes for granted: constructors before main, iostream, exceptions through
// frames with destructors, RTTI, containers, thread-safe statics.
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

namespace {

struct Global {
  Global() { std::cout << "global constructed\n"; }
  ~Global() { std::cout << "global destroyed" << std::endl; }
} global;

struct Tracer {
  explicit Tracer(std::string n) : name(std::move(n)) {}
  ~Tracer() { std::cout << "unwind " << name << "\n"; }
  std::string name;
};

struct Base {
  virtual ~Base() = default;
};
struct Derived : Base {};

int Recurse(int depth) {
  Tracer tracer("frame " + std::to_string(depth));
  if (depth == 0) throw std::out_of_range("bottom");
  return Recurse(depth - 1) + 1;
}

int Counter() {
  static std::unique_ptr<int> value = std::make_unique<int>(41);
  return ++*value;
}

}  // namespace

int main() {
  try {
    Recurse(3);
  } catch (const std::logic_error& error) {
    std::cout << "caught " << error.what() << "\n";
  }
  try {
    (void)std::vector<int>().at(5);
  } catch (const std::exception&) {
    std::cout << "caught at()\n";
  }
  try {
    Base* base = nullptr;
    if (typeid(*base) == typeid(Derived)) std::cout << "never\n";
  } catch (const std::bad_typeid&) {
    std::cout << "caught bad_typeid\n";
  }
  std::map<std::string, int> words;
  for (const char* word : {"fork", "exec", "wait", "fork"}) ++words[word];
  for (const auto& [word, count] : words) std::cout << word << " " << count << "\n";
  std::unique_ptr<Base> derived = std::make_unique<Derived>();
  std::cout << "cast " << (dynamic_cast<Derived*>(derived.get()) != nullptr) << "\n";
  std::cout << "static " << Counter() << " " << Counter() << std::endl;
  return 7;
}
