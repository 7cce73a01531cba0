#include "capture/fanout_program.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "capture/owner.h"
#include "capture/owner_layout.h"

namespace spanwatch::capture {
namespace {

constexpr std::uint32_t kLinkLayer = static_cast<std::uint32_t>(SKF_LL_OFF);

// Scratch cells.
constexpr std::uint32_t kOuter = 0, kType = 1, kFirst = 2, kSecond = 3, kHash = 4, kFlags = 5;

// Emits instructions; a jump to a label that is bound later is patched then. X always holds the current offset.
class Assembler {
 public:
  using Label = std::size_t;

  Label NewLabel() {
    targets_.push_back(0);
    return targets_.size() - 1;
  }
  void Bind(Label label) { targets_[label] = program_.size(); }

  void Emit(std::uint32_t code, std::uint32_t k = 0) { program_.push_back({static_cast<__u16>(code), 0, 0, k}); }
  void Load(std::uint32_t size, std::uint32_t offset) { Emit(BPF_LD | BPF_IND | size, kLinkLayer + offset); }
  void Alu(std::uint32_t operation, std::uint32_t k) { Emit(BPF_ALU | BPF_K | operation, k); }
  void AluX(std::uint32_t operation) { Emit(BPF_ALU | BPF_X | operation); }
  void Keep(std::uint32_t cell) { Emit(BPF_ST, cell); }
  void Recall(std::uint32_t cell) { Emit(BPF_LD | BPF_MEM, cell); }
  void AddToOffset() {  // X += A
    AluX(BPF_ADD);
    Emit(BPF_MISC | BPF_TAX);
  }
  void Advance(std::uint32_t count) {
    Emit(BPF_LD | BPF_IMM, count);
    AddToOffset();
  }

  void Jump(Label label) {
    jumps_.push_back({program_.size(), label});
    Emit(BPF_JMP | BPF_JA);
  }
  // Conditional jumps reach 255 instructions only, so each is a short one over a far one.
  void JumpIfEqual(std::uint32_t k, Label label) { Conditional(BPF_JEQ, k, 0, 1, label); }
  void JumpUnlessEqual(std::uint32_t k, Label label) { Conditional(BPF_JEQ, k, 1, 0, label); }
  void JumpIfAnySet(std::uint32_t k, Label label) { Conditional(BPF_JSET, k, 0, 1, label); }
  void JumpUnlessAnySet(std::uint32_t k, Label label) { Conditional(BPF_JSET, k, 1, 0, label); }

  std::vector<sock_filter> Finish() {
    for (const auto& [at, label] : jumps_) program_[at].k = static_cast<__u32>(targets_[label] - at - 1);
    return std::move(program_);
  }

 private:
  void Conditional(std::uint32_t operation, std::uint32_t k, __u8 if_true, __u8 if_false, Label label) {
    program_.push_back({static_cast<__u16>(BPF_JMP | BPF_K | operation), if_true, if_false, k});
    Jump(label);
  }

  struct PendingJump {
    std::size_t at;
    Label label;
  };
  std::vector<sock_filter> program_;
  std::vector<PendingJump> jumps_;
  std::vector<std::size_t> targets_;
};

// The same walk as in owner.cc, function for function, as straight code: every jump goes forwards.
class ProgramWriter {
 public:
  std::vector<sock_filter> Write(int link_type, std::uint32_t members,
                                 std::span<const std::uint32_t> member_of_bucket) {
    out_.Emit(BPF_LDX | BPF_W | BPF_IMM, 0);
    out_.Emit(BPF_LD | BPF_IMM, 0);
    out_.Keep(kOuter);
    if (link_type == kDltEthernet) {
      WriteEtherType();
      WriteMpls();
      WritePppoe();
    }
    WriteIp();
    WriteGre();
    WriteUdp();
    WriteGtpU();
    WriteInner();
    WriteHash();
    WriteReturn(members, member_of_bucket);
    return out_.Finish();
  }

 private:
  using Label = Assembler::Label;

