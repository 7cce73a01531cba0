#include "register/fragment_trade.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace spanwatch::enrolment {
namespace {

constexpr double kPacketBytes = 1460;
constexpr double kPictureBytes = 100'000;

double AtLeast(std::uint32_t least, double mean) {
  double none = 0, term = std::exp(-mean);
  for (std::uint32_t i = 0; i < least; ++i) {
    none += term;
    term *= mean / (i + 1);
  }
  return std::max(0.0, 1 - none);
}

}  // namespace

void FragmentTrade::Add(std::uint64_t bytes, std::uint64_t windows) {
  bytes_ += bytes;
  windows_ += windows;
}

double FragmentTrade::Recall(double run_bytes, std::uint32_t least, double factor) const {
  if (bytes_ == 0) return 0;
  const double rate = factor * static_cast<double>(windows_) / static_cast<double>(bytes_);
  return AtLeast(least, rate * std::max(0.0, run_bytes - window_ + 1));
}

double FragmentTrade::RecallAfterLoss(double file_bytes, double loss, std::uint32_t least) const {
  // Packets arrive by a binomial; what each brings is Poisson.
  const auto packets = static_cast<int>(std::ceil(file_bytes / kPacketBytes));
  double recall = 0;
  for (int arrived = 1; arrived <= packets; ++arrived) {
    const double chance =
        std::exp(std::lgamma(packets + 1) - std::lgamma(arrived + 1) - std::lgamma(packets - arrived + 1) +
                 arrived * std::log(1 - loss) + (packets - arrived) * std::log(loss));
    const double windows_bytes = arrived * (kPacketBytes - window_ + 1) + window_ - 1;
    recall += chance * Recall(windows_bytes, least);
  }
  return recall;
}

std::string FragmentTrade::Describe() const {
  if (bytes_ == 0) return {};
  std::string text = fmt::format(
      "  one position in {}, windows of {} bytes; of a file of 100 kB with half its packets lost {:.4f} are found weak "
      "and "
      "{:.4f} sure, with nine in ten lost {:.4f} and {:.4f}\n",
      density_, window_, RecallAfterLoss(kPictureBytes, 0.5, 1), RecallAfterLoss(kPictureBytes, 0.5, sure_),
      RecallAfterLoss(kPictureBytes, 0.9, 1), RecallAfterLoss(kPictureBytes, 0.9, sure_));
  text += "  the trade (one packet: an intact run of 1,460 bytes):\n";
  const double windows_per_megabyte = 1e6 * static_cast<double>(windows_) / static_cast<double>(bytes_);
  for (const double factor : {4.0, 2.0, 1.0, 0.5, 0.25}) {
    text +=
        fmt::format("    one in {:>5.0f}: {:>7.0f} bytes a MB registered; one packet found weak {:.4f}, sure {:.4f}\n",
                    density_ / factor, factor * windows_per_megabyte * kBytesPerWindow, Recall(kPacketBytes, 1, factor),
                    Recall(kPacketBytes, sure_, factor));
  }
  return text;
}

}  // namespace spanwatch::enrolment
