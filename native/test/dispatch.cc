#include "dispatch.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <set>
#include <stdexcept>
#include <string>

namespace myelin::test {
namespace {

// Sets an environment variable for the length of a test.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    const char* old = std::getenv(name);
    if (old) old_ = old;
    had_ = old != nullptr;
    setenv(name, value, 1);
  }
  ~Environment() {
    if (had_) {
      setenv(name_, old_.c_str(), 1);
    } else {
      unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::string old_;
  bool had_;
};

TEST_CASE("tables are listed best first, and scalar runs anywhere") {
  const auto& tables = usable_tables();
  REQUIRE(!tables.empty());
  CHECK(std::string(tables.back()->isa) == "scalar");
  for (size_t i = 1; i < tables.size(); i++) {
    CHECK(tables[i]->vector_width <= tables[i - 1]->vector_width);
  }
  for (const KernelTable* table : tables) CHECK(find_table(table->isa) == table);
  CHECK(find_table("mmx") == nullptr);
}

TEST_CASE("MYELIN_ISA forces a variant") {
  for (const KernelTable* table : usable_tables()) {
    Environment forced("MYELIN_ISA", table->isa);
    CHECK(&default_table() == table);
  }
  {
    Environment empty("MYELIN_ISA", "");
    CHECK(&default_table() == usable_tables().front());
  }
  Environment wrong("MYELIN_ISA", "mmx");
  std::string message = "MYELIN_ISA must be one of " + usable_names() + ", got \"mmx\"";
  CHECK_THROWS_WITH_AS(default_table(), message.c_str(), std::invalid_argument);
}

TEST_CASE("all tables list the same kernels, each once") {
  const KernelTable& first = *usable_tables().front();
  for (const KernelTable* table : usable_tables()) {
    REQUIRE(table->count == first.count);
    std::set<std::string> names;
    for (int i = 0; i < table->count; i++) {
      CHECK(std::string(table->kernels[i].name) == first.kernels[i].name);
      CHECK(names.insert(table->kernels[i].name).second);
    }
  }
}

TEST_CASE("variants in zmm registers have kernels for narrow networks in ymm registers") {
  const KernelTable& scalar = *usable_tables().back();
  for (const KernelTable* table : usable_tables()) {
    bool narrow = table->vector_width == 16;
    CHECK(table->plan_kernel_count == scalar.plan_kernel_count + (narrow ? 1 : 0));
  }
}

}  // namespace
}  // namespace myelin::test