  // The EtherType is in kType, X behind it; afterwards both lie behind at most kMaxVlanTags tags.
  void SkipVlanTags(bool outermost) {
    const Label done = out_.NewLabel();
    for (int tag = 0; tag < kMaxVlanTags; ++tag) {
      const Label is_tag = out_.NewLabel();
      out_.Recall(kType);
      for (const std::uint32_t type : kVlanTypes) out_.JumpIfEqual(type, is_tag);
      out_.Jump(done);
      out_.Bind(is_tag);
      if (outermost && tag + 1 == kMaxVlanTags) {  // the kernel has stripped one, so this would be one too many
        out_.Emit(BPF_LD | BPF_B | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT));
        out_.JumpUnlessEqual(0, none_);
      }
      out_.Load(BPF_H, 2);
      out_.Keep(kType);
      out_.Advance(4);
    }
    out_.Bind(done);
  }

  void WriteEtherType() {
    out_.Load(BPF_H, 12);
    out_.Keep(kType);
    out_.Advance(14);
    SkipVlanTags(true);
    out_.Recall(kType);
    out_.JumpIfEqual(kEtherTypeIpv4, ip_);
    out_.JumpIfEqual(kEtherTypeIpv6, ip_);
    out_.JumpIfEqual(kEtherTypePppoe, pppoe_);
    out_.JumpUnlessEqual(kEtherTypeMpls, none_);
  }

  void WriteMpls() {
    const Label bottom = out_.NewLabel();
    for (int label = 0; label < kMaxMplsLabels; ++label) {
      out_.Load(BPF_B, 2);
      out_.Keep(kFlags);
      out_.Advance(4);
      out_.Recall(kFlags);
      out_.JumpIfAnySet(1, bottom);
    }
    out_.Jump(none_);
    out_.Bind(bottom);
    out_.Load(BPF_B, 0);
    out_.Alu(BPF_RSH, 4);
    out_.JumpIfEqual(4, ip_);
    out_.JumpIfEqual(6, ip_);
    out_.JumpUnlessEqual(0, none_);
    out_.Advance(4);
    out_.Jump(inner_ethernet_);
  }

  void WritePppoe() {
    out_.Bind(pppoe_);
    out_.Load(BPF_H, 6);
    out_.Keep(kType);
    out_.Advance(8);
    out_.Recall(kType);
    out_.JumpIfEqual(kPppIpv4, ip_);
    out_.JumpUnlessEqual(kPppIpv6, none_);
  }

  // The protocol is kept in kType while X moves behind the header.
  void WriteIp() {
    const Label v6 = out_.NewLabel();
    const Label protocol = out_.NewLabel();
    out_.Bind(ip_);
    out_.Emit(BPF_STX, kOuter);
    out_.Load(BPF_B, 0);
    out_.Alu(BPF_RSH, 4);
    out_.JumpIfEqual(6, v6);
    out_.JumpUnlessEqual(4, none_);
    out_.Load(BPF_H, 6);
    out_.JumpIfAnySet(0x3fff, outer_);
    out_.Load(BPF_B, 9);
    out_.Keep(kType);
    out_.Load(BPF_B, 0);
    out_.Alu(BPF_AND, 0xf);
    out_.Alu(BPF_LSH, 2);
    out_.AddToOffset();
    out_.Jump(protocol);
    out_.Bind(v6);
    out_.Load(BPF_B, 6);
    out_.Keep(kType);
    out_.Advance(40);
    out_.Bind(protocol);
    out_.Recall(kType);
    out_.JumpIfEqual(kProtocolIpv4, inner_ip_);
    out_.JumpIfEqual(kProtocolIpv6, inner_ip_);
    out_.JumpIfEqual(kProtocolUdp, udp_);
    out_.JumpUnlessEqual(kProtocolGre, outer_);
  }

  void WriteGre() {
    out_.Load(BPF_H, 0);
    out_.Keep(kFlags);
    out_.JumpIfAnySet(0x4007, outer_);
    out_.Load(BPF_H, 2);
    out_.Keep(kType);
    out_.Advance(4);
    for (const std::uint32_t flag : {0x8000, 0x2000, 0x1000}) {
      const Label absent = out_.NewLabel();
      out_.Recall(kFlags);
      out_.JumpUnlessAnySet(flag, absent);
      out_.Advance(4);
      out_.Bind(absent);
    }
    const Label three = out_.NewLabel();
    out_.Recall(kType);
    out_.JumpIfEqual(kEtherTypeErspanThree, three);
    out_.JumpUnlessEqual(kEtherTypeErspanTwo, inner_type_);
    out_.Recall(kFlags);
    out_.JumpUnlessAnySet(0x1000, inner_ethernet_);
    out_.Advance(8);
    out_.Jump(inner_ethernet_);
    out_.Bind(three);
    out_.Load(BPF_B, 11);
    out_.Alu(BPF_AND, 1);
    out_.Alu(BPF_LSH, 3);
    out_.Alu(BPF_ADD, 12);
    out_.AddToOffset();
    out_.Jump(inner_ethernet_);
  }

