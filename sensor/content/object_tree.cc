#include "content/object_tree.h"

#include "content/object_node.h"

namespace spanwatch::content {

// The consumer of one object of the flow.
class ObjectTree::Root final : public ObjectConsumer {
 public:
  explicit Root(ObjectTree& tree)
      : tree_(tree), budget_(tree.limits_), place_(tree.roots_.insert(tree.roots_.end(), this)) {}
  ~Root() override { tree_.roots_.erase(place_); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  void Start(Direction direction, ObjectInfo info) {
    node_.emplace(tree_, budget_, nullptr, direction, std::move(info), ChildOptions{});
  }
  void GiveUp() {
    if (!node_) return;
    node_->GiveUp();
    node_.reset();
  }
  bool OnData(ByteView bytes) noexcept override {
    if (!node_) return false;
    budget_.BeginCall(bytes.size());
    node_->Write(bytes);
    return true;
  }
  void OnGap(std::uint64_t length) noexcept override {
    if (!node_) return;
    budget_.BeginCall(0);
    node_->Gap(length);
  }
  void OnEnd(ObjectEnd end) noexcept override {
    if (!node_) return;
    budget_.BeginCall(0);
    node_->End(end);
  }

 private:
  ObjectTree& tree_;
  Budget budget_;
  std::list<Root*>::iterator place_;
  std::optional<ObjectNode> node_;  // nothing once it was given up
};

std::unique_ptr<ObjectConsumer> ObjectTree::Open(Direction direction, ObjectInfo info) noexcept {
  auto root = std::make_unique<Root>(*this);
  root->Start(direction, std::move(info));
  return root;
}

void ObjectTree::GiveUp() noexcept {
  for (Root* root : roots_) root->GiveUp();
}

}  // namespace spanwatch::content
