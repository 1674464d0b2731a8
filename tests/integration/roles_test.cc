// Who may call what, asked of a server over the wire: every method that its reflection tells of, with every role.

#include "server/security/roles.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/http/route.h"
#include "tests/integration/running_server.h"
#include "tests/integration/serving.h"
#include "tests/server/http/http_client.h"
#include "tests/server/support/networks.h"
#include "tests/support/temp_dir.h"
#include "tests/support/token_line.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::RunningServer;
using ::testing::StartsWith;
using testing::TempDir;
using testing::TokenLine;

constexpr char kReflection[] = "grpc.reflection.v1alpha.ServerReflection";

// The contents of the fields of a message that have this number.
std::vector<std::string> Fields(const std::string& message, int number) {
  google::protobuf::UnknownFieldSet fields;
  std::vector<std::string> found;
  if (!fields.ParseFromString(message)) return found;
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::UnknownField& field = fields.field(i);
    if (field.number() == number && field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      found.push_back(field.length_delimited());
    }
  }
  return found;
}

struct Answer {
  grpc::Status status;
  std::string first_message;
};

class RolesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir();
    dir_->Write("models/scale/1/model.onnx", testing::ScaleNetwork(2));
    ServerConfig config;
    config.model_repository = *dir_ / "models";
    config.model_control_mode = ControlMode::kExplicit;
    config.load_models = {"scale"};
    config.token_file =
        dir_->Write("tokens", TokenLine("p", "predict", "token-predict") + TokenLine("a", "admin", "token-admin") +
                                  TokenLine("t", "train", "token-train") + TokenLine("m", "metrics", "token-metrics"));
    running_ = new RunningServer(config);
  }
  static void TearDownTestSuite() {
    delete running_;
    delete dir_;
  }

  // Any method as a call of bytes: one message, and what comes first. What goes on after that is cancelled.
  static Answer Call(const std::string& method, const std::string& message, const std::string& authorization) {
    grpc::GenericStub stub(running_->channel);
    grpc::CompletionQueue queue;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    const auto await = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    const auto call = stub.PrepareCall(&context, method, &queue);
    call->StartCall(nullptr);
    await();
    const grpc::Slice slice(message);
    call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    await();
    grpc::ByteBuffer received;
    call->Read(&received, nullptr);
    Answer answer;
    if (await()) {
      grpc::Slice bytes;
      if (received.DumpToSingleSlice(&bytes).ok()) {
        answer.first_message.assign(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
      }
      if (method == "/grpc.health.v1.Health/Watch") context.TryCancel();  // it has no end
    }
    call->Finish(&answer.status, nullptr);
    await();
    queue.Shutdown();
    while (await()) {
    }
    return answer;
  }

  // "/package.Service/Method" of all that the server says it has.
  static std::set<std::string> Methods() {
    const std::string list_services("\x3a\x00", 2);  // ServerReflectionRequest { list_services: "" }
    const Answer answer = Call(absl::StrCat("/", kReflection, "/ServerReflectionInfo"), list_services, "");
    std::set<std::string> methods;
    for (const std::string& list : Fields(answer.first_message, 6)) {  // list_services_response
      for (const std::string& service : Fields(list, 1)) {
        for (const std::string& name : Fields(service, 1)) {
          const auto* described = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
          EXPECT_NE(described, nullptr) << name;
          for (int i = 0; described != nullptr && i < described->method_count(); ++i) {
            methods.insert(absl::StrCat("/", name, "/", described->method(i)->name()));
          }
        }
      }
    }
    return methods;
  }

  // What a request of HTTP is answered, head and body; of the REST port where none is given.
  static std::string Http(const std::string& method, const std::string& path, const std::string& token, int port = 0) {
    testing::HttpClient client(port > 0 ? port : running_->server->http_port());
    const std::string authorization = token.empty() ? "" : "Authorization: Bearer " + token + "\r\n";
    return client.Exchange(method + " " + path + " HTTP/1.1\r\n" + authorization + "Content-Length: 0\r\n\r\n");
  }

  static inline TempDir* dir_ = nullptr;
  static inline RunningServer* running_ = nullptr;
};

bool IsRefused(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAUTHENTICATED ||
         status.error_code() == grpc::StatusCode::PERMISSION_DENIED;
}

TEST_F(RolesTest, EveryMethodThatTheServerHasStandsInTheTableAndTheOtherWayRound) {
  const std::set<std::string> methods = Methods();
  EXPECT_GT(methods.size(), 25u);
  EXPECT_THAT(methods,
              AllOf(Contains("/inference.GRPCInferenceService/ModelInfer"),
                    Contains("/beak.v1.TrainService/WatchTrainJob"), Contains("/grpc.health.v1.Health/Watch")));
  std::set<std::string> rows;
  for (const MethodRule& rule : MethodRules()) {
    const bool is_path = rule.method.find('/', 1) == std::string_view::npos;  // of HTTP alone
    if (!is_path) rows.insert(std::string(rule.method));
  }
  EXPECT_EQ(rows, methods) << "a method that nobody has decided about";
}

TEST_F(RolesTest, WithoutATokenThatIsKnownOnlyOpenMethodsAnswer) {
  for (const std::string& method : Methods()) {
    for (const char* authorization : {"", "Bearer nobody", "Basic token-admin"}) {
      const grpc::Status status = Call(method, "", authorization).status;
      if (SufficientRoles(method) == kOpen) {
        EXPECT_FALSE(IsRefused(status)) << method << ": " << status.error_message();
      } else {
        EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method << ": " << status.error_message();
      }
    }
  }
}

