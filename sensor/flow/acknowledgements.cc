#include "flow/acknowledgements.h"

namespace spanwatch::flow {

void Acknowledgements::Doubt(std::uint64_t position, std::uint64_t window, Moment moment) noexcept {
  const bool follows = doubted_.has_value() && position >= doubted_->position && position <= doubted_->edge;
  if (!follows) {
    doubted_ = {position, position, position + window, moment};
  } else if (position > doubted_->position && reordering_.Over(doubted_->since, moment)) {
    edge_sure_ = false;
    latest_ = moment.time;
    Believe(position, window, false);
  } else {
    doubted_->latest = std::max(doubted_->latest, position);
    doubted_->edge = std::max(doubted_->edge, position + window);
  }
}

}  // namespace spanwatch::flow
