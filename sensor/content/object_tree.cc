#include "content/object_tree.h"

#include "content/object_node.h"

namespace spanwatch::content {
namespace {

class RootConsumer final : public ObjectConsumer {
 public:
  explicit RootConsumer(const config::Limits& limits) : budget_(limits) {}

  void Start(ObjectTree& tree, Direction direction, ObjectInfo info) {
    node_.emplace(tree, budget_, nullptr, direction, std::move(info), ChildOptions{});
  }
  bool OnData(ByteView bytes) noexcept override {
    budget_.BeginCall(bytes.size());
    node_->Write(bytes);
    return true;
  }
  void OnGap(std::uint64_t length) noexcept override {
    budget_.BeginCall(0);
    node_->Gap(length);
  }
  void OnEnd(ObjectEnd end) noexcept override {
    budget_.BeginCall(0);
    node_->End(end);
  }

 private:
  Budget budget_;
  std::optional<ObjectNode> node_;
};

}  // namespace

std::unique_ptr<ObjectConsumer> ObjectTree::Open(Direction direction, ObjectInfo info) noexcept {
  auto root = std::make_unique<RootConsumer>(limits_);
  root->Start(*this, direction, std::move(info));
  return root;
}

}  // namespace spanwatch::content
