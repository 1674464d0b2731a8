#include "server/http/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/mutex.h"
#include "tests/server/http/http_client.h"
#include "tests/support/eventually.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using testing::Eventually;
using ::testing::HasSubstr;
using testing::HttpClient;
using ::testing::Not;
using ::testing::StartsWith;
using testing::StatusIs;

constexpr char kGet[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

// Answers with what it was asked, or keeps requests for "/keep".
class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() { options_.port = 0; }
  ~HttpServerTest() override {
    TakeKept();
    server_.reset();
  }

  void Start() {
    ASSERT_OK_AND_ASSIGN(
        server_, HttpServer::Create(options_, [this](std::shared_ptr<HttpExchange> e) { Handle(std::move(e)); }));
  }

  void Handle(std::shared_ptr<HttpExchange> exchange) {
    const HttpRequest& request = exchange->request();
    if (request.target == "/drop") return;
    if (request.target == "/keep") {
      exchange->OnHangUp([this] { ++hang_ups_; });
      MutexLock lock(mutex_);
      kept_.push_back(std::move(exchange));
      return;
    }
    HttpResponse response;
    response.content_type = "text/plain";
    response.headers = {{"X-Peer", request.peer}};
    response.body = request.method + " " + request.target + " " + std::string(request.Header("x-test")) + " " +
                    (request.body.size() > 100 ? std::to_string(request.body.size()) : request.body);
    exchange->Answer(std::move(response));
  }
  std::vector<std::shared_ptr<HttpExchange>> TakeKept() {
    MutexLock lock(mutex_);
    return std::move(kept_);
  }
  std::shared_ptr<HttpExchange> AwaitKept() {
    std::vector<std::shared_ptr<HttpExchange>> kept;
    EXPECT_TRUE(Eventually([&] { return !(kept = TakeKept()).empty(); }));
    return kept.empty() ? nullptr : kept[0];
  }

  HttpServer::Options options_;
  std::atomic<int> hang_ups_{0};
  Mutex mutex_;
  std::vector<std::shared_ptr<HttpExchange>> kept_ GUARDED_BY(mutex_);
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersOnOneConnectionAgainAndAgain) {
  Start();
  HttpClient client(server_->port());
  EXPECT_THAT(client.Exchange("POST /a?b HTTP/1.1\r\nHost: h\r\nX-TEST: y\r\nContent-Length: 2\r\n\r\nab"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("X-Peer: 127.0.0.1:"), EndsWith("POST /a?b y ab")));
  EXPECT_THAT(client.Exchange(kGet), EndsWith("GET /x  "));
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(HttpServerTest, RequestsThatComeAtOnceAreAnsweredInTheirOrder) {
  Start();
  HttpClient client(server_->port());
  ASSERT_TRUE(client.Send("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n"));
  for (const char* target : {"/1", "/2", "/3"}) EXPECT_THAT(client.Receive(), HasSubstr(target));
}

TEST_F(HttpServerTest, HeadHasTheLengthAndNoBody) {
  Start();
  HttpClient client(server_->port());
  ASSERT_TRUE(client.Send("HEAD /x HTTP/1.1\r\n\r\n"));
  EXPECT_THAT(client.Receive(false), AllOf(HasSubstr("Content-Length: 9\r\n"), EndsWith("\r\n\r\n")));
  EXPECT_THAT(client.Exchange(kGet), HasSubstr("200 OK"));
}

TEST_F(HttpServerTest, AnOldClientIsAnsweredAndLeft) {
  Start();
  HttpClient client(server_->port());
  EXPECT_THAT(client.Exchange("GET /x HTTP/1.0\r\n\r\n"), HasSubstr("200 OK"));
  EXPECT_TRUE(client.AwaitClose());
}

TEST_F(HttpServerTest, ABodyMayComeInChunks) {
  Start();
  HttpClient client(server_->port());
  EXPECT_THAT(client.Exchange("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
              EndsWith(" abc"));
}

TEST_F(HttpServerTest, AClientThatWaitsIsToldToGoOn) {
  Start();
  HttpClient client(server_->port());
  EXPECT_THAT(client.Exchange("POST /x HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
              StartsWith("HTTP/1.1 100"));
  EXPECT_THAT(client.Exchange("ab"), EndsWith(" ab"));
}

TEST_F(HttpServerTest, ALargeBodyIsWhole) {
  Start();
  HttpClient client(server_->port());
  ASSERT_TRUE(client.Send("POST /x HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n"));
  ASSERT_TRUE(client.Send(std::string(3'000'000, 'x')));
  EXPECT_THAT(client.Receive(), EndsWith(" 3000000"));
}

// ---------------------------------------------------------------- bad requests

struct Bad {
  const char* what;
  std::string bytes;
  const char* status;
};

class BadHttpTest : public HttpServerTest, public ::testing::WithParamInterface<Bad> {};

TEST_P(BadHttpTest, IsAnsweredAndTheConnectionClosed) {
  options_.max_body_bytes = 10;
  Start();
  HttpClient client(server_->port());
  EXPECT_THAT(client.Exchange(GetParam().bytes), AllOf(StartsWith(absl::StrCat("HTTP/1.1 ", GetParam().status)),
                                                       HasSubstr("Connection: close"), HasSubstr(R"({"error":")")));
  EXPECT_TRUE(client.AwaitClose());
  HttpClient other(server_->port());
  EXPECT_THAT(other.Exchange(kGet), HasSubstr("200 OK"));
}

INSTANTIATE_TEST_SUITE_P(
    Corpus, BadHttpTest,
    ::testing::Values(
        Bad{"Garbage", "\x16\x03\x01\x02\x03garbage\r\n\r\n", "400"}, Bad{"NoVersion", "GET /x\r\n\r\n", "400"},
        Bad{"Version", "GET /x HTTP/7.1\r\n\r\n", "400"}, Bad{"Http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"},
        Bad{"Field", "GET /x HTTP/1.1\r\nno colon\r\n\r\n", "400"},
        Bad{"Length", "POST /x HTTP/1.1\r\nContent-Length: ten\r\n\r\n", "400"},
        Bad{"NegativeLength", "POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400"},
        Bad{"LengthOfManyDigits", "POST /x HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", "400"},
        Bad{"TwoLengths", "POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "400"},
        Bad{"LengthAndChunks", "POST /x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
        Bad{"ChunkSize", "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
        Bad{"LargeBody", "POST /x HTTP/1.1\r\nContent-Length: 11\r\n\r\n", "413"},
        Bad{"LargeChunks", "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n",
            "413"},
        Bad{"LargeHead", "GET /x HTTP/1.1\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n", "431"}),
    [](const auto& test) { return std::string(test.param.what); });

// ---------------------------------------------------------------- limits

TEST_F(HttpServerTest, ASlowHeadIsCutOff) {
  options_.head_patience = std::chrono::milliseconds(30);
  Start();
  HttpClient idle(server_->port()), slow(server_->port());
  ASSERT_TRUE(slow.Send("GET /x HT"));
  EXPECT_TRUE(idle.AwaitClose());
  EXPECT_TRUE(slow.AwaitClose());
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
}

TEST_F(HttpServerTest, ASlowBodyIsCutOff) {
  options_.body_patience = std::chrono::milliseconds(30);
  Start();
  HttpClient client(server_->port());
  ASSERT_TRUE(client.Send("POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\na"));
  EXPECT_TRUE(client.AwaitClose());
}

TEST_F(HttpServerTest, OnlySoMuchIsHeldForAll) {
  options_.max_held_bytes = 1000;
  Start();
  const std::string head = "POST /x HTTP/1.1\r\nContent-Length: 900\r\n\r\n";
  HttpClient first(server_->port()), second(server_->port());
  // Announced lengths cost nothing, only what has come.
  ASSERT_TRUE(first.Send(head));
  EXPECT_THAT(second.Exchange(head + std::string(900, 'x')), HasSubstr("200 OK"));
  EXPECT_THAT(first.Exchange(std::string(900, 'x')), HasSubstr("200 OK"));
  ASSERT_TRUE(first.Send("POST /keep HTTP/1.1\r\nContent-Length: 600\r\n\r\n" + std::string(600, 'x')));
  const std::shared_ptr<HttpExchange> kept = AwaitKept();
  EXPECT_THAT(second.Exchange(head + std::string(900, 'x')), HasSubstr("503 Service Unavailable"));
  kept->Answer({});
  EXPECT_THAT(first.Receive(), HasSubstr("200 OK"));
  HttpClient third(server_->port());
  EXPECT_TRUE(Eventually([&] {
    return third.Exchange(head + std::string(900, 'x')).find("200 OK") != std::string::npos;
  })) << "what was held has been given back";
}

TEST_F(HttpServerTest, OnlySoManyConnectionsAreTaken) {
  options_.max_connections = 2;
  Start();
  HttpClient first(server_->port()), second(server_->port());
  EXPECT_THAT(first.Exchange(kGet), HasSubstr("200 OK"));
  EXPECT_THAT(second.Exchange(kGet), HasSubstr("200 OK"));
  HttpClient third(server_->port());
  EXPECT_EQ(third.Exchange(kGet), "");
  first.Close();
  EXPECT_TRUE(Eventually([&] { return HttpClient(server_->port()).Exchange(kGet) != ""; }));
}

TEST_F(HttpServerTest, ThoseWhoSayNothingKeepNobodyWaiting) {
  Start();
  std::vector<std::unique_ptr<HttpClient>> idle;
  for (int i = 0; i < 200; ++i) {
    idle.push_back(std::make_unique<HttpClient>(server_->port()));
    ASSERT_TRUE(idle.back()->connected());
    if (i % 2 == 0) {
      ASSERT_TRUE(idle.back()->Send("POST /x HTTP/1.1\r\nContent-Le"));
    }
  }
  HttpClient client(server_->port());
  EXPECT_THAT(client.Exchange(kGet), HasSubstr("200 OK"));
}

// ---------------------------------------------------------------- answers

TEST_F(HttpServerTest, AnAnswerMayComeLaterFromAnyThread) {
  Start();
  HttpClient client(server_->port());
  ASSERT_TRUE(client.Send("GET /keep HTTP/1.1\r\n\r\n"));
  std::shared_ptr<HttpExchange> exchange = AwaitKept();
  std::thread([exchange = std::move(exchange)] {
    exchange->Answer({404, "", {}, "first"});
    exchange->Answer({200, "", {}, "second"});
  }).join();
  EXPECT_THAT(client.Receive(), AllOf(HasSubstr("404 Not Found"), EndsWith("first")));
  EXPECT_THAT(client.Exchange(kGet), EndsWith("GET /x  ")) << "the second answer is nobody's";
}

TEST_F(HttpServerTest, ARequestThatGotLostIsAnErrorOfOurs) {
  Start();
  HttpClient client(server_->port());
  EXPECT_THAT(client.Exchange("GET /drop HTTP/1.1\r\n\r\n"), HasSubstr("500 Internal Server Error"));
}

TEST_F(HttpServerTest, AClientThatHangsUpIsNoticed) {
  Start();
  {
    HttpClient client(server_->port());
    ASSERT_TRUE(client.Send("GET /keep HTTP/1.1\r\n\r\n"));
    EXPECT_TRUE(Eventually([&] {
      MutexLock lock(mutex_);
      return !kept_.empty();
    }));
    EXPECT_EQ(hang_ups_, 0);
  }
  EXPECT_TRUE(Eventually([&] { return hang_ups_ == 1; }));
  bool late = false;
  AwaitKept()->OnHangUp([&] { late = true; });
  EXPECT_TRUE(late) << "whoever asks later hears it at once";
}

TEST_F(HttpServerTest, ARequestThatComesEarlyIsNoHangUp) {
  Start();
  HttpClient client(server_->port());
  ASSERT_TRUE(client.Send("GET /keep HTTP/1.1\r\n\r\n"));
  const std::shared_ptr<HttpExchange> exchange = AwaitKept();
  ASSERT_TRUE(client.Send(kGet));
  HttpClient other(server_->port());
  EXPECT_THAT(other.Exchange(kGet), HasSubstr("200 OK"));  // by then the server has seen it
  exchange->Answer({200, "", {}, "kept"});
  EXPECT_THAT(client.Receive(), EndsWith("kept"));
  EXPECT_THAT(client.Receive(), EndsWith("GET /x  "));
  EXPECT_EQ(hang_ups_, 0);
}

// ---------------------------------------------------------------- the end

TEST_F(HttpServerTest, TheEndIsAnnouncedWithEachAnswer) {
  Start();
  HttpClient client(server_->port());
  EXPECT_THAT(client.Exchange(kGet), Not(HasSubstr("Connection: close")));
  server_->AnnounceEnd();
  EXPECT_THAT(client.Exchange(kGet), AllOf(HasSubstr("200 OK"), HasSubstr("Connection: close")));
  EXPECT_TRUE(client.AwaitClose());
}

TEST_F(HttpServerTest, TheEndWaitsForAnswers) {
  Start();
  HttpClient client(server_->port());
  ASSERT_TRUE(client.Send("GET /keep HTTP/1.1\r\n\r\n"));
  std::shared_ptr<HttpExchange> exchange = AwaitKept();
  std::thread end([&] { server_->Shutdown(Clock::Real().Now() + std::chrono::minutes(1)); });
  EXPECT_TRUE(Eventually([&] { return !HttpClient(server_->port()).connected(); })) << "nobody new is taken";
  exchange->Answer({200, "", {}, "kept"});
  exchange.reset();
  EXPECT_THAT(client.Receive(), EndsWith("kept"));
  end.join();
  EXPECT_EQ(hang_ups_, 0);
}

TEST_F(HttpServerTest, WhoeverIsLateAtTheEndIsToldSo) {
  Start();
  HttpClient client(server_->port());
  ASSERT_TRUE(client.Send("GET /keep HTTP/1.1\r\n\r\n"));
  std::shared_ptr<HttpExchange> exchange = AwaitKept();
  std::thread end([&] { server_->Shutdown(Clock::Real().Now()); });
  EXPECT_TRUE(Eventually([&] { return hang_ups_ == 1; }));
  exchange->Answer({});
  exchange.reset();
  end.join();
}

TEST_F(HttpServerTest, IdleConnectionsDoNotHoldUpTheEnd) {
  Start();
  HttpClient client(server_->port());
  EXPECT_THAT(client.Exchange(kGet), HasSubstr("200 OK"));
  server_->Shutdown(Clock::Real().Now() + std::chrono::minutes(1));
  server_.reset();
  EXPECT_TRUE(client.AwaitClose());
}

TEST_F(HttpServerTest, WhoIsRefusedByTheHeadIsNotAskedForTheBody) {
  options_.head_check = [](const HttpRequest& head) -> std::optional<HttpResponse> {
    if (head.Header("x-test") == "known") return std::nullopt;
    return HttpResponse{401, "text/plain", {}, "not for " + head.method + " " + head.target};
  };
  Start();
  HttpClient stranger(server_->port());
  EXPECT_THAT(stranger.Exchange("POST /x HTTP/1.1\r\nContent-Length: 1000\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 401"), HasSubstr("Connection: close"), EndsWith("not for POST /x")));
  EXPECT_TRUE(stranger.AwaitClose());
  HttpClient known(server_->port());
  const std::string head = "POST /x HTTP/1.1\r\nX-Test: known\r\nContent-Length: 2\r\n\r\n";
  for (int i = 0; i < 2; ++i) EXPECT_THAT(known.Exchange(head + "ab"), EndsWith("POST /x known ab"));
  EXPECT_THAT(known.Exchange(kGet), EndsWith("GET /x  ")) << "without a body the handler alone decides";
}

TEST_F(HttpServerTest, APortInUseIsAnError) {
  Start();
  options_.port = server_->port();
  options_.what = "metrics";
  EXPECT_THAT(HttpServer::Create(options_, [](const std::shared_ptr<HttpExchange>&) {}),
              StatusIs(absl::StatusCode::kUnavailable,
                       HasSubstr(absl::StrCat("metrics: cannot listen on 127.0.0.1:", options_.port))));
  options_.host = "no such host";
  EXPECT_THAT(HttpServer::Create(options_, [](const std::shared_ptr<HttpExchange>&) {}),
              StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace beak
