// Runs a fuzz target over the files of the given folders, without a fuzzer: seeds and past crashes stay tests for ever.
// Each input is copied to an exact-size heap block, so that a read beyond it traps under AddressSanitizer.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  std::size_t inputs = 0;
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::exists(argv[i])) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> content{std::istreambuf_iterator<char>(file), {}};
      const auto exact = std::make_unique<std::uint8_t[]>(content.size());
      std::copy(content.begin(), content.end(), reinterpret_cast<char*>(exact.get()));
      LLVMFuzzerTestOneInput(exact.get(), content.size());
      ++inputs;
    }
  }
  LLVMFuzzerTestOneInput(nullptr, 0);
  std::printf("%zu seeds replayed\n", inputs);
  if (inputs == 0) std::fprintf(stderr, "no seeds: a fuzz target needs some in tests/fuzz/corpus/<name>/\n");
  return inputs == 0 ? 1 : 0;
}
