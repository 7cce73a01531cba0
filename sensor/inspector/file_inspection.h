// FileInspection: the content pipeline over files on disk, for `spanwatch inspect`: each file is an object of its own,
// with everything that can be opened in it. Runs in the sealed inspector process; the files come as descriptors.
#pragma once

#include "inspector/flow_watch.h"
#include "inspector/ring_sink.h"
#include "process/shared_block.h"

namespace spanwatch::inspector {

// `flow.flow_id` of the sightings is the position of the file in `inputs`.
void InspectFiles(std::vector<process::NamedFile> inputs, const config::Limits& limits, process::SharedBlock& block,
                  RingSink& sink, std::shared_ptr<const MatchContext> match);

}  // namespace spanwatch::inspector
