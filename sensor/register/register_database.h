// RegisterDatabase: the data owner's authoring database (SQLite, WAL, mode 0600). It keeps fingerprints and where they
// came from, never the content. Opened by the `register` commands only; a sensor never sees it.
//
// One thread. What belongs together goes between Begin and Commit; everything else is a transaction by itself. The same
// bytes in one collection are one item with several sources, and so is the same plate (design.md section 9.2).
#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/sql_statement.h"
#include "hashset/hashset_format.h"
#include "model/fingerprint_index.h"
#include "register/profile.h"

namespace spanwatch::enrolment {

struct RegisterFacts {
  std::string owner;
  std::uint64_t fragment_seed = 0;
  std::uint32_t fragment_density = 256;  // fixed when the register is made, as is the window
  std::uint32_t fragment_window = 64;
  Profile profile = Profile::kFull;       // the fullest that its sets can be built with
  std::filesystem::path record_key_file;  // empty: none named yet
  hashset::RecordKeyId record_key_id{};
  std::filesystem::path earlier_record_key_file;  // before the last rotation; empty: none
  hashset::RecordKeyId earlier_record_key_id{};
};

enum class AddResult { kNew, kNewSource, kKnown };

ItemId NewItemId();  // 128 random bits

// Where an item came from. Line 0: the whole file.
struct Source {
  std::string path;
  std::uint64_t line = 0;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // nanoseconds since the epoch
};

struct CollectionEntry {
  std::int64_t row = 0;
  std::string name;
  bool negative = false;
};

struct ItemEntry {
  std::int64_t row = 0;
  ItemId id{};
  std::int64_t collection = 0;
  std::string collection_name;
  bool negative = false;  // its collection is a negative bank
  ItemKind kind = ItemKind::kFile;
  std::uint64_t size = 0;
  std::optional<Sha256Digest> sha256;
  PacketTime added;                        // wall clock
  PacketTime expires = PacketTime::max();  // the item's own or its collection's, whichever is first
  PacketTime own_expires = PacketTime::max();
  PacketTime collection_expires = PacketTime::max();
  std::string record_key;  // id of the record key that a record's tags are under, in hexadecimal digits
};

// Which items a command means: all of a collection, one of them, or those of a source file.
struct Selection {
  std::string collection;
  std::optional<ItemId> item;
  std::string source;
};

// What was done to the register, and by whom: what it was done to is not kept, but for the collection.
struct LogEntry {
  PacketTime time;  // wall clock
  std::string actor;
  std::string action;
  std::string collection;  // empty: none, or several
  std::uint64_t items = 0;
  std::string detail;
};

class RegisterDatabase {
 public:
  // Refuses a file that exists. Chooses the fragment seed; `facts` names the owner, density and window.
  static Result<std::unique_ptr<RegisterDatabase>> Create(const std::filesystem::path& path,
                                                          const RegisterFacts& facts);
  static Result<std::unique_ptr<RegisterDatabase>> Open(const std::filesystem::path& path);
  ~RegisterDatabase();
  RegisterDatabase(const RegisterDatabase&) = delete;
  RegisterDatabase& operator=(const RegisterDatabase&) = delete;

  const RegisterFacts& facts() const { return facts_; }
  const std::filesystem::path& path() const { return path_; }
  Status SetRecordKey(const std::filesystem::path& file, const hashset::RecordKeyId& id);
  // Records are under this key from now on; those that are there stay under the one before until they are enrolled
  // again. Refused without a key yet, and while some are still under the one before that, which the first tells alone.
  Status MayRotateRecordKey();
  Status RotateRecordKey(const std::filesystem::path& file, const hashset::RecordKeyId& id);
  Result<std::uint64_t> RecordsUnderEarlierKeys();
  // Takes out what came from this file under the key before, where the same line was enrolled under the key of now.
  Result<std::uint64_t> DropReenrolled(std::int64_t collection, const std::string& path);
  // A number that grows with every set built: the one wanted, else the time in seconds, so that a copy of the register
  // that was restored repeats none, and at least one more than the last. Refuses one that is not higher than the last.
  Result<std::uint64_t> NextSerial(PacketTime now, std::optional<std::uint64_t> wanted);
  Result<std::uint64_t> LastSerial();  // 0: none yet

  // What is damaged, a text each; nothing when the register is whole. Reads all of it.
  std::vector<std::string> Damage();
  // A copy of one moment, read back and checked. Refuses a file that exists.
  Status Backup(const std::filesystem::path& out);

  // The log. An action that takes long is begun first, so that one that was broken off is seen.
  Result<std::int64_t> BeginLog(std::string_view action, std::string_view collection);
  Status EndLog(std::int64_t row, std::uint64_t items, std::string_view detail);
  Status Log(std::string_view action, std::string_view collection, std::uint64_t items, std::string_view detail);
  Result<std::vector<LogEntry>> LogEntries();

  Status Begin();
  Status Commit();
  // What is read from here to Commit is of one moment, whatever others write meanwhile.
  Status BeginReading();

  Result<std::int64_t> CollectionRow(const std::string& name);  // made when it is not there
  // Makes the collection when it is not there. Refuses one that is a negative bank when none is meant, or the other way
  // round: what is to be found would never be, or the harmless would raise alerts.
  Status UseCollection(const std::string& name, bool negative);
  Result<std::vector<CollectionEntry>> Collections();

