// RecordTableReader: the owner's plate records from a text file, row by row, as fingerprints. Used by `register`.
//
// Reads CSV, TSV and semicolon-separated text with a header line (RFC 4180 quotes, UTF-8 with or without a mark, any
// line end), and JSON lines (one object a line; a column is a key, `a.b` a nested one). A row may span lines inside
// quotes. One thread; the stream must outlive the reader. Rows in clear live only until the next call.
#pragma once

#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "fingerprint/record_tagger.h"
#include "model/fingerprint.h"

namespace spanwatch::fingerprint {

// The fingerprints of one record: one for each variant of its plate (PlateVariants), all with the pair tags of
// `support`. Empty when the field holds no plate.
std::vector<RecordFingerprint> FingerprintRecord(const RecordTagger& tagger, std::string_view plate,
                                                 const std::vector<std::string>& support);

struct RecordRow {
  std::uint64_t line = 0;                       // where the row begins, from 1
  std::vector<RecordFingerprint> fingerprints;  // never empty
};

struct RecordTableOptions {
  std::string plate_column;
  std::vector<std::string> support_columns;
};

class RecordTableReader {
 public:
  // Reads the header: fails when a column is not there (naming those that are) or the file is neither form.
  static Result<RecordTableReader> Open(std::istream& input, RecordTableOptions options, const RecordTagger& tagger);
  ~RecordTableReader();
  RecordTableReader(RecordTableReader&&) noexcept;
  RecordTableReader& operator=(RecordTableReader&&) noexcept;

  // The next row that holds a plate; nothing at the end. Rows without one are counted and passed over.
  Result<bool> Next(RecordRow& row);
  std::uint64_t rows_read() const;
  std::uint64_t rows_without_plate() const;

 private:
  struct State;
  explicit RecordTableReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace spanwatch::fingerprint
