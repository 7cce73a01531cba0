#include "content/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace spanwatch::content {
namespace {

std::string NameOf(archive_entry* entry) {
  const char* name = archive_entry_pathname(entry);
  if (name == nullptr) name = archive_entry_pathname_utf8(entry);
  return name == nullptr ? std::string() : std::string(name, strnlen(name, kMemberNameBytes));
}

ArchiveMember Describe(archive* handle, archive_entry* entry) {
  ArchiveMember member{.name = NameOf(entry)};
  if (archive_entry_size_is_set(entry) != 0 && archive_entry_size(entry) >= 0) {
    member.size = static_cast<std::uint64_t>(archive_entry_size(entry));
  }
  // A writer that tells permissions without a type means a file; what is a file is known by what it is not.
  const auto type = archive_entry_filetype(entry);
  member.passed_over = (type != AE_IFREG && type != 0) || archive_entry_hardlink(entry) != nullptr ||
                       archive_entry_symlink(entry) != nullptr || member.name.ends_with('/');
  member.encrypted = archive_entry_is_encrypted(entry) != 0;
  const int format = archive_format(handle) & ARCHIVE_FORMAT_BASE_MASK;
  const char* description = archive_format_name(handle);
  member.stored = format == ARCHIVE_FORMAT_TAR || format == ARCHIVE_FORMAT_CPIO ||
                  (description != nullptr && std::strstr(description, "uncompressed") != nullptr);
  return member;
}

// libarchive tells only in words why it cannot read a member.
AnomalyCode ReasonOf(archive* handle) {
  const char* words = archive_error_string(handle);
  const std::string_view error = words == nullptr ? "" : words;
  const auto says = [&](std::string_view part) { return error.find(part) != std::string_view::npos; };
  if (says("ncrypt") || says("assphrase") || says("Crypto")) return AnomalyCode::unread_encrypted;
  if (says("deflation-64") || says("ID: 40109")) return AnomalyCode::unread_method_deflate64;
  if (says("(96: jpeg")) return AnomalyCode::unread_method_jpeg;
  if (says("nsupported") || says("codec ID") || says("not supported")) return AnomalyCode::unread_method_other;
  return AnomalyCode::unread_damaged;
}

}  // namespace

struct ArchiveReader::Callbacks {
  static la_ssize_t Read(archive* handle, void* context, const void** buffer) {
    auto& reader = *static_cast<ArchiveReader*>(context);
    if (reader.format_.seeks) {
      const std::size_t at = static_cast<std::size_t>(std::min<std::uint64_t>(reader.position_, reader.input_.size()));
      *buffer = reader.input_.data() + at;
      reader.position_ = reader.input_.size();
      return static_cast<la_ssize_t>(reader.input_.size() - at);
    }
    while (reader.input_.empty() && !reader.input_ended_ && !reader.fiber_.aborting()) reader.Tell(Event::kNeedInput);
    if (reader.fiber_.aborting()) {
      archive_set_error(handle, EIO, "given up");
      return ARCHIVE_FATAL;
    }
    *buffer = reader.input_.data();
    const auto length = static_cast<la_ssize_t>(reader.input_.size());
    reader.input_ = {};
    return length;
  }
  static la_int64_t Seek(archive*, void* context, la_int64_t offset, int whence) {
    auto& reader = *static_cast<ArchiveReader*>(context);
    const auto size = static_cast<la_int64_t>(reader.input_.size());
    const la_int64_t base = whence == SEEK_SET   ? 0
                            : whence == SEEK_CUR ? static_cast<la_int64_t>(reader.position_)
                                                 : size;
    reader.position_ = static_cast<std::uint64_t>(std::clamp<la_int64_t>(base + offset, 0, size));
    return static_cast<la_int64_t>(reader.position_);
  }
};

ArchiveReader::ArchiveReader(const ArchiveFormat& format) : format_(format), fiber_([this](Fiber&) { Run(); }) {}

ArchiveReader::Event ArchiveReader::Next() {
  if (fiber_.done()) return event_;
  fiber_.Resume();
  return event_;
}

void ArchiveReader::Tell(Event event) {
  event_ = event;
  fiber_.Suspend();
}

void ArchiveReader::Run() {
  archive* handle = archive_read_new();
  Event ending = Event::kBroken;
  archive_read_set_callback_data(handle, this);
  archive_read_set_read_callback(handle, Callbacks::Read);
  if (format_.seeks) archive_read_set_seek_callback(handle, Callbacks::Seek);
  if (format_.enable(handle) >= ARCHIVE_WARN && archive_read_open1(handle) == ARCHIVE_OK) {
    while (!fiber_.aborting() && ReadMember(handle)) {
    }
    if (event_ == Event::kEnd) ending = Event::kEnd;
  }
  // libarchive may be asked only once it has recognised a format.
  headers_encrypted_ = archive_format(handle) != 0 && archive_read_has_encrypted_entries(handle) == 1;
  used_ = static_cast<std::uint64_t>(std::max<la_int64_t>(archive_filter_bytes(handle, 0), 0));
  archive_read_free(handle);
  event_ = ending;
}

// False behind the last member.
bool ArchiveReader::ReadMember(archive* handle) {
  archive_entry* entry = nullptr;
  const int result = archive_read_next_header(handle, &entry);
  if (result == ARCHIVE_EOF) event_ = Event::kEnd;
  if (result == ARCHIVE_EOF || result < ARCHIVE_WARN) return false;
  member_ = Describe(handle, entry);
  clean_ = true;
  if (!format_.seeks) position_ = static_cast<std::uint64_t>(archive_filter_bytes(handle, 0));
  Tell(Event::kMember);
  // The next header skips what nobody can read.
  if (member_.encrypted || member_.passed_over) return true;
  while (!fiber_.aborting()) {
    const void* buffer = nullptr;
    std::size_t length = 0;
    la_int64_t offset = 0;
    const int data = archive_read_data_block(handle, &buffer, &length, &offset);
    if (!format_.seeks) position_ = static_cast<std::uint64_t>(archive_filter_bytes(handle, 0));
    clean_ = clean_ && (data == ARCHIVE_OK || data == ARCHIVE_EOF);
    if (data == ARCHIVE_EOF) {
      Tell(Event::kMemberEnd);
      return true;
    }
    if (data < ARCHIVE_WARN) {
      unread_ = ReasonOf(handle);
      Tell(Event::kMemberBroken);
      return data != ARCHIVE_FATAL;
    }
    data_ = {static_cast<const std::uint8_t*>(buffer), length};
    data_offset_ = static_cast<std::uint64_t>(offset);
    if (length > 0) Tell(Event::kData);
  }
  return false;
}

}  // namespace spanwatch::content