  // What was made of this file where it was enrolled into the collection with this size and time; else nothing.
  Result<std::optional<ItemKind>> KindOfSource(std::int64_t collection, const Source& source);
  Result<AddResult> AddFile(std::int64_t collection, const Source& source, const FileFingerprint& file);
  // All variants of one record; `variants` is not empty, the first names the item.
  Result<AddResult> AddRecord(std::int64_t collection, const Source& source,
                              const std::vector<RecordFingerprint>& variants);
  Result<AddResult> AddDigest(std::int64_t collection, const Source& source, const Sha256Digest& sha256);
  Result<AddResult> AddMd5(std::int64_t collection, const Source& source, const Md5Digest& md5);
  Result<AddResult> AddPicture(std::int64_t collection, const Source& source, const PictureView& view);

  // The item of a collection that is known by this alone; nothing when there is none, or it was enrolled as a file.
  Result<std::optional<ItemEntry>> ListedDigestItem(std::int64_t collection, const Sha256Digest& sha256);
  Result<std::optional<ItemEntry>> ListedMd5Item(std::int64_t collection, const Md5Digest& md5);
  Result<std::optional<ItemEntry>> ListedPictureItem(std::int64_t collection, const PictureView& view);

  // In the order of enrolment, rows of a table in that of their plates. The first failure of `visit` ends it.
  Status ForEachItem(const std::function<Status(const ItemEntry&)>& visit);
  Result<std::vector<std::string>> Sources(const ItemEntry& item);  // `path`, or `path:line` of a table
  // Nothing when the item has no file of its own (a record, an imported digest or picture).
  Result<std::optional<FileFingerprint>> File(const ItemEntry& item);
  Result<std::optional<PictureView>> ImportedPicture(const ItemEntry& item);
  Result<std::optional<Md5Digest>> ImportedMd5(const ItemEntry& item);    // of which nothing else is known
  Result<std::vector<RecordFingerprint>> Records(const ItemEntry& item);  // pair tags with the first

  // A selection of a collection that is not there is an error.
  Result<std::vector<ItemEntry>> Selected(const Selection& selection);
  // Takes these items out of the register and out of its files: nothing of them is left in the database or its
  // write-ahead log. Refuses, and removes nothing, while another program reads the register.
  Status Erase(const std::vector<ItemEntry>& items);
  // An erasure that was broken off, or that a reader kept from its end.
  Result<bool> IsErasing();
  Status FinishErasure();
  // Takes items out without more: what SQLite leaves of them in the files may stay. For what was published and was
  // taken back. Within a transaction, as is the next.
  Status Delete(const std::vector<ItemEntry>& items);
  Status ExpireItem(const ItemEntry& item, PacketTime when);
  // How many items.
  Result<std::uint64_t> Expire(const Selection& selection, PacketTime when);
  // When the whole collection does; PacketTime::max() for one that does not, or is not there.
  Result<PacketTime> CollectionExpires(const std::string& name);
  // How many items of this source have expired by themselves.
  Result<std::uint64_t> ExpiredItems(std::int64_t collection, const std::string& path, PacketTime now);

 private:
  struct Identity {
    ItemKind kind = ItemKind::kFile;
    Bytes key;  // unique in its collection
    std::uint64_t size = 0;
    std::optional<Sha256Digest> sha256;
  };
  struct FoundItem {
    std::int64_t row = 0;
    bool is_new = false;
  };

  RegisterDatabase() = default;
  static constexpr int kBusyMilliseconds = 10000;

  Status OpenFile(const std::filesystem::path& path, int flags);
  Result<std::vector<std::string>> Texts(const std::string& sql);
  Result<std::string> SchemaSum();
  Status KeepSchemaSum();
  Status CopyInto(const std::filesystem::path& file);
  Result<bool> EmptyLog();
  Status BeginErasure();
  Status LoadFacts();
  Result<std::int64_t> Schema();
  Status Migrate();  // to the schema of now
  Status Execute(const std::string& sql);
  Result<SqlStatement*> Get(const char* sql);  // REQUIRES: a literal; prepared once
  Result<std::string> Meta(std::string_view name);
  Status SetMeta(std::string_view name, std::string_view value);
  Result<FoundItem> FindOrAddItem(std::int64_t collection, const Identity& identity);
  Result<std::int64_t> PathRow(const std::string& path);  // made when it is not there
  Result<AddResult> AddSource(std::int64_t collection, const FoundItem& item, const Source& source);
  Status SetFingerprint(std::int64_t item, ByteView fingerprint);
  Result<Bytes> Fingerprint(std::int64_t item);
  Status CheckCollection(const std::string& name);
  Result<std::vector<ItemEntry>> ItemsOf(SqlStatement& query);
  Result<std::optional<ItemEntry>> Listed(std::int64_t collection, const Bytes& identity);

  sqlite3* handle_ = nullptr;
  std::filesystem::path path_;
  RegisterFacts facts_;
  struct {
    std::string path;
    std::int64_t row = 0;
  } last_path_;  // a table's lines are of one path
  std::map<const char*, std::unique_ptr<SqlStatement>> statements_;
};

}  // namespace spanwatch::enrolment
