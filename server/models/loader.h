#pragma once

#include <functional>
#include <memory>

namespace beak {

// Where models are loaded: away from requests. *Thread-safe.*
class Loader {
 public:
  // Named threads at a low priority, so that compiling takes only what serving leaves.
  static std::unique_ptr<Loader> CreateThreads(int count);
  virtual ~Loader() = default;

  // Runs `load` soon, on a thread of its own choice.
  virtual void Submit(std::function<void()> load) = 0;
  // Returns when all that was submitted has run. Nothing may be submitted afterwards.
  virtual void Stop() = 0;
};

}  // namespace beak
