#include "server/predict/response_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace beak {
namespace {

constexpr int64_t kPlenty = int64_t{1} << 20;

// A request for model "m" with the input x of these bytes.
class Request {
 public:
  explicit Request(std::string bytes) : bytes_(std::move(bytes)) {
    request_.inputs.push_back(
        {"x", DType::kUint8, {static_cast<int64_t>(bytes_.size())}, std::as_bytes(std::span(bytes_))});
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  ResponseKey Key(int64_t version = 1, uint64_t load = 1) const {
    return MakeResponseKey("m", version, load, request_);
  }
  // The same with a hash that says nothing.
  ResponseKey Colliding(int64_t version = 1, uint64_t load = 1) const {
    ResponseKey key = Key(version, load);
    key.hash = 7;
    return key;
  }
  PredictRequest& operator*() { return request_; }

 private:
  const std::string bytes_;
  PredictRequest request_;
};

PredictResponse Response(const std::string& data) {
  return {"m", 1, {{"y", DType::kUint8, {static_cast<int64_t>(data.size())}, data, {}}}};
}

std::string DataOf(const std::shared_ptr<const PredictResponse>& response) {
  return response ? response->outputs.at(0).data : "none";
}

TEST(ResponseCacheTest, GivesBackWhatItWasGiven) {
  ResponseCache cache(kPlenty);
  PredictResponse given = Response("abc");
  given.version = 9;
  given.outputs.push_back({"classes", std::nullopt, {2}, "", {"0.5:1:cat", "0.25:0"}});
  {
    const Request gone("input");
    EXPECT_EQ(cache.Find(gone.Key()), nullptr);
    cache.Insert(gone.Key(), given);
  }
  const Request same("input");
  const std::shared_ptr<const PredictResponse> found = cache.Find(same.Key());
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->model, "m");
  EXPECT_EQ(found->version, 9);
  ASSERT_EQ(found->outputs.size(), 2u);
  EXPECT_EQ(found->outputs[0].data, "abc");
  EXPECT_EQ(found->outputs[0].dtype, DType::kUint8);
  EXPECT_EQ(found->outputs[0].shape, std::vector<int64_t>{3});
  EXPECT_EQ(found->outputs[1].strings, given.outputs[1].strings);
}

struct Difference {
  const char* name;
  std::function<void(PredictRequest&)> make;
};

// Whatever differs, the answer is another: by the hash, and by the comparison where the hash is the same.
TEST(ResponseCacheTest, EveryPartOfARequestCounts) {
  static const std::string kOtherBytes = "abcdefgi";
  const Difference differences[] = {
      {"a byte", [](auto& r) { r.inputs[0].data = std::as_bytes(std::span(kOtherBytes)); }},
      {"fewer bytes", [](auto& r) { r.inputs[0].data = r.inputs[0].data.first(7); }},
      {"no bytes", [](auto& r) { r.inputs[0].data = {}; }},
      {"shape",
       [](auto& r) {
         r.inputs[0].shape = {2, 4};
       }},
      {"a dimension of 1",
       [](auto& r) {
         r.inputs[0].shape = {1, 8};
       }},
      {"type", [](auto& r) { r.inputs[0].dtype = DType::kInt8; }},
      {"no type of ours", [](auto& r) { r.inputs[0].dtype = std::nullopt; }},
      {"name", [](auto& r) { r.inputs[0].name = "z"; }},
      {"an input more", [](auto& r) { r.inputs.push_back(r.inputs[0]); }},
      {"no input", [](auto& r) { r.inputs.clear(); }},
      {"an output",
       [](auto& r) {
         r.outputs.push_back({"y", 0});
       }},
      {"another output",
       [](auto& r) {
         r.outputs.push_back({"z", 0});
       }},
      {"classes",
       [](auto& r) {
         r.outputs.push_back({"y", 3});
       }},
      {"two outputs",
       [](auto& r) {
         r.outputs = {{"y", 0}, {"z", 0}};
       }},
      {"two outputs, the other way round",
       [](auto& r) {
         r.outputs = {{"z", 0}, {"y", 0}};
       }},
  };
  for (const bool colliding : {false, true}) {
    ResponseCache cache(kPlenty);
    const auto key = [&](const Request& request) { return colliding ? request.Colliding() : request.Key(); };
    const Request plain("abcdefgh");
    cache.Insert(key(plain), Response("plain"));
    for (const Difference& difference : differences) {
      Request other("abcdefgh");
      difference.make(*other);
      EXPECT_NE(other.Key().hash, plain.Key().hash) << difference.name;
      EXPECT_EQ(cache.Find(key(other)), nullptr) << difference.name;
      cache.Insert(key(other), Response(difference.name));
      EXPECT_EQ(DataOf(cache.Find(key(other))), difference.name);
      EXPECT_EQ(DataOf(cache.Find(key(plain))), "plain") << difference.name;
    }
    EXPECT_EQ(cache.statistics().entries, static_cast<int64_t>(1 + std::size(differences)));
  }
}

TEST(ResponseCacheTest, VersionsAndLoadsNeverMix) {
  ResponseCache cache(kPlenty);
  const Request request("abc");
  cache.Insert(request.Colliding(1, 1), Response("version 1"));
  EXPECT_EQ(cache.Find(request.Colliding(2, 2)), nullptr);
  EXPECT_EQ(cache.Find(request.Colliding(1, 2)), nullptr) << "loaded again";
  EXPECT_EQ(cache.Find(request.Colliding(2, 1)), nullptr);
  cache.Insert(request.Colliding(2, 2), Response("version 2"));
  EXPECT_EQ(DataOf(cache.Find(request.Colliding(1, 1))), "version 1");
  EXPECT_EQ(DataOf(cache.Find(request.Colliding(2, 2))), "version 2");

  PredictRequest none;
  ResponseKey other = MakeResponseKey("m2", 1, 1, none);
  cache.Insert(MakeResponseKey("m1", 1, 1, none), Response("m1"));
  EXPECT_EQ(cache.Find(other), nullptr);
}

TEST(ResponseCacheTest, ForgetsALoad) {
  ResponseCache cache(kPlenty);
  const Request a("a");
  const Request b("b");
  for (const Request* request : {&a, &b}) {
    cache.Insert(request->Colliding(1, 10), Response("old"));
    cache.Insert(request->Colliding(1, 11), Response("new"));
  }
  cache.Forget(10);
  EXPECT_EQ(cache.Find(a.Colliding(1, 10)), nullptr);
  EXPECT_EQ(cache.Find(b.Colliding(1, 10)), nullptr);
  EXPECT_EQ(DataOf(cache.Find(a.Colliding(1, 11))), "new");
  EXPECT_EQ(DataOf(cache.Find(b.Colliding(1, 11))), "new");
  cache.Forget(11);
  EXPECT_EQ(cache.statistics().entries, 0);
  EXPECT_EQ(cache.statistics().bytes, 0);
  EXPECT_EQ(cache.statistics().evictions, 0) << "to forget is not to make room";
}

// Bytes that one entry of Request("?") and Response("?") needs.
int64_t EntryBytes() {
  ResponseCache cache(kPlenty);
  const Request request("?");
  cache.Insert(request.Key(), Response("?"));
  return cache.statistics().bytes;
}

TEST(ResponseCacheTest, WhatWasNotAskedForTheLongestGoesFirst) {
  constexpr int kFit = 10;
  ResponseCache cache(kFit * EntryBytes());
  std::map<char, Request> requests;
  for (char c = 'a'; c <= 'z'; ++c) requests.try_emplace(c, std::string(1, c));
  const auto insert = [&](char c) { cache.Insert(requests.at(c).Key(), Response(std::string(1, c))); };
  const auto has = [&](char c) { return cache.Find(requests.at(c).Key()) != nullptr; };
  for (char c = 'a'; c < 'a' + kFit; ++c) insert(c);
  EXPECT_EQ(cache.statistics().entries, kFit);
  EXPECT_TRUE(has('a'));  // asked for: now b is the oldest
  insert('k');
  EXPECT_FALSE(has('b'));
  EXPECT_TRUE(has('a'));
  EXPECT_TRUE(has('c'));  // now d is
  insert('l');
  EXPECT_FALSE(has('d'));
  EXPECT_TRUE(has('c'));
  EXPECT_EQ(cache.statistics().entries, kFit);
  EXPECT_EQ(cache.statistics().evictions, 2);
}

TEST(ResponseCacheTest, BytesOfAllPartsCount) {
  const int64_t small = EntryBytes();
  EXPECT_GT(small, static_cast<int64_t>(sizeof(PredictResponse) + sizeof(InputTensor)));
  constexpr size_t kLarge = 10'000;
  const auto bytes = [](const Request& request, const PredictResponse& response) {
    ResponseCache cache(kPlenty);
    cache.Insert(request.Key(), response);
    return cache.statistics().bytes;
  };
  const Request request("?");
  const Request large_input(std::string(kLarge, 'x'));
  EXPECT_EQ(bytes(large_input, Response("?")), small + static_cast<int64_t>(kLarge) - 1);
  EXPECT_EQ(bytes(request, Response(std::string(kLarge, 'y'))), small + static_cast<int64_t>(kLarge) - 1);
  Request named("?");
  (*named).outputs.push_back({std::string(kLarge, 'n'), 0});
  EXPECT_GE(bytes(named, Response("?")), small + static_cast<int64_t>(kLarge));
  PredictResponse strings = Response("?");
  strings.outputs[0].strings = {std::string(kLarge, 's')};
  EXPECT_GE(bytes(request, strings), small + static_cast<int64_t>(kLarge));
}

TEST(ResponseCacheTest, WhatNeedsMoreThanAnEighthIsNotTaken) {
  const int64_t small = EntryBytes();
  const Request request("?");
  ResponseCache barely(8 * small);
  barely.Insert(request.Key(), Response("?"));
  EXPECT_EQ(barely.statistics().entries, 1);
  ResponseCache too_small(8 * small - 1);
  too_small.Insert(request.Key(), Response("?"));
  EXPECT_EQ(too_small.statistics().entries, 0);
  ResponseCache nothing(0);
  nothing.Insert(request.Key(), Response("?"));
  EXPECT_EQ(nothing.Find(request.Key()), nullptr);
}

TEST(ResponseCacheTest, TheFirstAnswerStays) {
  ResponseCache cache(kPlenty);
  const Request request("?");
  cache.Insert(request.Key(), Response("first"));
  const int64_t bytes = cache.statistics().bytes;
  cache.Insert(request.Key(), Response("second"));
  EXPECT_EQ(DataOf(cache.Find(request.Key())), "first");
  EXPECT_EQ(cache.statistics().bytes, bytes);
}

TEST(ResponseCacheTest, WhoHoldsAnAnswerKeepsIt) {
  auto cache = std::make_unique<ResponseCache>(kPlenty);
  const Request request("?");
  cache->Insert(request.Key(), Response("kept"));
  const std::shared_ptr<const PredictResponse> held = cache->Find(request.Key());
  cache->Forget(1);
  cache.reset();
  EXPECT_EQ(DataOf(held), "kept");
}

// Answers that say what they answer; random sizes, loads, collisions, and a bound that is always nearly reached.
TEST(ResponseCacheTest, RandomOperationsKeepTheBoundAndNeverMixAnswersUp) {
  for (int seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
    const int64_t max_bytes = 8 * EntryBytes() + below(20'000);
    ResponseCache cache(max_bytes);
    int64_t inserted = 0;
    int hits = 0;
    for (int step = 0; step < 3000; ++step) {
      const int content = below(30);
      const auto load = static_cast<uint64_t>(below(3));
      const Request request(std::string(static_cast<size_t>(content * 7 % 90 + 1), static_cast<char>('a' + content)));
      ResponseKey key = request.Key(1, load);
      key.hash = key.hash % 5;
      const std::string answer = std::to_string(load) + ":" + std::to_string(content);
      const int act = below(100);
      if (act == 0) {
        cache.Forget(load);
        EXPECT_EQ(cache.Find(key), nullptr);
      } else if (const std::shared_ptr<const PredictResponse> found = cache.Find(key)) {
        ++hits;
        ASSERT_EQ(DataOf(found), answer);
      } else if (act < 70) {
        cache.Insert(key, Response(answer));
        inserted += cache.Find(key) != nullptr ? 1 : 0;
      }
      const ResponseCache::Statistics now = cache.statistics();
      ASSERT_LE(now.bytes, max_bytes);
      ASSERT_EQ(now.bytes > 0, now.entries > 0);
      ASSERT_LE(now.entries + now.evictions, inserted);
    }
    EXPECT_GT(hits, 0) << seed;
    for (const uint64_t load : {0, 1, 2}) cache.Forget(load);
    EXPECT_EQ(cache.statistics().bytes, 0) << "what was added was taken away again";
  }
}

TEST(ResponseCacheTest, ThreadsShareIt) {
  constexpr int kThreads = 4;
  constexpr int kSteps = 3000;
  constexpr int kContents = 40;
  const int64_t max_bytes = 12 * EntryBytes();
  ResponseCache cache(max_bytes);
  std::atomic<int> hits{0};
  std::atomic<int> mixed_up{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      std::mt19937 random(thread);
      for (int step = 0; step < kSteps; ++step) {
        // Half of the time one of a few, so that there are hits.
        const int content = static_cast<int>(random() % (random() % 2 == 0 ? 4 : kContents));
        const uint64_t load = step < kSteps / 2 ? 1 : 2;
        const Request request(std::to_string(content));
        ResponseKey key = request.Key(1, load);
        key.hash %= 4;
        const std::string answer = std::to_string(load) + ":" + std::to_string(content);
        if (const std::shared_ptr<const PredictResponse> found = cache.Find(key)) {
          ++hits;
          if (DataOf(found) != answer) ++mixed_up;
        } else {
          cache.Insert(key, Response(answer));
        }
        if (step == kSteps / 2) cache.Forget(1);
        if (cache.statistics().bytes > max_bytes) ++mixed_up;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(mixed_up, 0);
  EXPECT_GT(hits, 0);
  cache.Forget(1);
  cache.Forget(2);
  EXPECT_EQ(cache.statistics().bytes, 0);
}

// Threads that miss at the same moment insert the same; one of them stays.
TEST(ResponseCacheTest, TheSameFromManyThreadsIsThereOnce) {
  constexpr int kThreads = 4;
  constexpr int kContents = 200;
  ResponseCache cache(kPlenty);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int content = 0; content < kContents; ++content) {
        const Request request(std::to_string(content));
        cache.Insert(request.Colliding(), Response("?"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(cache.statistics().entries, kContents);
}

}  // namespace
}  // namespace beak