TEST_F(RolesTest, ARoleOpensWhatTheTableSaysAndNothingElse) {
  const std::map<std::string, Role> roles = {
      {"predict", kPredict}, {"admin", kAdmin}, {"train", kTrain}, {"metrics", kMetrics}};
  for (const std::string& method : Methods()) {
    const Roles sufficient = SufficientRoles(method);
    for (const auto& [name, role] : roles) {
      const grpc::Status status = Call(method, "", absl::StrCat("bearer token-", name)).status;
      if (sufficient == kOpen || (sufficient & role) != 0) {
        EXPECT_FALSE(IsRefused(status)) << method << " with " << name << ": " << status.error_message();
      } else {
        EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << method << " with " << name;
        EXPECT_THAT(status.error_message(), HasSubstr(RoleNames(sufficient)));
      }
    }
  }
}

TEST_F(RolesTest, APredictionNeedsAndTakesTheTokenForIt) {
  for (const auto& [token, code] : std::map<std::string, grpc::StatusCode>{
           {"token-predict", grpc::StatusCode::OK}, {"token-admin", grpc::StatusCode::PERMISSION_DENIED}}) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + token);
    inference::ModelInferResponse response;
    const grpc::Status status =
        running_->stub->ModelInfer(&context, testing::FloatRequest("scale", {1, 2}, {1, 10}), &response);
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    EXPECT_EQ(testing::Floats(response), status.ok() ? std::vector<float>({2, 20}) : std::vector<float>());
  }
}

TEST_F(RolesTest, BodiesOfStrangersAreNotRead) {
  testing::HttpClient client(running_->server->http_port());
  EXPECT_THAT(client.Exchange("POST /v2/models/scale/infer HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"),
              StartsWith("HTTP/1.1 401"));
}

TEST_F(RolesTest, LoadsAndUnloadsLeaveLinesWithTheCallersName) {
  ::testing::internal::CaptureStderr();
  for (const char* model : {"scale", "no\nsuch"}) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer token-admin");
    inference::RepositoryModelLoadRequest request;
    request.set_model_name(model);
    inference::RepositoryModelLoadResponse response;
    running_->stub->RepositoryModelLoad(&context, request, &response);
  }
  EXPECT_THAT(Http("POST", "/v2/repository/models/other/unload", "token-admin"), StartsWith("HTTP/1.1 4"));
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("audit action=load model=scale caller=a peer=ipv4:127.0.0.1:"));
  EXPECT_THAT(log, HasSubstr("outcome=OK"));
  EXPECT_THAT(log,
              AllOf(HasSubstr(R"(audit action=load model="no\u000asuch" caller=a)"), HasSubstr("outcome=NOT_FOUND")));
  EXPECT_THAT(log, HasSubstr("audit action=unload model=other caller=a peer=127.0.0.1:")) << "over HTTP";
}

// ---------------------------------------------------------------- over HTTP

TEST_F(RolesTest, EveryRouteAsksUnderTheNameOfItsRpc) {
  const std::set<std::string> methods = Methods();
  for (int i = 0; i <= static_cast<int>(RestOperation::kCudaSharedMemory); ++i) {
    EXPECT_THAT(methods, Contains(RuleOf(static_cast<RestOperation>(i)).rpc));
  }
}

TEST_F(RolesTest, RoutesAreOpenedAsTheTableSays) {
  const std::map<std::string, Role> roles = {
      {"predict", kPredict}, {"admin", kAdmin}, {"train", kTrain}, {"metrics", kMetrics}};
  const std::map<std::string, std::string> gets = {{"/v2", "ServerMetadata"},
                                                   {"/v2/health/ready", "ServerReady"},
                                                   {"/v2/models/scale", "ModelMetadata"},
                                                   {"/v2/models/scale/config", "ModelConfig"},
                                                   {"/v2/models/stats", "ModelStatistics"},
                                                   {"/v2/logging", "LogSettings"},
                                                   {"/v2/trace/setting", "TraceSetting"},
                                                   {"/v2/systemsharedmemory/status", "SystemSharedMemoryStatus"}};
  for (const auto& [path, rpc] : gets) {
    const Roles sufficient = SufficientRoles("/inference.GRPCInferenceService/" + rpc);
    const auto unless_open = [&](const char* status) { return sufficient == kOpen ? "HTTP/1.1 200" : status; };
    EXPECT_THAT(Http("GET", path, ""), StartsWith(unless_open("HTTP/1.1 401"))) << path;
    for (const auto& [name, role] : roles) {
      const std::string answer = Http("GET", path, "token-" + name);
      const bool refused = answer.rfind("HTTP/1.1 401", 0) == 0 || answer.rfind("HTTP/1.1 403", 0) == 0;
      EXPECT_EQ(refused, sufficient != kOpen && (sufficient & role) == 0) << path << " with " << name;
    }
  }
}

TEST_F(RolesTest, MetricsNeedTheirTokenAndProbesNone) {
  const int port = running_->metrics_port();
  EXPECT_THAT(Http("GET", "/metrics", "", port), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(Http("GET", "/metrics", "token-predict", port), StartsWith("HTTP/1.1 403"));
  EXPECT_THAT(Http("GET", "/metrics", "token-metrics", port), HasSubstr("beak_build_info"));
  EXPECT_THAT(Http("GET", "/metrics", "token-admin", port), HasSubstr("beak_build_info"));
  EXPECT_THAT(Http("GET", "/livez", "", port), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Http("GET", "/readyz", "", port), StartsWith("HTTP/1.1 200"));
}

}  // namespace
}  // namespace beak
