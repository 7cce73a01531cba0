#include "cli/usage_error.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/nearest.h"
#include "base/printable.h"

namespace spanwatch::cli {
namespace {

using Words = std::vector<std::string>;

Words CommandNames(CLI::App& app) {
  Words names;
  for (const CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    // One without a group is not for people.
    if (!command->get_name().empty() && !command->get_group().empty()) names.push_back(command->get_name());
  }
  return names;
}

Words OptionNames(const CLI::App& app) {
  Words names;
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  for (const CLI::App* group : app.get_subcommands([](const CLI::App* part) { return part->get_name().empty(); })) {
    for (const std::string& name : OptionNames(*group)) names.push_back(name);
  }
  return names;
}

// `-` alone is a file, and a number may be negative.
bool LooksLikeOption(const std::string& word) { return word.size() > 1 && word[0] == '-' && !IsDigit(word[1]); }

CLI::App* CommandNamed(CLI::App& app, const std::string& name) {
  const auto found = app.get_subcommands([&](const CLI::App* command) { return command->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

// `--flag=value` without its value. `-r file` may be written `-rfile`, so of a short one the letter counts.
std::string OptionOf(const std::string& word) {
  return word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
}

// The first word that is neither a command nor an option where it stands; empty when all are known. `app` becomes the
// command that the line reached.
std::string UnknownWord(CLI::App*& app, const Words& arguments, std::string& path) {
  for (const std::string& word : arguments) {
    if (word == "--") break;
    const Words commands = CommandNames(*app);
    if (LooksLikeOption(word)) {
      const Words known = OptionNames(*app);
      if (std::ranges::find(known, OptionOf(word)) != known.end()) continue;
      const std::string shown = word.substr(0, word.find('='));
      return fmt::format("there is no option '{}'{}", Printable(shown), DidYouMean(shown, known));
    }
    if (commands.empty()) continue;  // a value, or a file
    CLI::App* named = CommandNamed(*app, word);
    if (named == nullptr) return fmt::format("there is no command '{}'{}", Printable(word), DidYouMean(word, commands));
    app = named;
    path += " " + word;
  }
  return "";
}

}  // namespace

std::string DescribeUsageError(CLI::App& app, const CLI::ParseError& error, const Words& arguments) {
  CLI::App* reached = &app;
  std::string path = app.get_name();
  std::string what = UnknownWord(reached, arguments, path);
  const Words commands = CommandNames(*reached);
  if (what.empty() && !commands.empty()) {
    what = fmt::format("a command is missing: one of {}", fmt::join(commands, ", "));
  }
  if (what.empty()) {
    const std::string said = error.what();
    what = Printable(said.substr(0, said.find('\n')));
  }
  const std::string where = path == app.get_name() ? "" : path.substr(app.get_name().size() + 1) + ": ";
  return fmt::format("{}{} (see '{} --help')", where, what, path);
}

}  // namespace spanwatch::cli
