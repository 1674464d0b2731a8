#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace beak {

// Decides for one stream of requests when to read, what to write and when to end: answers leave in the order of their
// requests, and what is under way stays within bounds. Pure; *Thread-compatible*.
//
// Whoever has the stream tells what happened, then does what Next() says until that is nothing.
class StreamState {
 public:
  // Beyond either of these no further request is read: those that are not answered, and answers that are not sent. One
  // request is always taken, whatever its size.
  struct Limits {
    int64_t requests = 64;
    int64_t bytes = int64_t{64} << 20;
  };

  enum class Act {
    kNothing,
    kRead,     // a message; OnRead or OnReadEnd will follow
    kWrite,    // the answer to `request`; OnWritten will follow
    kAbandon,  // cancel what has been asked for, for no answer will be sent any more; those owed are still to be told
    kFinish,   // the stream, for the reason `end`; nothing follows
  };
  enum class End {
    kDone,       // all that was asked for has been answered
    kError,      // the answer to `request`
    kCancelled,  // nobody listens any more
    kServer,     // the server wants no more requests
  };
  struct Step {
    Act act = Act::kNothing;
    uint64_t request = 0;
    End end = End::kDone;
  };

  // `errors_end_it`: an answer that is an error is not sent but ends the stream.
  StreamState(const Limits& limits, bool errors_end_it) : limits_(limits), errors_end_it_(errors_end_it) {}

  // A request of so many bytes has been read. Its number, counted from 0; nullopt where it came too late to be started.
  std::optional<uint64_t> OnRead(int64_t bytes);
  // There are no more requests to read.
  void OnReadEnd();
  // A request has been answered; its answer takes so many bytes.
  void OnAnswer(uint64_t request, bool good, int64_t bytes);
  // What was being written has been, or (not `sent`) cannot be.
  void OnWritten(bool sent);
  // The client has gone.
  void OnCancel();
  // No request is read any more; the stream ends after the answers to those that have been.
  void OnServerEnds();

  // Each step is to be done before the next is asked for.
  Step Next();

 private:
  struct Request {
    uint64_t number = 0;
    int64_t bytes = 0;  // of the request, then of its answer
    bool answered = false;
    bool good = true;
  };

  bool MayRead() const;
  Step Finish();

  const Limits limits_;
  const bool errors_end_it_;

  std::deque<Request> requests_;  // not yet answered and sent, in order
  uint64_t next_number_ = 0;
  int64_t bytes_ = 0;       // of `requests_`
  int64_t unanswered_ = 0;  // of `requests_`
  bool reading_ = false;
  bool read_ended_ = false;
  bool writing_ = false;
  bool server_ends_ = false;
  bool abandoned_ = false;
  bool abandon_told_ = false;
  std::optional<uint64_t> failed_request_;  // whose answer is the error that ends the stream
  bool finished_ = false;
};

}  // namespace beak
