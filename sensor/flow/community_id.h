// Community ID version 1 of a flow (corelight/community-id-spec), seed 0: what other sensors call the same conversation.
#pragma once

#include <string>

#include "model/flow.h"

namespace spanwatch::flow {

std::string CommunityId(const FlowInfo& flow);

}  // namespace spanwatch::flow
