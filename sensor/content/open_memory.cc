#include "content/open_memory.h"

namespace spanwatch::content {

void OpenMemory::Place::Touch() {
  std::list<Place*>& from = own_.empty() ? memory_.order_ : own_;
  memory_.order_.splice(memory_.order_.end(), from, at_);
}

void OpenMemory::Place::Leave() {
  if (own_.empty()) own_.splice(own_.begin(), memory_.order_, at_);
}

void OpenMemory::KeepWithinLimit() {
  while (held_ > limit_ && !order_.empty()) {
    Place& quietest = *order_.front();
    quietest.Leave();
    quietest.holder_.GiveUp();
  }
}

}  // namespace spanwatch::content
