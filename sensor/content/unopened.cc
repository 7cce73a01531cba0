#include "content/unopened.h"

#include <algorithm>
#include <string_view>

#include "base/byte_reader.h"

namespace spanwatch::content {
namespace {

using namespace std::string_view_literals;

struct Unopened {
  std::size_t offset;
  std::string_view magic;
  AnomalyCode reason;
};

constexpr Unopened kUnopened[] = {
    {0, "\x1f\x9d"sv, AnomalyCode::unread_container},             // compress (.Z)
    {0, "\x89LZO\0\r\n\x1a\n"sv, AnomalyCode::unread_container},  // lzop
    {0, "LRZI"sv, AnomalyCode::unread_container},                 // lrzip
    {0, "\x60\xea"sv, AnomalyCode::unread_container},             // ARJ
    {7, "**ACE**"sv, AnomalyCode::unread_container},
    {2, "-lh"sv, AnomalyCode::unread_container},  // LHA
    {2, "-lz"sv, AnomalyCode::unread_container},
    {0, "SIT!"sv, AnomalyCode::unread_container},  // StuffIt
    {0, "StuffIt "sv, AnomalyCode::unread_container},
    {0, "MSWIM\0\0\0"sv, AnomalyCode::unread_container},  // Windows images
    {0, "zPQ"sv, AnomalyCode::unread_container},          // ZPAQ
    {0, "ALZ\1"sv, AnomalyCode::unread_container},
    {0, "EGGA"sv, AnomalyCode::unread_container},
    {0, "xar!"sv, AnomalyCode::unread_container},
    {0, "\0\0\0\x0cJXL \r\n\x87\n"sv, AnomalyCode::unread_picture},  // JPEG XL
    {0, "\0\0\0\x0cjP  \r\n\x87\n"sv, AnomalyCode::unread_picture},  // JPEG 2000
    {0, "\xff\x4f\xff\x51\0"sv, AnomalyCode::unread_picture},        // JPEG 2000 without a container
    {0, "II\xbc\1"sv, AnomalyCode::unread_picture},                  // JPEG XR
    {0, "8BPS\0\1"sv, AnomalyCode::unread_picture},                  // Photoshop
    {0, "8BPS\0\2"sv, AnomalyCode::unread_picture},
    {0, "FUJIFILMCCD-RAW "sv, AnomalyCode::unread_picture},  // cameras' raw files that are no TIFF
    {0, "\0MRM"sv, AnomalyCode::unread_picture},
    {0, "BPG\xfb"sv, AnomalyCode::unread_picture},
    {0, "qoif\0"sv, AnomalyCode::unread_picture},
    {0, "hsqs"sv, AnomalyCode::unread_container},      // SquashFS
    {0, "Salted__"sv, AnomalyCode::unread_encrypted},  // openssl enc
    {0, "age-encryption.org/v1\n"sv, AnomalyCode::unread_encrypted},
    {0, "-----BEGIN AGE ENCRYPTED FILE-----"sv, AnomalyCode::unread_encrypted},
    {0, "-----BEGIN PGP MESSAGE-----"sv, AnomalyCode::unread_encrypted},
    {0, "LUKS\xba\xbe"sv, AnomalyCode::unread_encrypted},
    {0, "AES\2\0\0"sv, AnomalyCode::unread_encrypted},  // AES Crypt
};

// ISO/IEC 14496-12 section 4.3: a box of file type, with the brand that the file is best read by and those that it is
// compatible with. Pictures of the HEIF family (ISO/IEC 23008-12 annex B, AV1 Image File Format), and Canon's raw
// files.
bool IsHeif(ByteView head) {
  constexpr std::string_view kBrands[] = {"heic", "heix", "heim", "heis", "hevc", "hevx", "mif1",
                                          "mif2", "msf1", "avif", "avis", "avci", "crx ", "jxl "};
  ByteReader reader(head);
  const std::uint32_t bytes = reader.U32Be();
  if (AsText(reader.Take(4)) != "ftyp" || bytes < 16) return false;
  const std::size_t end = std::min<std::size_t>(bytes, head.size());
  for (std::size_t at = 8; at + 4 <= end; at += at == 8 ? 8 : 4) {  // behind the first stands its version
    if (std::ranges::find(kBrands, AsText(head.subspan(at, 4))) != std::end(kBrands)) return true;
  }
  return false;
}

}  // namespace

std::optional<AnomalyCode> WhyUnopened(ByteView head) {
  if (IsHeif(head)) return AnomalyCode::unread_picture;
  for (const Unopened& kind : kUnopened) {
    if (head.size() >= kind.offset && AsText(head.subspan(kind.offset)).starts_with(kind.magic)) return kind.reason;
  }
  return std::nullopt;
}

}  // namespace spanwatch::content
