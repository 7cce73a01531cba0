// The actions of `spanwatch register`, apart from their options. Each opens the register, does one thing and returns
// the exit status; problems go to standard error, a line each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace spanwatch::cli {

struct RegisterArguments {
  std::string database;  // --register, or SPANWATCH_REGISTER
  std::string owner;
  std::uint32_t fragment_density = 256;
  std::uint32_t fragment_window = 64;
  std::uint32_t fragment_sure = 2;
  std::string record_key;
  std::string collection;
  std::vector<std::string> inputs;
  unsigned threads = 0;
  std::string views;  // empty: as many as the register's profile keeps, at most few
  std::string plate_column;
  std::vector<std::string> support_columns;
  std::string date_order;  // dmy, mdy or ymd; empty: as the columns show
  std::string list;        // of whatever it says
  std::string sha256_list;
  std::string md5_list;
  std::string pdq_list;
  bool json = false;
  std::string item;
  std::string source;
  bool all = false;
  std::string plate;         // of remove; - is read from standard input
  std::string picture;       // of remove: a file
  std::string digest;        // of remove; likewise
  std::string format;        // of export: sha256, md5, pdq or stix
  bool earlier_key = false;  // of build
  bool again = false;        // of add images: files that are known too
  bool negative = false;     // the collection is a negative bank
  std::string at;
  std::string signing_key;
  std::string out;
  std::string name;
  std::string profile;  // of the register, or of the set: empty, as the register's
  std::vector<std::string> delta_from;
  std::uint64_t serial = 0;  // 0: chosen
};

int RegisterInit(const RegisterArguments& arguments);
int RegisterAddImages(const RegisterArguments& arguments);
int RegisterAddRecords(const RegisterArguments& arguments);
int RegisterImport(const RegisterArguments& arguments);
int RegisterList(const RegisterArguments& arguments);
int RegisterRemove(const RegisterArguments& arguments);
int RegisterExpire(const RegisterArguments& arguments);
int RegisterBuild(const RegisterArguments& arguments);
int RegisterRotateKey(const RegisterArguments& arguments);
int RegisterCheck(const RegisterArguments& arguments);
int RegisterBackup(const RegisterArguments& arguments);
int RegisterStatus(const RegisterArguments& arguments);
int RegisterLog(const RegisterArguments& arguments);
int RegisterExport(const RegisterArguments& arguments);

}  // namespace spanwatch::cli
