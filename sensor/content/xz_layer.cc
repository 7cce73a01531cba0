// xz (The .xz File Format), LZMA alone and lzip, with liblzma. Streams may follow one another, with zeros between them
// (section 2.2 there). Written by xz, tar -J, 7-Zip, Python's lzma, plzip.
#include <lzma.h>

#include <bit>

#include "base/byte_reader.h"
#include "content/codec_layer.h"
#include "content/file_magic.h"

namespace spanwatch::content {
namespace {

// What a decoder wants beside its dictionary.
constexpr std::uint64_t kBesideDictionaryBytes = 4 << 20;

class XzCodec final : public Codec {
 public:
  explicit XzCodec(std::uint64_t dictionary_bytes) : memory_bytes_(dictionary_bytes + kBesideDictionaryBytes) {
    Start();
  }
  ~XzCodec() override { lzma_end(&stream_); }
  XzCodec(const XzCodec&) = delete;
  XzCodec& operator=(const XzCodec&) = delete;

  CodecStep Decode(ByteView in, MutableByteView out) override {
    if (between_streams_) {
      if (in.empty()) return {};
      if (in[0] == 0) return {1, 0, LayerState::kMore};
      if (in[0] != 0xfd && in[0] != 'L') return {0, 0, LayerState::kDone};
      Start();
    }
    stream_.next_in = in.data();
    stream_.avail_in = in.size();
    stream_.next_out = out.data();
    stream_.avail_out = out.size();
    const lzma_ret result = lzma_code(&stream_, LZMA_RUN);
    CodecStep step{in.size() - stream_.avail_in, out.size() - stream_.avail_out, LayerState::kMore};
    if (result == LZMA_STREAM_END) {
      between_streams_ = true;
    } else if (result != LZMA_OK && result != LZMA_BUF_ERROR) {
      step.state = LayerState::kBroken;
    }
    return step;
  }
  bool MayEnd() const override { return between_streams_; }
  std::uint64_t held() const override { return lzma_memusage(&stream_); }

 private:
  void Start() {
    between_streams_ =
        lzma_auto_decoder(&stream_, memory_bytes_, 0) != LZMA_OK;  // only without memory: nothing is read
  }

  std::uint64_t memory_bytes_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool between_streams_ = false;
};

// LZMA alone has no magic: properties as every writer has them, a dictionary of a usual size, a length that is not
// known or not absurd, and the zero that its data begin with.
bool IsLzmaAlone(ByteView head) {
  ByteReader reader(head);
  const bool usual = reader.U8() == 0x5d;
  const std::uint32_t dictionary = reader.U32Le();
  const std::uint64_t length = reader.U64Le();
  const std::uint8_t first = reader.U8();
  const std::uint32_t highest = std::bit_floor(dictionary);
  const bool of_a_power = dictionary >= 4096 && (dictionary == highest || dictionary == highest + highest / 2);
  return reader.ok() && usual && of_a_power && first == 0 &&
         (length == UINT64_MAX || length < (std::uint64_t{1} << 38));
}

Likelihood ProbeXz(const ObjectInfo&, ByteView head, bool) {
  const bool lzip = AsText(head).starts_with("LZIP\1");
  return KindOfFile(head) == FileKind::kXz || lzip || IsLzmaAlone(head) ? Likelihood::kYes : Likelihood::kNo;
}

}  // namespace

constinit const LayerSpec kXzLayer = {
    .name = "xz",
    .help = "xz, LZMA alone and lzip; a dictionary of up to content.held_bytes.",
    .encodings = {"xz", "x-xz", "lzma"},
    .probe = ProbeXz,
    .create = [](ObjectNode& object, ByteView) -> std::unique_ptr<Layer> {
      return std::make_unique<CodecLayer>(object, std::make_unique<XzCodec>(object.limits().content_held_bytes),
                                          kXzLayer.name);
    },
};

}  // namespace spanwatch::content
