#include "cli/register_command.h"

#include <memory>

#include "cli/command.h"
#include "hashset/hashset_format.h"
#include "register/profile.h"

namespace spanwatch::cli {
namespace {

using Action = int (*)(const RegisterArguments&);

// One subcommand of `register` with the options that all of them have.
struct RegisterSubcommand {
  CLI::App* app;
  std::shared_ptr<RegisterArguments> arguments;

  RegisterSubcommand(CLI::App& parent, const std::string& name, const std::string& help, Action action,
                     int& exit_status)
      : app(parent.add_subcommand(name, help)), arguments(std::make_shared<RegisterArguments>()) {
    app->add_option("--register", arguments->database, "The register's file")
        ->envname("SPANWATCH_REGISTER")
        ->required()
        ->type_name("FILE");
    app->callback([held = arguments, action, &exit_status] { exit_status = action(*held); });
  }
  CLI::Option* Collection(const char* help) {
    return app->add_option("--collection", arguments->collection, help)->required()->type_name("NAME");
  }
  void Negative() {
    app->add_flag(
        "--negative", arguments->negative,
        "A negative bank: known harmless content (logos, blank frames, test cards) whose matches are subtracted");
  }
  void SelectItems(bool collection_required) {
    Collection("Collection of the items")->required(collection_required);
    app->add_option("--item", arguments->item, "One item, by its id")->type_name("ID");
    app->add_option("--source", arguments->source, "The items of one source file")->type_name("FILE");
  }
};

std::vector<std::string> ProfileNames() { return {enrolment::kProfileNames.begin(), enrolment::kProfileNames.end()}; }

void AddInit(CLI::App& parent, int& exit_status) {
  RegisterSubcommand init(parent, "init", "Makes an empty register", RegisterInit, exit_status);
  init.app->add_option("--owner", init.arguments->owner, "Who entrusts the items, as alerts name it")->required();
  init.app
      ->add_option("--record-key", init.arguments->record_key,
                   "Key that plates are hashed with; made (mode 0600) when there is none. Keep it apart from the set")
      ->type_name("FILE");
  init.app
      ->add_option("--fragment-density", init.arguments->fragment_density,
                   "One position in so many of a file is sampled: less finds shorter runs and costs more")
      ->check(CLI::Range(16, 65536))
      ->capture_default_str();
  init.app
      ->add_option("--fragment-window", init.arguments->fragment_window,
                   "Bytes of a sampled window: less finds shorter runs, more is shared by fewer files")
      ->check(CLI::Range(hashset::kFragmentWindowMin, hashset::kFragmentWindowMax))
      ->capture_default_str();
  init.arguments->profile = ToString(enrolment::Profile::kFull);
  init.app
      ->add_option(
          "--profile", init.arguments->profile,
          "How much is kept of each item. compact: digests, one picture hash, 16 windows (ten million images); "
          "standard: all windows, few views; full: every view that is asked for")
      ->check(CLI::IsMember(ProfileNames()))
      ->capture_default_str();
  init.app->footer("Example: spanwatch register init --register R.db --owner \"Agency\" --record-key record.key");
}

void AddAdd(CLI::App& parent, int& exit_status) {
  CLI::App* add = parent.add_subcommand("add", "Registers images or plate records; keeps fingerprints only");
  add->require_subcommand(1);
  add->footer("Example: spanwatch register add images --register R.db --collection lanes pictures/");
  RegisterSubcommand images(*add, "images", "Registers picture files and folders; can be interrupted and repeated",
                            RegisterAddImages, exit_status);
  images.Collection("Collection to add to; made when there is none");
  images.Negative();
  images.app->add_option("PATH", images.arguments->inputs, "Pictures, or folders of them")->required();
  images.app
      ->add_option("--views", images.arguments->views,
                   "Further views of each picture: none, few or full; without it few, or none in a compact register")
      ->check(CLI::IsMember({"none", "few", "full"}));
  images.app->add_flag("--again", images.arguments->again,
                       "Also files that are known, so that further views and boxes take effect");
  images.app->add_option("--threads", images.arguments->threads, "Pictures read at a time; 0: one a processor")
      ->capture_default_str();
  images.app->footer("Example: spanwatch register add images --register R.db --collection lanes pictures/");

  RegisterSubcommand records(*add, "records", "Registers plate records of tables: CSV, JSON, XLSX", RegisterAddRecords,
                             exit_status);
  records.Collection("Collection to add to; made when there is none");
  records.app
      ->add_option("FILE", records.arguments->inputs,
                   "Tables with a header line, JSON, or workbooks (.xlsx); also gzip, zstd or zip")
      ->required();
  records.app->add_option("--plate", records.arguments->plate_column, "Column that holds the plate")
      ->required()
      ->type_name("COLUMN");
  records.app
      ->add_option("--support", records.arguments->support_columns,
                   "Columns that confirm a plate when they stand near it, separated by commas")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("COLUMNS");
  records.app
      ->add_option("--date-order", records.arguments->date_order,
                   "How dates like 05/02/2026 are written: dmy, mdy or ymd; without it, as each column shows")
      ->check(CLI::IsMember({"dmy", "mdy", "ymd"}));
  records.app
      ->add_option("--record-key", records.arguments->record_key, "Record key, when it is not where init left it")
      ->type_name("FILE");
  records.app->footer(
      "Example: spanwatch register add records --register R.db --collection reads --plate plate "
      "--support state,timestamp,lane reads.csv");
}

void AddImport(CLI::App& parent, int& exit_status) {
  RegisterSubcommand import(parent, "import", "Registers items of which only a digest or a picture hash is known",
                            RegisterImport, exit_status);
  import.Collection("Collection to add to; made when there is none");
  import.Negative();
  auto* lists = import.app->add_option_group("list");
  lists
      ->add_option("--list", import.arguments->list,
                   "Lines (sha256sum's and md5sum's output too), CSV with named columns, ThreatExchange or "
                   "Hasher-Matcher-Actioner JSON, or a STIX 2.1 bundle; 64 digits alone are a SHA-256, 32 an MD5")
      ->type_name("LIST");
  lists->add_option("--sha256", import.arguments->sha256_list, "The same, only SHA-256 digests of it")
      ->type_name("LIST");
  lists->add_option("--md5", import.arguments->md5_list, "The same, only MD5 digests of it")->type_name("LIST");
  lists->add_option("--pdq", import.arguments->pdq_list, "The same, only PDQ hashes of it; 64 digits alone are one")
      ->type_name("LIST");
  lists->require_option(1);
  import.app->footer(
      "Items of which only the MD5 is known make every sensor compute the MD5 of every object.\n"
      "Example: spanwatch register import --register R.db --collection lanes --list indicators.json");
}

void AddItemCommands(CLI::App& parent, int& exit_status) {
  RegisterSubcommand list(parent, "list", "Shows what is registered", RegisterList, exit_status);
  list.app->add_flag("--json", list.arguments->json, "One JSON object a line");
  list.app->add_option("--collection", list.arguments->collection, "Only this collection")->type_name("NAME");
  list.app->footer("Example: spanwatch register list --register R.db --json");

  RegisterSubcommand remove(parent, "remove", "Takes items out of the register, and out of its files", RegisterRemove,
                            exit_status);
  remove.SelectItems(false);
  remove.app
      ->add_option("--plate", remove.arguments->plate,
                   "All that is registered of this plate, in every collection or in the one named; - reads it from "
                   "standard input. Needs the record key")
      ->type_name("PLATE");
  remove.app->add_option("--record-key", remove.arguments->record_key, "Record key, when it is not where init left it")
      ->type_name("FILE");
  remove.app
      ->add_option("--picture", remove.arguments->picture,
                   "All that is registered of this picture: the same bytes, image data, digest or picture hash; "
                   "what only looks like it is named and stays")
      ->type_name("FILE");
  remove.app->add_option("--digest", remove.arguments->digest, "Of which this is the SHA-256 or the MD5; - reads it")
      ->type_name("DIGITS");
  remove.app->add_flag("--all", remove.arguments->all, "Everything in the collection");
  remove.app->footer(
      "Nothing of it stays in the register's files. Sets and backups that were made before still hold it.\n"
      "Example: spanwatch register remove --register R.db --collection lanes --source pictures/0017.jpg\n"
      "Example: spanwatch register remove --register R.db --plate - < plate.txt");

  RegisterSubcommand expire(parent, "expire", "Sets when a collection or some of its items expire", RegisterExpire,
                            exit_status);
  expire.SelectItems(true);
  expire.app->add_option("--at", expire.arguments->at, "Date or time (RFC 3339), `now` or `never`")
      ->required()
      ->type_name("TIME");
  expire.app->footer("Example: spanwatch register expire --register R.db --collection lanes --at 2027-01-31");
}

void AddBuild(CLI::App& parent, int& exit_status) {
  RegisterSubcommand build(parent, "build", "Makes the signed hash set that sensors load", RegisterBuild, exit_status);
  build.app->add_option("--sign", build.arguments->signing_key, "Signing key of the owner (spanwatch keygen)")
      ->required()
      ->type_name("KEY");
  build.app->add_option("--out", build.arguments->out, "File to write, by custom *.swset")
      ->required()
      ->type_name("FILE");
  build.app->add_option("--name", build.arguments->name, "Name of the set in events; without it, the owner's");
  build.app
      ->add_option("--profile", build.arguments->profile,
                   "How much to include: compact, standard or full; without it as much as the register keeps")
      ->check(CLI::IsMember(ProfileNames()));
  build.app
      ->add_option("--fragment-sure", build.arguments->fragment_sure,
                   "Windows of an item that must agree before a fragment is sure; fewer are weak")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  build.app
      ->add_option("--delta-from", build.arguments->delta_from,
                   "Write only what is other than in this set, built before, and in the deltas built on it, each named "
                   "with its own --delta-from; sensors load it beside them")
      ->allow_extra_args(false)
      ->type_name("FILE");
  build.app
      ->add_option("--serial", build.arguments->serial,
                   "Serial of the set, higher than any before; without it the time in seconds since 1970")
      ->check(CLI::PositiveNumber);
  build.app->add_flag(
      "--earlier-key", build.arguments->earlier_key,
      "Only the plate records that are still under the record key before the rotation; sensors load this "
      "set beside the other, with that key");
  build.app->footer("Example: spanwatch register build --register R.db --sign owner.key --out agency.swset");
}

void AddCare(CLI::App& parent, int& exit_status) {
  RegisterSubcommand rotate(parent, "rotate-key",
                            "Begins with another record key; records stay under the one before until enrolled again",
                            RegisterRotateKey, exit_status);
  rotate.app
      ->add_option("--record-key", rotate.arguments->record_key, "The new key; made (mode 0600) when there is none")
      ->required()
      ->type_name("FILE");
  rotate.app->footer(
      "Until every table is enrolled again, build two sets: one as before, and one with --earlier-key.\n"
      "Example: spanwatch register rotate-key --register R.db --record-key record-2027.key");

  RegisterSubcommand check(parent, "check",
                           "Says whether the register is whole, bit by bit; ends an erasure that was broken off",
                           RegisterCheck, exit_status);
  check.app->footer("Example: spanwatch register check --register R.db");

  RegisterSubcommand backup(parent, "backup", "Copies the register while others use it, and checks the copy",
                            RegisterBackup, exit_status);
  backup.app->add_option("--out", backup.arguments->out, "File to write; none may be there")
      ->required()
      ->type_name("FILE");
  backup.app->footer(
      "To restore, put the copy in the register's place. Sets that are built after that have later serials all the "
      "same.\n"
      "Example: spanwatch register backup --register R.db --out R-2027-01-31.db");

  RegisterSubcommand status(parent, "status", "Shows how much is registered in each collection, and what expires when",
                            RegisterStatus, exit_status);
  status.app->add_flag("--json", status.arguments->json, "One JSON object a line: the collections, then the register");
  status.app->footer("Example: spanwatch register status --register R.db");

  RegisterSubcommand log(parent, "log", "Shows who added, removed, expired and built, and when", RegisterLog,
                         exit_status);
  log.app->add_flag("--json", log.arguments->json, "One JSON object a line");
  log.app->footer("Example: spanwatch register log --register R.db");

  RegisterSubcommand exported(parent, "export",
                              "Writes digests or picture hashes to standard output, for others to load", RegisterExport,
                              exit_status);
  exported.app
      ->add_option("--format", exported.arguments->format,
                   "sha256 and md5: lines as sha256sum prints them; pdq: CSV; stix: a STIX 2.1 bundle")
      ->required()
      ->check(CLI::IsMember({"sha256", "md5", "pdq", "stix"}));
  exported.app
      ->add_option("--collection", exported.arguments->collection, "Only this one; without it all but negative banks")
      ->type_name("NAME");
  exported.app->footer("Example: spanwatch register export --register R.db --format stix > indicators.json");
}

}  // namespace

void AddRegisterCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("register", "The owner's register: what is to be recognised");
  command->require_subcommand(1);
  command->footer("Example: spanwatch register init --register R.db --owner \"Agency\" --record-key record.key");
  AddInit(*command, exit_status);
  AddAdd(*command, exit_status);
  AddImport(*command, exit_status);
  AddItemCommands(*command, exit_status);
  AddBuild(*command, exit_status);
  AddCare(*command, exit_status);
}

}  // namespace spanwatch::cli
