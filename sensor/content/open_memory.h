// OpenMemory: what everything opened in the flows of one inspector holds at a time (limit content.memory_bytes), and
// the flows in the order of their last use: at the limit the one that has been quiet longest is given up. Owned by the
// inspector's wiring, which keeps it within its limit between packets; charged by the ObjectTree of each flow.
// Inspector thread only.
//
// Counted is what the layers declare (LayerSpec::memory_bytes, Layer::held) and a fixed sum for each object, not what
// the allocator gave in all: the same traffic gives the same results again.
#pragma once

#include <cstdint>
#include <list>

namespace spanwatch::content {

class OpenMemory {
 public:
  // A flow whose objects can be given up.
  class Holder {
   public:
    virtual ~Holder() = default;
    // Ends every object that is open; what was found in them is told.
    virtual void GiveUp() noexcept = 0;
  };

  // The place of one holder in the order. The memory and the holder outlive it.
  class Place {
   public:
    Place(OpenMemory& memory, Holder& holder) : memory_(memory), holder_(holder), own_{this} {}
    ~Place() { Leave(); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    // The holder is used now. Constant time.
    void Touch();

   private:
    friend class OpenMemory;
    void Leave();

    OpenMemory& memory_;
    Holder& holder_;
    std::list<Place*> own_;  // this place, while it is not in the order
    std::list<Place*>::iterator at_ = own_.begin();
  };

  explicit OpenMemory(std::uint64_t limit) : limit_(limit) {}
  OpenMemory(const OpenMemory&) = delete;
  OpenMemory& operator=(const OpenMemory&) = delete;

  void Add(std::uint64_t bytes) { held_ += bytes; }
  void Release(std::uint64_t bytes) { held_ -= bytes; }
  std::uint64_t held() const { return held_; }

  // Gives holders up, the one that has been quiet longest first, until what is held is within the limit. Not to be
  // called while an object is being written.
  void KeepWithinLimit();

 private:
  std::uint64_t limit_;
  std::uint64_t held_ = 0;
  std::list<Place*> order_;  // the one that has been quiet longest first
};

}  // namespace spanwatch::content