  void WriteUdp() {
    const Label vxlan = out_.NewLabel();
    const Label geneve = out_.NewLabel();
    out_.Bind(udp_);
    out_.Load(BPF_H, 2);
    out_.Keep(kType);
    out_.Advance(8);
    out_.Recall(kType);
    out_.JumpIfEqual(kPortVxlan, vxlan);
    out_.JumpIfEqual(kPortVxlanLinux, vxlan);
    out_.JumpIfEqual(kPortGeneve, geneve);
    out_.JumpIfEqual(kPortGtpU, gtp_u_);
    out_.Jump(outer_);
    out_.Bind(vxlan);
    out_.Load(BPF_B, 0);
    out_.JumpUnlessAnySet(8, outer_);
    out_.Advance(8);
    out_.Jump(inner_ethernet_);
    out_.Bind(geneve);
    out_.Load(BPF_B, 0);
    out_.JumpIfAnySet(0xc0, outer_);
    out_.Load(BPF_H, 2);
    out_.Keep(kType);
    out_.Load(BPF_B, 0);
    out_.Alu(BPF_AND, 0x3f);
    out_.Alu(BPF_LSH, 2);
    out_.Alu(BPF_ADD, 8);
    out_.AddToOffset();
    out_.Jump(inner_type_);
  }

  void WriteGtpU() {
    const Label flags = out_.NewLabel();
    out_.Bind(gtp_u_);
    out_.Load(BPF_B, 0);
    out_.Keep(kFlags);
    out_.Alu(BPF_AND, 0xf0);
    out_.JumpUnlessEqual(0x30, outer_);
    out_.Load(BPF_B, 1);
    out_.JumpUnlessEqual(255, outer_);
    out_.Advance(8);
    out_.Recall(kFlags);
    out_.JumpUnlessAnySet(7, inner_ip_);
    out_.JumpIfAnySet(4, flags);
    out_.Advance(4);
    out_.Jump(inner_ip_);
    out_.Bind(flags);
    out_.Load(BPF_B, 3);
    out_.Keep(kType);
    out_.Advance(4);
    for (int extension = 0; extension < kMaxGtpExtensions; ++extension) {
      out_.Recall(kType);
      out_.JumpIfEqual(0, inner_ip_);
      out_.Load(BPF_B, 0);
      out_.Alu(BPF_LSH, 2);
      out_.AddToOffset();
      out_.Load(BPF_B, static_cast<std::uint32_t>(-1));
      out_.Keep(kType);
    }
    out_.Recall(kType);
    out_.JumpIfEqual(0, inner_ip_);
    out_.Jump(outer_);
  }

  void WriteInner() {
    out_.Bind(inner_type_);
    out_.Recall(kType);
    out_.JumpIfEqual(kEtherTypeIpv4, inner_ip_);
    out_.JumpIfEqual(kEtherTypeIpv6, inner_ip_);
    out_.JumpUnlessEqual(kEtherTypeEthernet, outer_);
    out_.Bind(inner_ethernet_);
    out_.Load(BPF_H, 12);
    out_.Keep(kType);
    out_.Advance(14);
    SkipVlanTags(false);
    out_.Recall(kType);
    out_.JumpIfEqual(kEtherTypeIpv4, inner_ip_);
    out_.JumpUnlessEqual(kEtherTypeIpv6, outer_);
    out_.Bind(inner_ip_);
    out_.Load(BPF_B, 0);
    out_.Alu(BPF_RSH, 4);
    out_.JumpIfEqual(4, hash_);
    out_.JumpIfEqual(6, hash_);
    out_.Bind(outer_);
    out_.Emit(BPF_LDX | BPF_W | BPF_MEM, kOuter);
  }

