#include "server/predict/answer_order.h"

#include <utility>

namespace beak {

uint64_t AnswerOrder::Enter() {
  MutexLock lock(mutex_);
  return next_number_++;
}

void AnswerOrder::Leave(uint64_t number, std::function<void()> answer) {
  {
    MutexLock lock(mutex_);
    ready_.emplace(number, std::move(answer));
    if (std::exchange(answering_, true)) return;
  }
  while (true) {
    std::function<void()> next;
    {
      MutexLock lock(mutex_);
      const auto first = ready_.begin();
      if (first == ready_.end() || first->first != next_answer_) {
        answering_ = false;
        return;
      }
      next = std::move(first->second);
      ready_.erase(first);
      ++next_answer_;
    }
    next();
  }
}

}  // namespace beak
