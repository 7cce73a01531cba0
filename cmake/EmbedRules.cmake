# cmake -DOUTPUT=file.cc -DFOLDER=rules -P EmbedRules.cmake: the *.yml of a folder as string literals.
file(GLOB files ${FOLDER}/*.yml)
list(SORT files)
set(entries "")
foreach(file IN LISTS files)
  get_filename_component(name ${file} NAME)
  file(READ ${file} text)
  string(APPEND entries "    {\"${name}\", R\"rules(${text})rules\"},\n")
endforeach()
file(WRITE ${OUTPUT}.new "// Made from rules/*.yml.
#include \"policy/embedded_rules.h\"

#include <array>

namespace spanwatch::policy {

std::span<const std::pair<std::string_view, std::string_view>> EmbeddedRules() {
  static constexpr auto kRules = std::to_array<std::pair<std::string_view, std::string_view>>({
${entries}  });
  return kRules;
}

}  // namespace spanwatch::policy
")
file(COPY_FILE ${OUTPUT}.new ${OUTPUT} ONLY_IF_DIFFERENT)
