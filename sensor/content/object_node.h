// ObjectNode: one object at any depth. Gives its bytes to the observer, chooses the layer that opens it, and is the
// framework around that layer: every child is opened and written through it, so every limit holds for every layer.
//
// Owned by the consumer of a root or by the layer that opened it; the tree, the budget and the parent outlive it.
// `(Write | Gap)* End`, then it is dropped. Inspector thread only.
#pragma once

#include "content/budget.h"
#include "content/layer.h"
#include "content/object_tree.h"
#include "telemetry/anomaly_codes.h"

namespace spanwatch::content {

struct ChildOptions {
  bool verbatim = false;                 // the child's bytes are a run of this object's bytes
  const LayerSpec* container = nullptr;  // known already: the child ends where this layer's content ends
  bool guessed = false;                  // by a look so weak that its breaking off says that it was none
};

class ObjectNode {
 public:
  // A root: `parent` is null.
  ObjectNode(ObjectTree& tree, Budget& budget, ObjectNode* parent, Direction direction, ObjectInfo info,
             const ChildOptions& options);
  ObjectNode(const ObjectNode&) = delete;
  ObjectNode& operator=(const ObjectNode&) = delete;
  ~ObjectNode();

  // For who owns the object. Write returns how many bytes belonged to it: fewer than given only when its container was
  // given in ChildOptions and has ended; finished() is true from then on.
  std::size_t Write(ByteView bytes);
  void Gap(std::uint64_t length);
  void End(ObjectEnd end);
  // A root ends since memory is wanted elsewhere; this is told.
  void GiveUp();
  bool finished() const { return finished_; }

  // For the layers that open the object.
  const ObjectInfo& info() const { return info_; }
  const config::Limits& limits() const { return tree_.limits_; }
  // Null at a limit.
  std::unique_ptr<ObjectNode> OpenChild(ObjectInfo info, const ChildOptions& options = {});
  // What is inside an encoding named `step`: the same content when it was declared, else something not yet known.
  ObjectInfo Decoded(std::string_view step) const;
  // True when a limit was hit: the layer should return.
  bool exhausted() const { return budget_.exhausted(); }
  // Bytes that a container cannot explain are searched as raw bytes; EndSearch before it goes on behind them.
  void Search(ByteView bytes);
  void EndSearch(ObjectEnd end);
  void Report(AnomalyCode code);
  void ReportHeld();    // limit held_bytes
  void ReportTrials();  // limit trial_stride_bytes
  // A member of this object was recognised and could not be read, for a reason of anomalies.def (unread_*).
  void UnreadMember(AnomalyCode reason, std::uint64_t members = 1);
  // Nothing of this object could be read: its bytes count as encoded, not as clear. `reason` as above; counted as
  // members.
  void Unread(AnomalyCode reason, std::uint64_t members = 1);
  void NoteEncrypted();
  // For the observer of this object; also notes that an encrypted archive was seen.
  void NoteArchiveEntry(const ArchiveEntry& entry);
  // Carved: it ends where its container does, and who carved it looks for what follows.
  bool carved() const { return container_given_; }
  // The bytes of Search begin with the object's first.
  bool begins_searched() const { return search_from_start_; }

 private:
  bool Refused(Budget::Refusal refusal);
  std::size_t Take(ByteView bytes);
  void Deliver(ByteView bytes);
  void Process(ByteView bytes);
  void Begin(ByteView head);
  const LayerSpec* ChooseContainer(ByteView head);
  const LayerSpec* ChooseDeclared(ByteView head);
  void Dispatch(ByteView bytes);
  void CloseContainer(LayerState state, ObjectEnd end);
  // Counts what the object holds now.
  void CountMemory();
  ContentNotes& notes() { return tree_.notes_[Index(context_.direction)]; }

  ObjectTree& tree_;
  Budget& budget_;
  ObjectInfo info_;
  Provenance provenance_;
  ObjectContext context_;
  std::size_t depth_ = 1;
  std::unique_ptr<ObjectConsumer> consumer_;
  Bytes head_;  // the first bytes, until the container is chosen
  std::unique_ptr<Layer> container_;
  std::uint64_t container_memory_ = 0;          // LayerSpec::memory_bytes
  std::uint64_t memory_ = 0;                    // counted so far
  std::vector<std::unique_ptr<Layer>> search_;  // one of each search layer, or none
  bool container_given_ = false;
  bool guessed_ = false;
  bool by_encoding_ = false;  // the container takes off a declared encoding
  bool begun_ = false;
  bool processed_ = false;  // some byte went to a layer already
  bool search_from_start_ = false;
  bool consumer_wants_ = true;
  bool finished_ = false;
  bool ended_ = false;
  bool damaged_ = false;  // a gap, or given up at a limit
  bool unread_ = false;
  std::uint64_t bytes_ = 0;  // written to it
};

}  // namespace spanwatch::content
