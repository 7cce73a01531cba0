#include "content/unopened.h"

#include <string_view>

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
    {0, "hsqs"sv, AnomalyCode::unread_container},      // SquashFS
    {0, "Salted__"sv, AnomalyCode::unread_encrypted},  // openssl enc
    {0, "age-encryption.org/v1\n"sv, AnomalyCode::unread_encrypted},
    {0, "-----BEGIN AGE ENCRYPTED FILE-----"sv, AnomalyCode::unread_encrypted},
    {0, "-----BEGIN PGP MESSAGE-----"sv, AnomalyCode::unread_encrypted},
    {0, "LUKS\xba\xbe"sv, AnomalyCode::unread_encrypted},
    {0, "AES\2\0\0"sv, AnomalyCode::unread_encrypted},  // AES Crypt
};

}  // namespace

std::optional<AnomalyCode> WhyUnopened(ByteView head) {
  for (const Unopened& kind : kUnopened) {
    if (head.size() >= kind.offset && AsText(head.subspan(kind.offset)).starts_with(kind.magic)) return kind.reason;
  }
  return std::nullopt;
}

}  // namespace spanwatch::content
