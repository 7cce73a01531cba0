#include "support/classic_bpf.h"

#include <array>

namespace spanwatch::testing {
namespace {

class Machine {
 public:
  Machine(std::span<const sock_filter> program, const ReceivedFrame& frame) : program_(program), frame_(frame) {}

  std::optional<std::uint32_t> Run() {
    for (std::size_t at = 0; at < program_.size() && !failed_ && !result_; ++at) {
      const sock_filter& step = program_[at];
      switch (BPF_CLASS(step.code)) {
        case BPF_LD:
          Load(step);
          break;
        case BPF_LDX:
          x_ = BPF_MODE(step.code) == BPF_IMM ? step.k : Memory(step.k);
          break;
        case BPF_ST:
          Store(step.k, a_);
          break;
        case BPF_STX:
          Store(step.k, x_);
          break;
        case BPF_ALU:
          Compute(step);
          break;
        case BPF_JMP:
          at += Distance(step);
          break;
        case BPF_RET:
          result_ = BPF_RVAL(step.code) == BPF_A ? a_ : step.k;
          break;
        case BPF_MISC:
          (BPF_MISCOP(step.code) == BPF_TAX ? x_ = a_ : a_ = x_);
          break;
        default:
          failed_ = true;
      }
    }
    return failed_ ? std::nullopt : result_;
  }

 private:
  std::uint32_t Memory(std::uint32_t cell) {
    if (cell >= memory_.size() || !memory_[cell]) {
      failed_ = true;
      return 0;
    }
    return *memory_[cell];
  }
  void Store(std::uint32_t cell, std::uint32_t value) {
    if (cell >= memory_.size()) {
      failed_ = true;
    } else {
      memory_[cell] = value;
    }
  }

  void Load(const sock_filter& step) {
    if (BPF_MODE(step.code) == BPF_IMM) {
      a_ = step.k;
    } else if (BPF_MODE(step.code) == BPF_MEM) {
      a_ = Memory(step.k);
    } else if (step.k == static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)) {
      a_ = frame_.tag_stripped ? 1 : 0;
    } else {
      const std::uint32_t base = BPF_MODE(step.code) == BPF_IND ? x_ : 0;
      LoadBytes(static_cast<std::int64_t>(static_cast<std::int32_t>(step.k)) + base - SKF_LL_OFF,
                BPF_SIZE(step.code) == BPF_W   ? 4
                : BPF_SIZE(step.code) == BPF_H ? 2
                                               : 1);
    }
  }
  void LoadBytes(std::int64_t offset, std::int64_t size) {
    if (offset < 0 || offset + size > static_cast<std::int64_t>(frame_.link_layer.size())) {
      result_ = 0;
      return;
    }
    a_ = 0;
    for (std::int64_t i = 0; i < size; ++i) a_ = a_ << 8 | frame_.link_layer[static_cast<std::size_t>(offset + i)];
  }

  void Compute(const sock_filter& step) {
    const std::uint32_t operand = BPF_SRC(step.code) == BPF_X ? x_ : step.k;
    switch (BPF_OP(step.code)) {
      case BPF_ADD:
        a_ += operand;
        break;
      case BPF_MUL:
        a_ *= operand;
        break;
      case BPF_AND:
        a_ &= operand;
        break;
      case BPF_XOR:
        a_ ^= operand;
        break;
      case BPF_LSH:
        a_ <<= operand;
        break;
      case BPF_RSH:
        a_ >>= operand;
        break;
      case BPF_MOD:
        failed_ = operand == 0;
        if (!failed_) a_ %= operand;
        break;
      default:
        failed_ = true;
    }
  }

  std::size_t Distance(const sock_filter& step) {
    std::size_t distance = 0;
    switch (BPF_OP(step.code)) {
      case BPF_JA:
        distance = step.k;
        break;
      case BPF_JEQ:
        distance = a_ == step.k ? step.jt : step.jf;
        break;
      case BPF_JSET:
        distance = (a_ & step.k) != 0 ? step.jt : step.jf;
        break;
      default:
        failed_ = true;
    }
    if (distance >= program_.size()) failed_ = true;
    return distance;
  }

  std::span<const sock_filter> program_;
  const ReceivedFrame& frame_;
  std::uint32_t a_ = 0, x_ = 0;
  std::array<std::optional<std::uint32_t>, BPF_MEMWORDS> memory_;
  bool failed_ = false;
  std::optional<std::uint32_t> result_;
};

}  // namespace

ReceivedFrame StripOutermostVlanTag(ByteView frame) {
  ReceivedFrame received{Bytes(frame.begin(), frame.end()), false};
  if (frame.size() < 18) return received;
  const int type = frame[12] << 8 | frame[13];
  if (type != 0x8100 && type != 0x88a8) return received;  // the kernel's own two
  received.link_layer.erase(received.link_layer.begin() + 12, received.link_layer.begin() + 16);
  received.tag_stripped = true;
  return received;
}

std::optional<std::uint32_t> RunClassicBpf(std::span<const sock_filter> program, const ReceivedFrame& frame) {
  return Machine(program, frame).Run();
}

}  // namespace spanwatch::testing
