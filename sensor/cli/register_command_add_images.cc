#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/command.h"
#include "cli/register_command.h"
#include "cli/register_progress.h"
#include "fingerprint/file_fingerprint.h"
#include "register/enroll_images.h"

namespace spanwatch::cli {
namespace {

constexpr std::size_t kBoxFileBytesMax = 1u << 20;

// `{"left": 0.1, "top": 0.5, "right": 0.4, "bottom": 0.7}` in shares of the picture's sides.
Result<std::optional<image::LumaRectangle>> BoxOf(const nlohmann::json& boxes, const char* name) {
  const auto box = boxes.find(name);
  if (box == boxes.end() || box->is_null()) return std::optional<image::LumaRectangle>();
  image::LumaRectangle rectangle;
  const std::pair<const char*, double*> sides[] = {
      {"left", &rectangle.left}, {"top", &rectangle.top}, {"right", &rectangle.right}, {"bottom", &rectangle.bottom}};
  for (const auto& [side, value] : sides) {
    const auto given = box->is_object() ? box->find(side) : box->end();
    if (!box->is_object() || given == box->end() || !given->is_number()) {
      return Fail(ErrorCode::kInvalid, "'{}' needs left, top, right and bottom as shares of the sides (0 to 1)", name);
    }
    *value = given->get<double>();
  }
  const bool inside = rectangle.left >= 0 && rectangle.top >= 0 && rectangle.right <= 1 && rectangle.bottom <= 1 &&
                      rectangle.left < rectangle.right && rectangle.top < rectangle.bottom;
  if (!inside) return Fail(ErrorCode::kInvalid, "'{}' is no box inside the picture; give shares of the sides", name);
  return std::optional(rectangle);
}

// Plate and vehicle boxes of the JSON file beside a picture. What is not understood of it keeps nothing out: the
// picture is registered without those boxes, and told.
void ReadBoxes(const std::filesystem::path& path, fingerprint::EnrolmentProfile& profile,
               std::vector<std::string>& problems) {
  const auto problem = [&](const std::string& what) {
    problems.push_back(fmt::format("{}: {}; the picture is registered without", path.string(), what));
  };
  const auto text = ReadFile(path, kBoxFileBytesMax);
  if (!text) return problem(text.error().message);
  const auto boxes = nlohmann::json::parse(*text, nullptr, false);
  if (!boxes.is_object()) return problem("not a JSON object of boxes");
  for (const auto& [name, box] : {std::pair("plate", &profile.plate), std::pair("vehicle", &profile.vehicle)}) {
    const auto read = BoxOf(boxes, name);
    read ? void(*box = *read) : problem(read.error().message);
  }
  const bool others = std::ranges::any_of(
      boxes.items(), [](const auto& member) { return member.key() != "plate" && member.key() != "vehicle"; });
  if (others) problem("holds more than the boxes 'plate' and 'vehicle', which is not understood");
}

// The JSON file beside the picture (a.json or a.jpg.json), when there is one.
void AddBoxes(const std::filesystem::path& picture, fingerprint::EnrolmentProfile& profile,
              std::vector<std::string>& problems) {
  for (const auto& path :
       {std::filesystem::path(picture).replace_extension(".json"), std::filesystem::path(picture.string() + ".json")}) {
    std::error_code error;
    if (path != picture && std::filesystem::is_regular_file(path, error)) return ReadBoxes(path, profile, problems);
  }
}

// The views that are asked for, as far as the register's profile keeps them.
Result<fingerprint::ViewProfile> ViewsOf(const std::string& name, enrolment::Profile profile) {
  using enum fingerprint::ViewProfile;
  const fingerprint::ViewProfile kept = profile == enrolment::Profile::kCompact    ? kNone
                                        : profile == enrolment::Profile::kStandard ? kFew
                                                                                   : kFull;
  if (name.empty()) return std::min(kept, kFew);
  const fingerprint::ViewProfile wanted = name == "none" ? kNone : name == "few" ? kFew : kFull;
  if (wanted <= kept) return wanted;
  return Fail(ErrorCode::kUsage, "this register was made with profile {}, which does not keep so many views",
              ToString(profile));
}

}  // namespace

int RegisterAddImages(const RegisterArguments& arguments) {
  const auto database = enrolment::RegisterDatabase::Open(arguments.database);
  if (!database) return Report(database.error());
  if (Status status = (*database)->UseCollection(arguments.collection, arguments.negative); !status) {
    return Report(status.error());
  }
  const config::Limits limits;
  const enrolment::RegisterFacts& facts = (*database)->facts();
  const auto views = ViewsOf(arguments.views, facts.profile);
  if (!views) return Report(views.error());
  const fingerprint::EnrolmentProfile common{.fragment_seed = facts.fragment_seed,
                                             .fragment_density = facts.fragment_density,
                                             .fragment_window = facts.fragment_window,
                                             .views = *views};
  const auto fingerprint = [&](const std::string& path) -> Result<enrolment::Fingerprinted> {
    fingerprint::EnrolmentProfile profile = common;
    std::vector<std::string> problems;
    if (facts.profile != enrolment::Profile::kCompact) AddBoxes(path, profile, problems);
    auto file = fingerprint::FingerprintFile(path, profile, limits);
    if (!file) return Fail(file.error());
    return enrolment::Fingerprinted{std::move(*file), std::move(problems)};
  };
  const auto log = (*database)->BeginLog("added", arguments.collection);
  if (!log) return Report(log.error());
  const Interruption interruption;
  ProgressLine progress;
  const auto summary = EnrollImages(**database,
                                    {.collection = arguments.collection,
                                     .negative = arguments.negative,
                                     .again = arguments.again,
                                     .inputs = arguments.inputs,
                                     .threads = arguments.threads},
                                    fingerprint, progress);
  return FinishEnrolment(summary, progress, {**database, *log, arguments.collection});
}

}  // namespace spanwatch::cli
