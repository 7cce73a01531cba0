// Synthetic material for content tests: JPEGs that are well formed (markers, stuffing) though nothing can be seen on
// them, encodings and archives made at test time. Header only: it needs the libraries that the content tests link.
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <zlib.h>
#include <zstd.h>

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace spanwatch::testing {

// A small generator of its own, so that samples are the same on every machine.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  std::uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  std::string Take(std::size_t length) {
    std::string text(length, '\0');
    for (char& c : text) c = static_cast<char>(Next() >> 24);
    return text;
  }

 private:
  std::uint64_t state_;
};

inline std::string Segment(unsigned char marker, const std::string& body) {
  const std::size_t length = body.size() + 2;
  return std::string("\xff") + static_cast<char>(marker) + static_cast<char>(length >> 8) + static_cast<char>(length) +
         body;
}

// `scans` > 1 makes it progressive in shape. The thumbnail, when there is one, stands in an APP1 segment.
inline std::string MakeJpeg(std::uint64_t seed, std::size_t length, int scans = 1, const std::string& thumbnail = "") {
  Noise noise(seed);
  std::string jpeg = "\xff\xd8" + Segment(0xe0, std::string("JFIF\0\1\1\0\0\1\0\1\0\0", 14));
  if (!thumbnail.empty()) jpeg += Segment(0xe1, std::string("Exif\0\0", 6) + thumbnail);
  jpeg +=
      Segment(0xdb, noise.Take(65)) + Segment(scans > 1 ? 0xc2 : 0xc0, std::string("\x08\0\x10\0\x10\1\1\x11\0", 9));
  for (int scan = 0; scan < scans; ++scan) {
    jpeg += Segment(0xc4, std::string(20, '\1')) + Segment(0xda, std::string("\1\1\0\0\x3f\0", 6));
    for (const char c : noise.Take(length / static_cast<std::size_t>(scans))) {
      jpeg += c;
      if (c == '\xff') jpeg += '\0';
    }
  }
  return jpeg + "\xff\xd9";
}

inline std::string MakePng(std::uint64_t seed, std::size_t length) {
  const auto chunk = [](const std::string& type, const std::string& body) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(body.size() >> shift);
    return text + type + body + std::string(4, '\x11');
  };
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", std::string("\0\0\0\1\0\0\0\1\x08\0\0\0\0", 13)) +
         chunk("IDAT", Noise(seed).Take(length)) + chunk("IEND", "");
}

// window: 31 gzip, 15 zlib, -15 raw.
inline std::string Deflate(const std::string& text, int window) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}
inline std::string Gzip(const std::string& text) { return Deflate(text, 31); }

// RFC 7932 section 9.2: one uncompressed meta-block, then an empty last one. REQUIRES: 1 to 65536 bytes.
inline std::string BrotliStored(const std::string& text) {
  const std::size_t bits = (text.size() - 1) << 4 | 1u << 20;
  std::string out;
  for (int i = 0; i < 3; ++i) out += static_cast<char>(bits >> (8 * i));
  return out + text + "\x03";
}

inline std::string Zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

inline std::string Base64(const std::string& text, bool url = false, std::size_t line = 0,
                          const std::string& eol = "\r\n") {
  const std::string alphabet =
      std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") + (url ? "-_" : "+/");
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  std::size_t column = 0;
  const auto put = [&](std::uint32_t value) {
    if (line > 0 && column == line) {
      out += eol;
      column = 0;
    }
    out += alphabet[value & 63];
    ++column;
  };
  for (const char c : text) {
    bits = bits << 8 | static_cast<std::uint8_t>(c);
    for (count += 8; count >= 6; count -= 6) put(bits >> (count - 6));
  }
  if (count > 0) put(bits << (6 - count));
  return out;
}

using Members = std::vector<std::pair<std::string, std::string>>;

// format: "zip", "ustar", "pax", "7zip"; option as of archive_write_set_options, for example "zip:compression=store".
inline std::string MakeArchive(const std::string& format, const Members& members, const std::string& option = "",
                               const std::string& password = "") {
  std::string out(1 << 20, '\0');
  for (const auto& [name, content] : members) out.resize(out.size() + name.size() + content.size() + 4096);
  std::size_t used = 0;
  archive* handle = archive_write_new();
  archive_write_set_format_by_name(handle, format.c_str());
  if (!option.empty()) archive_write_set_options(handle, option.c_str());
  if (!password.empty()) archive_write_set_passphrase(handle, password.c_str());
  archive_write_set_bytes_in_last_block(handle, 1);
  archive_write_open_memory(handle, out.data(), out.size(), &used);
  for (const auto& [name, content] : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, 1557712800, 0);
    archive_write_header(handle, entry);
    archive_write_data(handle, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_close(handle);
  archive_write_free(handle);
  out.resize(used);
  return out;
}

// What a filter of libarchive (gzip, xz, bzip2, lz4, ...) makes of `text`.
inline std::string Filtered(const std::string& filter, const std::string& text) {
  std::string out(text.size() * 2 + (1 << 20), '\0');
  std::size_t used = 0;
  archive* handle = archive_write_new();
  archive_write_set_format_raw(handle);
  archive_write_add_filter_by_name(handle, filter.c_str());
  archive_write_set_bytes_in_last_block(handle, 1);
  archive_write_open_memory(handle, out.data(), out.size(), &used);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(handle, entry);
  archive_write_data(handle, text.data(), text.size());
  archive_entry_free(entry);
  archive_write_close(handle);
  archive_write_free(handle);
  out.resize(used);
  return out;
}

}  // namespace spanwatch::testing
