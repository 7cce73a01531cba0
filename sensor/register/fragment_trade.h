// FragmentTrade: what the density of sampled windows costs and finds, as `register build` prints it. Windows lie at
// random, so the number of those whole in a run of a file is Poisson distributed; the rate is that of all files
// together, windows that were left out subtracted. Values; one thread.
#pragma once

#include <cstdint>
#include <string>

namespace spanwatch::enrolment {

inline constexpr double kBytesPerWindow = 12 + 1.5 + 0.375;  // in the set: row, filter, directory

class FragmentTrade {
 public:
  FragmentTrade() = default;
  FragmentTrade(std::uint32_t density, std::uint32_t window, std::uint32_t sure)
      : density_(density), window_(window), sure_(sure) {}

  // A file and the windows that are registered of it.
  void Add(std::uint64_t bytes, std::uint64_t windows);

  // The chance that an intact run of so many bytes holds `least` whole windows, had `factor` times as many been
  // sampled.
  double Recall(double run_bytes, std::uint32_t least, double factor = 1) const;
  // The chance that a file of so many bytes does, of whose packets (1,460 bytes) this share was lost at random.
  double RecallAfterLoss(double file_bytes, double loss, std::uint32_t least) const;

  // A few lines for a person; nothing when there is no file.
  std::string Describe() const;

 private:
  std::uint32_t density_ = 256;
  std::uint32_t window_ = 64;
  std::uint32_t sure_ = 2;
  std::uint64_t bytes_ = 0;
  std::uint64_t windows_ = 0;
};

}  // namespace spanwatch::enrolment
