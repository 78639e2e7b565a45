// Fuzzes the trust boundary: whatever plan the loader accepts must run inside its regions. The
// first byte chooses the ISA variant. Without libFuzzer the program runs on the files that it is
// given.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "examples.h"
#include "try_plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t length) {
  if (length == 0) return 0;
  const auto& tables = myelin::usable_tables();
  myelin::test::try_plan(bytes + 1, length - 1, *tables[bytes[0] % tables.size()]);
  return 0;
}

#if defined(MYELIN_LIBFUZZER)

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* directory = std::getenv("MYELIN_SEEDS");
  if (!directory) return 0;
  for (const myelin::test::Example& example : myelin::test::examples()) {
    std::ofstream file(std::string(directory) + "/" + example.op, std::ios::binary);
    std::vector<uint8_t> bytes = myelin::test::encode(myelin::test::plan_of(example));
    file.put(0);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  return 0;
}

#else

int main(int count, char** arguments) {
  for (int i = 1; i < count; i++) {
    std::ifstream file(arguments[i], std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  }
}

#endif