  void FoldSix(std::uint32_t offset, std::uint32_t cell) {
    out_.Load(BPF_W, offset);
    out_.Keep(cell);
    for (std::uint32_t word = 4; word < 16; word += 4) {
      // The sum needs X, which holds the offset: it is restored from kHash.
      out_.Emit(BPF_STX, kHash);
      out_.Load(BPF_W, offset + word);
      out_.Keep(kFlags);
      out_.Recall(cell);
      out_.Alu(BPF_MUL, kFoldFactor);
      out_.Emit(BPF_LDX | BPF_W | BPF_MEM, kFlags);
      out_.AluX(BPF_ADD);
      out_.Keep(cell);
      out_.Emit(BPF_LDX | BPF_W | BPF_MEM, kHash);
    }
  }

  void WriteHash() {
    const Label v6 = out_.NewLabel();
    const Label pair = out_.NewLabel();
    out_.Bind(hash_);
    out_.Load(BPF_B, 0);
    out_.Alu(BPF_RSH, 4);
    out_.JumpIfEqual(6, v6);
    out_.JumpUnlessEqual(4, none_);
    out_.Load(BPF_W, 12);
    out_.Keep(kFirst);
    out_.Load(BPF_W, 16);
    out_.Keep(kSecond);
    out_.Jump(pair);
    out_.Bind(v6);
    FoldSix(8, kFirst);
    FoldSix(24, kSecond);
    out_.Bind(pair);
    out_.Emit(BPF_LDX | BPF_W | BPF_MEM, kSecond);
    out_.Recall(kFirst);
    out_.AluX(BPF_ADD);
    out_.Alu(BPF_MUL, kSumFactor);
    out_.Keep(kHash);
    out_.Recall(kFirst);
    out_.AluX(BPF_XOR);
    out_.Alu(BPF_MUL, kXorFactor);
    out_.Emit(BPF_LDX | BPF_W | BPF_MEM, kHash);
    out_.AluX(BPF_ADD);
    XorShifted(16);
    out_.Alu(BPF_MUL, kFinalFactor);
    XorShifted(15);
  }
  void XorShifted(std::uint32_t bits) {  // A ^= A >> bits
    out_.Emit(BPF_MISC | BPF_TAX);
    out_.Alu(BPF_RSH, bits);
    out_.AluX(BPF_XOR);
  }

  void WriteReturn(std::uint32_t members, std::span<const std::uint32_t> member_of_bucket) {
    const Label modulo = out_.NewLabel();
    out_.Jump(modulo);
    out_.Bind(none_);
    out_.Emit(BPF_LD | BPF_IMM, 0);
    out_.Bind(modulo);
    out_.Alu(BPF_MOD, members);
    for (std::uint32_t bucket = 0; bucket < member_of_bucket.size(); ++bucket) {
      const Label other = out_.NewLabel();
      out_.JumpUnlessEqual(bucket, other);
      out_.Emit(BPF_RET | BPF_K, member_of_bucket[bucket]);
      out_.Bind(other);
    }
    out_.Emit(BPF_RET | BPF_A);
  }

  Assembler out_;
  const Label none_ = out_.NewLabel();
  const Label pppoe_ = out_.NewLabel();
  const Label ip_ = out_.NewLabel();
  const Label outer_ = out_.NewLabel();
  const Label udp_ = out_.NewLabel();
  const Label gtp_u_ = out_.NewLabel();
  const Label inner_type_ = out_.NewLabel();
  const Label inner_ethernet_ = out_.NewLabel();
  const Label inner_ip_ = out_.NewLabel();
  const Label hash_ = out_.NewLabel();
};

}  // namespace

Result<std::vector<sock_filter>> BuildFanoutProgram(int link_type, std::uint32_t members,
                                                    std::span<const std::uint32_t> member_of_bucket) {
  constexpr std::uint32_t kMostMembers = 256;  // PACKET_FANOUT_MAX of older kernels
  if (link_type != kDltEthernet && link_type != kDltRaw) {
    return Fail(ErrorCode::kInvalid, "link type {} cannot be shared between inspectors; run one", link_type);
  }
  if (members == 0 || members > kMostMembers) {
    return Fail(ErrorCode::kInvalid, "{} inspectors cannot share an interface; 1 to {} can", members, kMostMembers);
  }
  if (!member_of_bucket.empty() && member_of_bucket.size() != members) {
    return Fail(ErrorCode::kInvalid, "a fan-out table of {} entries for {} members", member_of_bucket.size(), members);
  }
  return ProgramWriter().Write(link_type, members, member_of_bucket);
}

}  // namespace spanwatch::capture
